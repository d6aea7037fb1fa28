// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "held.h"

#include <string.h>

#define WAYS 4

/* The first of its places: multiplied by odd numbers (Dietzfelbinger and others, 1997), as nobody
 * outside knows. */
static size_t place_of(const struct held *held, uint32_t tenant, const struct addr *client)
{
	uint64_t network, host;

	memcpy(&network, client->byte, sizeof(network));
	memcpy(&host, client->byte + 8, sizeof(host));
	_Static_assert(HELD_PLACES / WAYS == 1 << (64 - 58), "as many as six bits tell apart");
	return WAYS * ((network ^ host ^ (uint64_t)tenant << 32) * (held->secret | 1) >> 58);
}

static bool is_it(const struct held_client *known, uint32_t tenant, const struct addr *client)
{
	return known->tenant == tenant && !addr_compare(&known->client, client);
}

void held_cut(struct held *held, uint32_t tenant, const struct addr *client, uint64_t now)
{
	const struct addr whole = addr_client(client);
	struct held_client *places = held->clients + place_of(held, tenant, &whole), *its = places;

	for (int i = 0; i < WAYS; i++) {
		if (is_it(&places[i], tenant, &whole)) {
			its = &places[i];
			break;
		}
		if (places[i].at < its->at)
			its = &places[i];
	}
	if (!is_it(its, tenant, &whole) || now - its->at > HELD_MEMORY)
		*its = (struct held_client){.client = whole, .tenant = tenant};
	its->at = now;
	if (its->cuts < HELD_CUTS)
		its->cuts++;
	if (its->cuts == HELD_CUTS)
		held->until = now + HELD_FOR;
}

static uint64_t left_of(const struct held_client *known, uint64_t now)
{
	if (known->cuts < HELD_CUTS || now - known->at >= HELD_FOR)
		return 0;
	return known->at + HELD_FOR - now;
}

uint64_t held_left(const struct held *held, uint32_t tenant, const struct addr *client,
		   uint64_t now)
{
	const struct held_client *places;
	struct addr whole;

	if (now >= held->until)
		return 0;
	whole = addr_client(client);
	places = held->clients + place_of(held, tenant, &whole);
	for (int i = 0; i < WAYS; i++)
		if (is_it(&places[i], tenant, &whole))
			return left_of(&places[i], now);
	return 0;
}
