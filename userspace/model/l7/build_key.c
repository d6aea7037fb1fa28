// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "build_internal.h"

#include <string.h>

#include "../siphash.h"

/*
 * Of what belongs to whom. Connections to backends are found by it, and names and addresses are
 * their tenant's to choose: by a keyed hash, no tenant can make one that another one has.
 */
static uint64_t key_of(const uint8_t secret[16], uint64_t owner, const void *what, size_t length)
{
	uint8_t bytes[sizeof(owner) + BUILD_PATH_MAX] = {}, hash[8];
	uint64_t key;

	if (length > BUILD_PATH_MAX)
		length = BUILD_PATH_MAX;
	memcpy(bytes, &owner, sizeof(owner));
	memcpy(bytes + sizeof(owner), what, length);
	siphash_64(secret, bytes, sizeof(owner) + length, hash);
	memcpy(&key, hash, sizeof(key));
	return key;
}

uint64_t build_pool_key(const uint8_t secret[16], const char *tenant, const char *name)
{
	return key_of(secret, key_of(secret, 0, tenant, strlen(tenant)), name, strlen(name));
}

uint64_t build_key_of_member(const uint8_t secret[16], uint64_t pool, const struct addr *address,
			     uint16_t port)
{
	uint8_t place[sizeof(address->byte) + sizeof(port)];

	memcpy(place, address->byte, sizeof(address->byte));
	memcpy(place + sizeof(address->byte), &port, sizeof(port));
	return key_of(secret, pool, place, sizeof(place));
}

uint64_t build_member_key(const uint8_t secret[16], const char *tenant, const char *pool,
			  const struct addr *address, uint16_t port)
{
	return build_key_of_member(secret, build_pool_key(secret, tenant, pool), address, port);
}

/* Of all that says how TLS is spoken with its members. */
uint64_t build_tls_key(const uint8_t secret[16], const struct image_pool *pool, const char *name)
{
	uint8_t how[1 + IMAGE_DIGEST_SIZE + BUILD_HOST_MAX] = {pool->tls};
	size_t length = strlen(name);

	memcpy(how + 1, pool->tls_digest, IMAGE_DIGEST_SIZE);
	memcpy(how + 1 + IMAGE_DIGEST_SIZE, name, length);
	return key_of(secret, pool->key, how, 1 + IMAGE_DIGEST_SIZE + length);
}
