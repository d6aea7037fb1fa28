// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "compile.h"

#include <errno.h>
#include <string.h>

#include "../siphash.h"
#include "wanted.h"

static enum image_protocol protocol_of(const struct config_listener *listener)
{
	if (listener->passthrough)
		return IMAGE_TLS;
	return listener->tls ? IMAGE_HTTPS : IMAGE_HTTP;
}

static void add_listeners(struct build *build, const struct config *config)
{
	for (size_t i = 0; i < config->listener_count; i++) {
		const struct config_listener *from = &config->listeners[i];
		struct build_listener listener = {
			.name = from->name,
			.addresses = from->addresses,
			.address_count = from->address_count,
			.trusted = from->trusted,
			.trusted_count = from->trusted_count,
			.proxies = from->proxies,
			.proxy_count = from->proxy_count,
			.port = from->port,
			.protocol = protocol_of(from),
			.alpn = from->tls ? IMAGE_ALPN_HTTP1 : 0,
			.tls13 = from->tls13,
			.by_path = from->by_path,
		};

		build_listener(build, &listener);
	}
}

static void add_limits(struct build *build, const struct config_proxy *proxy)
{
	const struct image_limits limits = {
		.copy = proxy->copy,
#define TIME_LIMIT(name, least, most, fallback, sentence) .name##_ms = proxy->name##_ms,
#include "limits.def"
#undef TIME_LIMIT
	};

	build_limits(build, &limits);
}

/* All of them, so that their numbers are those of the state. */
static void add_tenants(struct build *build, const struct state *state)
{
	for (size_t i = 0; i < state->tenant_count; i++) {
		const struct state_tenant *tenant = &state->tenants[i];
		uint32_t weight = tenant->limits.weight ? tenant->limits.weight : 1;

		build_tenant(build, tenant->name, tenant->id, weight);
		build_tenant_limits(build, (uint32_t)i, tenant->http_connections,
				    tenant->http_requests);
		build_tenant_handshakes(build, (uint32_t)i, tenant->http_handshakes);
		build_tenant_stalled(build, (uint32_t)i, tenant->http_stalled);
		for (size_t j = 0; tenant->l7 && j < tenant->l7->domain_count; j++)
			build_domain(build, (uint32_t)i, tenant->l7->domains[j]);
		for (size_t j = 0; tenant->l7 && j < tenant->l7->path_count; j++)
			build_own_path(build, (uint32_t)i, tenant->l7->paths[j]);
	}
}

static void add_member(struct build *build, const struct config *config, struct build_member member)
{
	member.local = config->zone[0] && member.zone && !strcmp(config->zone, member.zone);
	build_member(build, &member);
}

/* What has files that cannot be used serves nobody: least of all without them. number: of the first
 * of the tenant's secrets. */
static void secure_pool(struct build_pool *pool, const struct wanted *wanted,
			const struct wanted_pool *from, const struct compile_digests *digests,
			size_t number)
{
	const struct compile_digest *digest = NULL;

	if (!from->tls)
		return;
	number += wanted->certificate_count + (size_t)(from->tls - wanted->pool_tls);
	if (digests)
		digest = digests->of(digests->context, number);
	if (digest)
		pool->tls_digest = digest->all;
	else
		pool->tls = IMAGE_TLS_BROKEN;
}

/* Returns the number of the first one. */
static uint32_t add_pools(struct build *build, const struct config *config,
			  const struct wanted *wanted, uint32_t tenant,
			  const struct compile_digests *digests, size_t number)
{
	uint32_t first = 0;

	for (size_t i = 0; i < wanted->pool_count; i++) {
		const struct wanted_pool *from = &wanted->pools[i];
		struct build_pool pool = from->pool;
		uint32_t index;

		pool.tenant = tenant;
		secure_pool(&pool, wanted, from, digests, number);
		index = build_pool(build, &pool);
		first = i ? first : index;
		for (size_t j = 0; j < from->member_count; j++)
			add_member(build, config, from->members[j]);
	}
	return first;
}

