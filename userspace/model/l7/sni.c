// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sni.h"

#include <string.h>

#include "hash.h"

static bool is_name(const char *lower, struct route_text name)
{
	for (size_t i = 0; i < name.length; i++)
		if (lower[i] != hash_lower(name.at[i]))
			return false;
	return true;
}

static uint32_t find(const struct image *image, struct route_text name, int wildcard)
{
	uint64_t hash = hash_host(image->head->seed, name.at, name.length, wildcard);
	uint64_t bucket = hash & (image->server_buckets_count - 2);

	for (uint32_t i = image->server_buckets[bucket]; i < image->server_buckets[bucket + 1];
	     i++) {
		const struct image_server *server = &image->servers[i];

		if (server->hash == hash && server->wildcard == wildcard &&
		    server->name.length == name.length &&
		    is_name(image_string(image, server->name), name))
			return server->certificate;
	}
	return IMAGE_NONE;
}

uint32_t sni_find(const struct image *image, struct route_text name)
{
	uint32_t certificate = find(image, name, 0);
	const char *dot = memchr(name.at, '.', name.length);
	struct route_text rest;

	if (certificate != IMAGE_NONE || !dot || dot == name.at)
		return certificate;
	rest = (struct route_text){dot + 1, name.length - (size_t)(dot + 1 - name.at)};
	return find(image, rest, 1);
}
