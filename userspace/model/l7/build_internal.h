/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What build.c gathers and build_index.c puts into order.
 */
#ifndef MTLB_MODEL_L7_BUILD_INTERNAL_H
#define MTLB_MODEL_L7_BUILD_INTERNAL_H

#include "build.h"

/* Where texts begin: the first section. */
#define BUILD_STRINGS_AT ((sizeof(struct image_head) + 7) / 8 * 8)

struct build_list {
	char *items;
	uint32_t count, room;
	uint32_t size; /* of one */
};

enum build_host_kind {
	BUILD_NO_HOST, /* of a route without hostnames */
	BUILD_HOST,
	BUILD_WILDCARD,
};

/* One rule, of one match of a route, for one of its hostnames. */
struct build_want {
	uint32_t tenant, listener, order;
	struct image_text host, path;
	uint8_t kind; /* enum build_host_kind */
	uint8_t type; /* enum build_path */
	struct image_rule rule;
};

struct build {
	uint64_t seed, generation, wildcard_depths, own_depths;
	uint8_t secret[16];
	struct image_limits limits;
	struct build_list lists[IMAGE_SECTIONS];
	struct build_list wants;     /* struct build_want */
	struct build_list hostnames; /* struct image_host: of the last route */
	struct build_list matches;   /* struct build_want: of the last route */
	bool route_open;
	uint32_t *texts; /* a hash table of where texts begin in strings, plus 1; 0: free */
	uint32_t text_room, text_count;
	int error; /* the first one */
	struct err why;
};

static inline void *build_items(struct build *build, enum image_section section)
{
	return build->lists[section].items;
}

static inline uint32_t build_count(const struct build *build, enum image_section section)
{
	return build->lists[section].count;
}

static inline const char *build_text(const struct build *build, struct image_text text)
{
	return build->lists[IMAGE_SECTION_strings].items + (text.at - BUILD_STRINGS_AT);
}

/* Returns the index, or 0 after an error, which is noted. */
uint32_t build_push(struct build *build, struct build_list *list, const void *item);
uint32_t build_add(struct build *build, enum image_section section, const void *item);

/* Of a pool; of a member of one with this key; of how TLS is spoken with a pool's members, name
 * being at most BUILD_HOST_MAX long. */
uint64_t build_pool_key(const uint8_t secret[16], const char *tenant, const char *name);
uint64_t build_key_of_member(const uint8_t secret[16], uint64_t pool, const struct addr *address,
			     uint16_t port);
uint64_t build_tls_key(const uint8_t secret[16], const struct image_pool *pool, const char *name);

/* Of wants and hosts: sites, paths, rules, and the hash tables. 0 or the error that was noted. */
int build_index(struct build *build);

#endif