/* Those that can be shown: of the others nothing is known but their names. */
static void add_certificates(struct build *build, const struct state *state,
			     const struct compile_digests *digests)
{
	size_t first = 0;

	for (size_t i = 0; i < state->tenant_count; i++) {
		const struct wanted *wanted = state->tenants[i].l7;

		for (size_t j = 0; wanted && j < wanted->certificate_count; j++) {
			const struct wanted_certificate *from = &wanted->certificates[j];
			const struct compile_digest *digest =
				digests->of(digests->context, first + j);
			struct build_certificate certificate = {
				.tenant = (uint32_t)i,
				.name = from->name,
				.client_auth = from->client_auth,
			};

			if (!digest)
				continue;
			certificate.digest = digest->all;
			certificate.client_ca = digest->client_ca;
			build_certificate(build, &certificate);
			for (size_t k = 0; k < from->hostname_count; k++)
				build_server(build, from->hostnames[k]);
		}
		first += wanted ? wanted_secrets(wanted) : 0;
	}
}

static void add_filters(struct build *build, const struct wanted_route *route, uint32_t first_pool)
{
	for (size_t i = 0; i < route->filter_count; i++) {
		const struct wanted_filter *filter = &route->filters[i];
		struct build_filter to = filter->filter;

		to.pool += to.type == IMAGE_MIRROR ? first_pool : 0;
		build_filter(build, &to);
		for (size_t j = 0; j < filter->edit_count; j++)
			build_edit(build, filter->edits[j].type, filter->edits[j].name,
				   filter->edits[j].value);
	}
}

static void add_route(struct build *build, const struct wanted_route *from, uint32_t tenant,
		      uint32_t first_pool)
{
	struct build_route route = from->route;

	route.tenant = tenant;
	build_route(build, &route);
	for (size_t i = 0; i < from->backend_count; i++)
		build_backend(build, first_pool + (uint32_t)from->backends[i].pool,
			      from->backends[i].weight);
	add_filters(build, from, first_pool);
	for (size_t i = 0; i < from->hostname_count; i++)
		build_hostname(build, from->hostnames[i]);
	for (size_t i = 0; i < from->match_count; i++)
		build_match(build, &from->matches[i]);
}

static void add_routes(struct build *build, const struct config *config,
		       const struct compile_digests *digests)
{
	const struct state *state = &config->state;
	size_t number = 0;

	for (size_t i = 0; i < state->tenant_count; i++) {
		const struct wanted *wanted = state->tenants[i].l7;
		uint32_t first_pool;

		if (!wanted)
			continue;
		first_pool = add_pools(build, config, wanted, (uint32_t)i, digests, number);
		number += wanted_secrets(wanted);
		for (size_t j = 0; j < wanted->route_count; j++)
			add_route(build, &wanted->routes[j], (uint32_t)i, first_pool);
	}
}

/* Another use of the same secret is another secret. */
void compile_secret(const struct config *config, const uint8_t random[16], uint8_t ret_secret[16])
{
	static const char use[] = "mtlb l7";

	siphash_128(config->has_hash_secret ? config->hash_secret : random, use, sizeof(use),
		    ret_secret);
}

int compile_image(const struct config *config, const struct compile_digests *digests, uint64_t seed,
		  uint64_t generation, const uint8_t secret[16], void **ret_image, size_t *ret_size,
		  struct err *err)
{
	struct build *build = build_new(seed, generation);
	int error;

	if (!build)
		return err_set(err, -ENOMEM, "no memory");
	build_secret(build, secret);
	add_limits(build, &config->proxy);
	add_listeners(build, config);
	add_tenants(build, &config->state);
	if (digests)
		add_certificates(build, &config->state, digests);
	add_routes(build, config, digests);
	error = build_finish(build, ret_image, ret_size, err);
	build_free(build);
	return error;
}

bool compile_is_needed(const struct config *config)
{
	return config->listener_count > 0;
}
