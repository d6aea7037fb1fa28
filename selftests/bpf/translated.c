// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "translated.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define FIRST_RECORD 300
#define VLAN	     7
#define MSS	     1200
#define MOST	     8 /* buckets that a test gives a tenant */

static const struct {
	uint8_t family, protocol;
	uint16_t port, to;
	uint8_t flags;
	uint32_t ifindex;
	uint16_t mss, mtu;
	uint8_t member_family, quic;
} services[] = {
	[KEPT4_TCP] = {AF_INET, IPPROTO_TCP, 100},
	[KEPT4_UDP] = {AF_INET, IPPROTO_UDP, 100},
	[KEPT6_TCP] = {AF_INET6, IPPROTO_TCP, 100},
	[KEPT6_UDP] = {AF_INET6, IPPROTO_UDP, 100},
	[PORT4_TCP] = {AF_INET, IPPROTO_TCP, 101, 8080},
	[PORT4_UDP] = {AF_INET, IPPROTO_UDP, 101, 8080},
	[PORT6_TCP] = {AF_INET6, IPPROTO_TCP, 101, 8080},
	[PORT6_UDP] = {AF_INET6, IPPROTO_UDP, 101, 8080},
	[AWAY4_TCP] = {AF_INET, IPPROTO_TCP, 102, .ifindex = RIG_AWAY},
	[TAG4_TCP] = {AF_INET, IPPROTO_TCP, 103, .flags = MTLB_MEMBER_TAG},
	[UNTAG6_UDP] = {AF_INET6, IPPROTO_UDP, 104, .flags = MTLB_MEMBER_UNTAG},
	[NO_HOP4_TCP] = {AF_INET, IPPROTO_TCP, 105, .flags = MTLB_MEMBER_NO_NEXT_HOP},
	[MSS4_TCP] = {AF_INET, IPPROTO_TCP, 106, .mss = MSS},
	[MSS6_TCP] = {AF_INET6, IPPROTO_TCP, 106, .mss = MSS},
	[WRONG4_TCP] = {AF_INET, IPPROTO_TCP, 107, .member_family = AF_INET6},
	[SMALL4_UDP] = {AF_INET, IPPROTO_UDP, 108, .mtu = 1000},
	[QUIC4_UDP] = {AF_INET, IPPROTO_UDP, 109, .quic = 2},
	[GLOBEX4_TCP] = {AF_INET, IPPROTO_TCP, 100},
};

static enum rig_tenant tenant_of(uint32_t service)
{
	return service == GLOBEX4_TCP ? GLOBEX : ACME;
}

/* First bucket of the addresses that a tenant's flows are translated to, and of its own ports. */
static uint32_t bank_of(const struct rig *rig, enum rig_tenant tenant)
{
	return rig->view->node->nat_first + (tenant - ACME) * MTLB_NAT_BUCKETS;
}

static uint32_t range_of(const struct rig *rig, enum rig_tenant tenant)
{
	return bank_of(rig, tenant) + MTLB_NAT_PORT_FIRST / MTLB_FLOWS_PER_BUCKET;
}

static struct mtlb_address address(const char *text)
{
	struct mtlb_vip_key key;

	rig_key(&key, text, 0, 0);
	return key.address;
}

static void put_member(const struct rig *rig, uint32_t number, uint32_t service, uint8_t flags)
{
	struct mtlb_member_name name = {.used = 1, .service = service, .weight = 1};
	int family = services[service].member_family ?: services[service].family;
	bool other = tenant_of(service) == GLOBEX;
	struct mtlb_member record = {
		.next_hop = {2, 0, 0, 0, 2, (uint8_t)number},
		.source_mac = {2, 0, 0, 0, 1, 0x0b},
		.mtu = services[service].mtu ?: 1500,
		.encap = MTLB_ENCAP_NAT,
		.flags = services[service].flags | flags,
		.service = service,
		.ifindex = services[service].ifindex ?: RIG_IFINDEX,
		.vlan = htons(VLAN),
		.port = htons(services[service].to),
	};

	if (family == AF_INET) {
		record.outer_source = address(other ? "10.0.0.2" : "10.0.0.1");
		record.outer_destination = address("10.1.0.0");
	} else {
		record.outer_source = address(other ? "fd00::2" : "fd00::1");
		record.outer_destination = address("fd00:1::");
	}
	record.outer_destination.word[3] |= htonl(number);
	assert_int_equal(dataplane_put_member(rig->dataplane, number, &record, &name), 0);
}

static void put_service(const struct rig *rig, uint32_t service, uint32_t buckets)
{
	enum rig_tenant tenant = tenant_of(service);
	struct mtlb_service record = {
		.used = 1, .tenant = tenant, .protocol = services[service].protocol, .name = "nat"};
	const char *vip4 = tenant == ACME ? "192.0.2.1" : "192.0.2.2";
	struct mtlb_vip vip = rig_vip(services[service].family == AF_INET ? vip4 : "2001:db8:1::1",
				      service, services[service].protocol, services[service].port);

	assert_int_equal(dataplane_put_service(rig->dataplane, service, &record), 0);
	put_member(rig, service, service, 0);
	translated_set_owner(rig, service, service);
	vip.tenant = tenant;
	vip.flags = MTLB_VIP_NAT | (uint32_t)services[service].mss << MTLB_VIP_MSS_SHIFT |
		    (uint32_t)services[service].quic << MTLB_VIP_QUIC_SHIFT;
	vip.flow_first = range_of(rig, tenant);
	vip.flow_mask = buckets - 1;
	rig_put_vip(rig, FIRST_RECORD + service - RIG_OTHER, &vip);
}

