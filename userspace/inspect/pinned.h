/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is pinned in a directory of a bpf filesystem, for whoever only looks: maps are opened
 * read-only (BPF_F_RDONLY), so that no fault of a tool can alter what packets meet. Works whether
 * an agent runs or not. Refuses in one sentence that says what to do.
 */
#ifndef MTLB_INSPECT_PINNED_H
#define MTLB_INSPECT_PINNED_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"

#define PINNED_DIRECTORY "/sys/fs/bpf/mtlb" /* where mtlbd pins unless it is told otherwise */
#define PINNED_NAME_MAX	 64

struct btf;

struct pinned_map {
	char name[PINNED_NAME_MAX]; /* of the pin: the kernel's own is cut */
	int fd;
	struct bpf_map_info info;
	size_t stride;	  /* of a map per CPU: bytes from one CPU's value to the next */
	unsigned cpus;	  /* values of a key; 1 unless the map is per CPU */
	uint64_t memlock; /* bytes of the kernel's memory */
	bool frozen;
};

struct pinned_names {
	char (*names)[PINNED_NAME_MAX]; /* sorted */
	size_t count;
};

/* Names of the maps that are pinned there. 0, or a negative errno and a sentence. */
int pinned_list(const char *directory, struct pinned_names *ret_names, struct err *err);
void pinned_names_fini(struct pinned_names *names);

int pinned_open(const char *directory, const char *name, struct pinned_map *ret_map,
		struct err *err);
void pinned_close(struct pinned_map *map);

bool pinned_is_array(const struct pinned_map *map);
bool pinned_is_hash(const struct pinned_map *map); /* it can be walked by its keys */
/* "array", "hash"; of a type that is newer than this program its number. */
const char *pinned_type_name(uint32_t type, char text[PINNED_NAME_MAX]);

/* Types of the map's keys and values; NULL: the kernel has none, or does not give it away. */
struct btf *pinned_btf(const struct pinned_map *map);
/* The same by their number, as info of maps and programs has it. */
struct btf *pinned_btf_of(uint32_t id);

/*
 * Elements of an array that has one value for all CPUs, as info.value_size tells one after the
 * other: packets may write them meanwhile, but each word is read whole. 0 or a negative errno.
 * (Mapping them into memory would be quicker, and takes a descriptor that may write.)
 */
int pinned_read(const struct pinned_map *map, uint32_t first, uint32_t count, void *ret_values);

/* One element, map->cpus values one after the other, each of pinned_value_size(). */
size_t pinned_value_size(const struct pinned_map *map);
int pinned_lookup(const struct pinned_map *map, const void *key, void *ret_values);

/*
 * Calls each for every element until it returns false. Elements of an array that are nothing but
 * zeros are left out unless empty_too. Memory does not grow with the map. 0 or a negative errno.
 */
int pinned_each(const struct pinned_map *map, bool empty_too,
		bool (*each)(void *context, const void *key, const void *values), void *context);

/* How many elements are in use. Negative: nobody can tell. */
int64_t pinned_used(const struct pinned_map *map);

/* The sentence for an errno of opening what is pinned at path. Returns error. */
int pinned_explain(const char *directory, const char *name, int error, struct err *err);

/* A number that fdinfo has of a descriptor, as "memlock"; 0: it has none. */
uint64_t pinned_fdinfo(int fd, const char *key);

#endif
