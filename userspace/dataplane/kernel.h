/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the files behind the kernel's door share. */
#ifndef MTLB_DATAPLANE_KERNEL_H
#define MTLB_DATAPLANE_KERNEL_H

#include <bpf/libbpf.h>
#include <stdarg.h>

#include "internal.h"

#define KERNEL_PATH_MAX 512

struct l4_ingress;
struct ring_buffer;

struct kernel {
	struct dataplane dataplane; /* first: kernel_of() */
	struct l4_ingress *skeleton;
	char *directory;
	int vips_fd;
	struct ring_buffer *held, *events;
	void (*each_held)(void *context, const struct mtlb_held *held); /* while they are read */
	void *held_context;
	void (*each_event)(void *context, const struct mtlb_event *event); /* the same */
	void *event_context;
	int lock_fd; /* of the directory: one agent at a time */
	size_t mapped[DATAPLANE_ARRAY_COUNT];
};

static inline struct kernel *kernel_of(const struct dataplane *dataplane)
{
	return (struct kernel *)dataplane;
}

/* The maps that are no arrays: sizes and pins them before the program is loaded. */
int kernel_maps_prepare(struct kernel *kernel, const struct dataplane_options *options);
/* And opens what must be open, afterwards. */
int kernel_maps_open(struct kernel *kernel);
void kernel_maps_close(struct kernel *kernel);
int kernel_pin_path(const struct kernel *kernel, const char *name, char path[KERNEL_PATH_MAX]);

int kernel_put_vip_key(struct dataplane *dataplane, const struct mtlb_vip_key *key, uint32_t index);
int kernel_delete_vip_key(struct dataplane *dataplane, const struct mtlb_vip_key *key);
uint32_t kernel_find_vip_key(const struct dataplane *dataplane, const struct mtlb_vip_key *key);
int kernel_each_vip_key(const struct dataplane *dataplane,
			void (*each)(void *, const struct mtlb_vip_key *, uint32_t), void *context);
int kernel_put_quic_id(struct dataplane *dataplane, const struct mtlb_quic_key *key,
		       uint32_t member);
int kernel_delete_quic_id(struct dataplane *dataplane, const struct mtlb_quic_key *key);
int kernel_each_quic_id(const struct dataplane *dataplane,
			void (*each)(void *, const struct mtlb_quic_key *, uint32_t),
			void *context);
int kernel_put_interface(struct dataplane *dataplane, uint32_t ifindex);
int kernel_events_fd(const struct dataplane *dataplane);
int kernel_each_event(struct dataplane *dataplane, void (*each)(void *, const struct mtlb_event *),
		      void *context);
int kernel_held_fd(const struct dataplane *dataplane);
int kernel_each_held(struct dataplane *dataplane, void (*each)(void *, const struct mtlb_held *),
		     void *context);
int kernel_put_back(struct dataplane *dataplane, uint32_t ifindex, const void *frame,
		    uint32_t length);

/* Says why the program or a map was not taken, and what to do; returns a negative errno. */
int kernel_refused(const struct kernel *kernel, int error, struct err *err);
/* For libbpf_set_print(). */
int kernel_print(enum libbpf_print_level level, const char *format, va_list args);

int kernel_attach(struct dataplane *dataplane, const char *interface, enum dataplane_mode mode,
		  struct dataplane_link *ret_link, struct err *err);
int kernel_detach_others(struct dataplane *dataplane, const struct dataplane_link *keep,
			 size_t count);
int kernel_attach_probe(struct dataplane *dataplane, uint32_t ifindex);
/* Puts this version's program in the place of the one each pinned link runs. */
int kernel_upgrade_links(struct kernel *kernel, struct err *err);

#endif