static void put_source(const struct rig *rig, uint32_t index, const char *text, uint32_t bucket)
{
	struct mtlb_vip vip = {.flags = MTLB_VIP_ADDRESS | MTLB_VIP_NAT_SOURCE,
			       .flow_first = bucket};

	rig_key(&vip.key, text, 0, 0);
	rig_put_vip(rig, index, &vip);
}

/* Names what is a tenant's. */
static void put_range(const struct rig *rig, enum rig_tenant tenant, uint32_t buckets)
{
	struct mtlb_tenant record = rig->view->tenants[tenant];

	record.nat_first = range_of(rig, tenant);
	record.nat_count = buckets;
	assert_int_equal(dataplane_put_tenant(rig->dataplane, tenant, &record), 0);
}

void translated_set_member(const struct rig *rig, uint32_t service, uint8_t flags)
{
	put_member(rig, service, service == SPARE ? KEPT4_TCP : service, flags);
}

void translated_set_owner(const struct rig *rig, uint32_t service, uint32_t member)
{
	rig_put_slots(rig, service, &member, 1);
}

void translated_set(const struct rig *rig, uint32_t buckets)
{
	const struct mtlb_quic_key id = {.id = 0xa1a0, .service = QUIC4_UDP, .length = 2};
	uint32_t index = FIRST_RECORD + TRANSLATED_END - RIG_OTHER;

	for (uint32_t service = RIG_OTHER; service < TRANSLATED_END; service++)
		put_service(rig, service, buckets);
	put_member(rig, SPARE, KEPT4_TCP, 0);
	put_member(rig, NAMED, QUIC4_UDP, 0);
	assert_int_equal(dataplane_put_quic_id(rig->dataplane, &id, NAMED), 0);
	put_source(rig, index++, "10.0.0.1", bank_of(rig, ACME));
	put_source(rig, index++, "fd00::1", bank_of(rig, ACME));
	put_source(rig, index++, "10.0.0.2", bank_of(rig, GLOBEX));
	put_source(rig, index++, "fd00::2", bank_of(rig, GLOBEX));
	for (enum rig_tenant tenant = ACME; tenant <= GLOBEX; tenant++) {
		put_range(rig, tenant, buckets);
		assert_int_equal(dataplane_clear_flows(rig->dataplane, range_of(rig, tenant), MOST),
				 0);
	}
}

static uint32_t bucket_of(const struct rig *rig, enum rig_tenant tenant, uint16_t port)
{
	return bank_of(rig, tenant) + port / MTLB_FLOWS_PER_BUCKET;
}

uint64_t translated_word(const struct rig *rig, enum rig_tenant tenant, uint16_t port)
{
	return rig->view->flows[bucket_of(rig, tenant, port)].word[port % MTLB_FLOWS_PER_BUCKET];
}

const struct mtlb_flow_facts *translated_facts(const struct rig *rig, enum rig_tenant tenant,
					       uint16_t port)
{
	return &rig->view->facts[bucket_of(rig, tenant, port) * MTLB_FLOWS_PER_BUCKET +
				 port % MTLB_FLOWS_PER_BUCKET];
}

void translated_change(const struct rig *rig, uint16_t port, uint32_t age, uint32_t tag)
{
	uint64_t word = translated_word(rig, ACME, port);

	/* the maps are mapped into memory, so this is the word that packets see */
	*(uint64_t *)&rig->view->flows[bucket_of(rig, ACME, port)]
		 .word[port % MTLB_FLOWS_PER_BUCKET] = mtlb_flow_word(
		tag, mtlb_flow_member(word), mtlb_flow_stamp(word) - age, mtlb_flow_state(word));
}

void translated_assert(const struct rig *rig, uint16_t port, uint32_t member, uint32_t state)
{
	uint64_t word = translated_word(rig, ACME, port);

	if (!word || mtlb_flow_member(word) != member || mtlb_flow_state(word) != state)
		fail_msg("port %u: member %u, state %u, instead of %u, %u", port,
			 mtlb_flow_member(word), mtlb_flow_state(word), member, state);
	assert_in_range((rig_now(rig) - mtlb_flow_stamp(word)) & MTLB_FLOW_STAMP_MASK, 0, 1);
}

uint32_t translated_count(const struct rig *rig)
{
	uint32_t count = 0;

	for (uint16_t port = MTLB_NAT_PORT_FIRST;
	     port < MTLB_NAT_PORT_FIRST + MOST * MTLB_FLOWS_PER_BUCKET; port++)
		count += translated_word(rig, ACME, port) != 0;
	return count;
}
