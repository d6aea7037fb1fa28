/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What kernel.c and kernel_link.c share. */
#ifndef MTLB_DATAPLANE_KERNEL_H
#define MTLB_DATAPLANE_KERNEL_H

#include "internal.h"

#define KERNEL_PATH_MAX 512

struct l4_ingress;

struct kernel {
	struct dataplane dataplane; /* first: kernel_of() */
	struct l4_ingress *skeleton;
	char *directory;
	int vips_fd;
	int lock_fd; /* of the directory: one agent at a time */
	size_t mapped[DATAPLANE_ARRAY_COUNT];
};

static inline struct kernel *kernel_of(const struct dataplane *dataplane)
{
	return (struct kernel *)dataplane;
}

int kernel_attach(struct dataplane *dataplane, const char *interface, enum dataplane_mode mode,
		  struct dataplane_link *ret_link, struct err *err);
int kernel_detach_others(struct dataplane *dataplane, const struct dataplane_link *keep,
			 size_t count);
/* Puts this version's program in the place of the one each pinned link runs. */
int kernel_upgrade_links(struct kernel *kernel, struct err *err);

#endif
