// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "quic.h"

#include <string.h>

static const struct dataplane_view *view_of(const struct registry *registry)
{
	return dataplane_view(registry->dataplane);
}

/* False: this member has no ID of the length that its service reads. */
static bool key_of(const struct registry *registry, const struct registry_service *service,
		   uint32_t member, struct mtlb_quic_key *ret_key)
{
	const struct mtlb_member_name *name = &view_of(registry)->member_names[member];
	uint8_t bytes = view_of(registry)->services[service->index].quic_bytes;

	if (!bytes || name->server_id_bytes != bytes)
		return false;
	*ret_key = (struct mtlb_quic_key){.service = service->index, .length = bytes};
	memcpy(&ret_key->id, name->server_id, bytes);
	return true;
}

static struct registry_quic *find(const struct registry_service *service,
				  const struct mtlb_quic_key *key)
{
	struct registry_quic *quic;

	HASH_FIND(by_key, service->quic, key, sizeof(*key), quic);
	return quic;
}

static int drop(struct registry *registry, struct registry_service *service,
		struct registry_quic *quic)
{
	int error = dataplane_delete_quic_id(registry->dataplane, &quic->key);

	if (!error)
		registry_remove_quic(service, quic);
	return error;
}

/* What nobody has any more goes first, so that there is room for the others. */
static int drop_unwanted(struct registry *registry, struct registry_service *service)
{
	struct registry_quic *quic, *next;
	struct mtlb_quic_key key;
	int error = 0;

	HASH_ITER (by_key, service->quic, quic, next)
		quic->wanted = false;
	for (size_t i = 0; i < service->member_count; i++) {
		quic = key_of(registry, service, service->members[i], &key) ? find(service, &key)
									    : NULL;
		if (quic)
			quic->wanted = true;
	}
	HASH_ITER (by_key, service->quic, quic, next)
		if (!error && !quic->wanted)
			error = drop(registry, service, quic);
	return error;
}

static int put(struct registry *registry, struct registry_service *service,
	       const struct mtlb_quic_key *key, uint32_t member)
{
	struct registry_quic *quic = find(service, key);
	int error;

	if (quic && quic->member == member)
		return 0;
	error = dataplane_put_quic_id(registry->dataplane, key, member);
	if (error || !quic)
		return error ?: registry_add_quic(service, key, member);
	quic->member = member;
	return 0;
}

/* Its holder may have got another ID since. */
static bool is_held(const struct registry *registry, const struct registry_service *service,
		    const struct mtlb_quic_key *key)
{
	const struct registry_quic *quic = find(service, key);
	struct mtlb_quic_key held;

	return quic && key_of(registry, service, quic->member, &held) &&
	       !memcmp(&held, key, sizeof(held));
}

int quic_sync(struct registry *registry, struct registry_service *service)
{
	const struct mtlb_member_name *names = view_of(registry)->member_names;
	int error = drop_unwanted(registry, service);
	struct mtlb_quic_key key;

	/* those that linger get what the others leave */
	for (int lingers = 0; lingers < 2; lingers++)
		for (size_t i = 0; !error && i < service->member_count; i++) {
			uint32_t member = service->members[i];

			if ((names[member].state == MTLB_MEMBER_GONE) != lingers ||
			    !key_of(registry, service, member, &key))
				continue;
			if (!lingers || !is_held(registry, service, &key))
				error = put(registry, service, &key, member);
		}
	return error;
}

int quic_forget(struct registry *registry, struct registry_service *service, uint32_t member)
{
	struct registry_quic *quic, *next;
	int error = 0;

	HASH_ITER (by_key, service->quic, quic, next)
		if (!error && quic->member == member)
			error = drop(registry, service, quic);
	return error;
}
