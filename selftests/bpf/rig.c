// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "rig_trace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "../../bpf/core/hash.h"
#include "../../bpf/core/parse.h"
#include "selftests/bpf/poison.skel.h"

#define ADDRESS_RECORDS 120
#define SERVICE_RECORDS RIG_VIPS /* the numbers before are the tests' own */
#define GUE_PORT	6080

static const struct {
	const char *name, *ip4, *ip6;
} tenants[] = {
	[ACME] = {"acme", "192.0.2.1", "2001:db8:1::1"},
	[GLOBEX] = {"globex", "192.0.2.2", "2001:db8:1::2"},
};

static const struct {
	const char *name;
	enum rig_tenant tenant;
	uint8_t protocol;
	uint16_t port;
	enum mtlb_encap encap;
	uint32_t ifindex;
	uint16_t mtu;
	uint8_t flags;
	uint16_t vlan;
	uint32_t vip;
} services[] = {
#define SERVICE(name_, tenant_, protocol_, port_, encap_, ifindex_, mtu_, ...) \
	[name_] = {.name = #name_,                                             \
		   .tenant = (tenant_),                                        \
		   .protocol = IPPROTO_##protocol_,                            \
		   .port = (port_),                                            \
		   .encap = MTLB_ENCAP_##encap_,                               \
		   .ifindex = (ifindex_),                                      \
		   .mtu = (mtu_),                                              \
		   .flags = __VA_ARGS__},
#include "rig_services.def"
#undef SERVICE
};

static void address_of(struct mtlb_address *address, const char *text)
{
	*address = (struct mtlb_address){.word[2] = htonl(0xffff)};
	if (inet_pton(AF_INET, text, &address->word[3]) != 1)
		assert_int_equal(inet_pton(AF_INET6, text, address), 1);
}

void rig_key(struct mtlb_vip_key *key, const char *address, uint8_t protocol, uint16_t port)
{
	*key = (struct mtlb_vip_key){.protocol = protocol, .port = htons(port)};
	address_of(&key->address, address);
}

struct mtlb_vip rig_vip(const char *address, uint32_t service, uint8_t protocol, uint16_t port)
{
	enum rig_tenant tenant = service < (uint32_t)RIG_SERVICES ? services[service].tenant : ACME;
	struct mtlb_vip vip = {
		.tenant = tenant,
		.service = service,
		.slot_first = service * MTLB_SLOTS_PER_LINE,
		.slot_count = 1,
		.flow_first = RIG_FLOWS(tenant),
		.flow_mask = RIG_RANGE - 1,
		.idle = 200,
		.generation = 1,
	};

	rig_key(&vip.key, address, protocol, port);
	return vip;
}

void rig_put_vip(const struct rig *rig, uint32_t index, const struct mtlb_vip *vip)
{
	assert_int_equal(dataplane_put_vip(rig->dataplane, index, vip), 0);
}

struct mtlb_member rig_member(uint32_t member, uint32_t service, enum mtlb_encap encap,
			      uint32_t ifindex, uint16_t mtu, uint8_t flags)
{
	bool ipv4 = encap == MTLB_ENCAP_IPV4 || encap == MTLB_ENCAP_GUE4;
	struct mtlb_address source, destination;
	struct mtlb_member record = {
		.next_hop = {2, 0, 0, 0, 2, (uint8_t)member},
		.source_mac = {2, 0, 0, 0, 1, 0x0b},
		.mtu = mtu,
		.encap = (uint8_t)encap,
		.flags = flags,
		.service = service,
		.ifindex = ifindex,
		.port = encap >= MTLB_ENCAP_GUE4 ? htons(GUE_PORT) : 0,
	};

	if (encap == MTLB_ENCAP_NONE)
		return record;
	address_of(&source, ipv4 ? "10.0.0.1" : "fd00::1");
	address_of(&destination, ipv4 ? "10.1.0.0" : "fd00:1::");
	destination.word[3] |= htonl(member);
	dataplane_set_outer(&record, &source, &destination);
	return record;
}

void rig_put_record(const struct rig *rig, uint32_t member, const struct mtlb_member *record)
{
	struct mtlb_member_name name = {.used = 1, .service = record->service, .weight = 1};

	assert_int_equal(dataplane_put_member(rig->dataplane, member, record, &name), 0);
}

void rig_put_member(const struct rig *rig, uint32_t member, uint32_t service, enum mtlb_encap encap,
		    uint32_t ifindex, uint16_t mtu, uint8_t flags)
{
	struct mtlb_member record = rig_member(member, service, encap, ifindex, mtu, flags);

	rig_put_record(rig, member, &record);
}

void rig_put_slots(const struct rig *rig, uint32_t line, const uint32_t *slots, uint32_t count)
{
	assert_int_equal(
		dataplane_put_slots(rig->dataplane, line * MTLB_SLOTS_PER_LINE, slots, count), 0);
}

static void put_tenant(const struct rig *rig, enum rig_tenant tenant)
{
	struct mtlb_tenant record = {
		.used = 1, .flow_first = RIG_FLOWS(tenant), .flow_count = RIG_RANGE};
	const char *addresses[] = {tenants[tenant].ip4, tenants[tenant].ip6};
	uint32_t index = ADDRESS_RECORDS + 2 * (tenant - 1);

	strcpy(record.name, tenants[tenant].name);
	assert_int_equal(dataplane_put_tenant(rig->dataplane, tenant, &record), 0);
	for (size_t i = 0; i < 2; i++) {
		struct mtlb_vip vip = {.tenant = tenant, .flags = MTLB_VIP_ADDRESS};

		rig_key(&vip.key, addresses[i], 0, 0);
		rig_put_vip(rig, index++, &vip);
	}
}

static void put_service(const struct rig *rig, enum rig_service service)
{
	enum rig_tenant tenant = services[service].tenant;
	struct mtlb_service record = {
		.used = 1, .tenant = tenant, .protocol = services[service].protocol};
	struct mtlb_member member =
		rig_member(service, service, services[service].encap, services[service].ifindex,
			   services[service].mtu, services[service].flags);
	const char *addresses[] = {tenants[tenant].ip4, tenants[tenant].ip6};
	uint32_t slot = service;

	strcpy(record.name, services[service].name);
	assert_int_equal(dataplane_put_service(rig->dataplane, service, &record), 0);
	member.vlan = htons(services[service].vlan);
	rig_put_record(rig, service, &member);
	if (service == NO_OWNER || service == NO_OWNER_UDP)
		slot = 0;
	if (service == THIEF)
		slot = GLOBEX_DSR;
	rig_put_slots(rig, service, &slot, 1);
	for (uint32_t i = 0; i < 2; i++) {
		struct mtlb_vip vip = rig_vip(addresses[i], service, services[service].protocol,
					      services[service].port);

		vip.slot_count = service != NO_TABLE;
		vip.flags = services[service].vip;
		rig_put_vip(rig, SERVICE_RECORDS + 2 * service + i, &vip);
	}
}

/* Packets leave only by interfaces that exist: the rig has some of its own, in a namespace. */
static void make_interfaces(const struct rig *rig)
{
	char command[96];

	snprintf(command, sizeof(command),
		 "ip link add name away index %d type veth peer name far index %d", RIG_AWAY,
		 RIG_FAR);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(system(command), 0);
	assert_int_equal(dataplane_put_interface(rig->dataplane, RIG_AWAY), 0);
	assert_int_equal(dataplane_put_interface(rig->dataplane, RIG_FAR), 0);
}

static struct dataplane_capacity capacity_of(const struct rig *rig)
{
	return (struct dataplane_capacity){
		.tenants = RIG_TENANTS + 1,
		.vips = RIG_VIPS,
		.services = RIG_MEMBERS,
		.members = RIG_MEMBERS,
		.slots = RIG_SLOTS,
		.flow_buckets = RIG_BUCKETS,
		.nat_sources = rig->without_nat ? 0 : 2,
		.acl_prefixes = rig->acl_prefixes,
	};
}

static void put_all(struct rig *rig)
{
	for (enum rig_tenant tenant = ACME; tenant < RIG_TENANTS; tenant++)
		put_tenant(rig, tenant);
	for (enum rig_service service = NOBODY + 1; service < RIG_SERVICES; service++)
		put_service(rig, service);
}

void rig_open_memory(struct rig *rig, const uint8_t *secret, uint32_t stamp_shift)
{
	struct dataplane_options options = {
		.capacity = capacity_of(rig),
		.secret = secret,
		.stamp_shift = stamp_shift,
	};

	*rig = (struct rig){.without_nat = rig->without_nat};
	assert_int_equal(dataplane_open_memory(&options, &rig->dataplane), 0);
	rig->view = dataplane_view(rig->dataplane);
	assert_int_equal(dataplane_put_interface(rig->dataplane, RIG_AWAY), 0);
	assert_int_equal(dataplane_put_interface(rig->dataplane, RIG_FAR), 0);
	put_all(rig);
}

static void open_dataplane(struct rig *rig, uint32_t stamp_shift)
{
	struct dataplane_options options = {
		.directory = rig->directory,
		.capacity = capacity_of(rig),
		.stamp_shift = stamp_shift,
	};
	struct err err = {};
	uint32_t zero = 0;
	int fd;

	if (dataplane_open(&options, &rig->dataplane, &err))
		fail_msg("%s", err.text);
	rig->view = dataplane_view(rig->dataplane);
	fd = dataplane_program_fd(rig->dataplane);
	assert_int_equal(
		bpf_map_update_elem(bpf_map__fd(rig->poison->maps.tested), &zero, &fd, BPF_ANY), 0);
}

void rig_open(struct rig *rig, uint32_t stamp_shift)
{
	snprintf(rig->directory, sizeof(rig->directory), "/sys/fs/bpf/mtlb-test-%d", getpid());
	rig->poison = poison__open_and_load();
	assert_non_null(rig->poison);
	open_dataplane(rig, stamp_shift);
	make_interfaces(rig);
	put_all(rig);
}

void rig_adopt(struct rig *rig)
{
	uint32_t stamp_shift = rig->view->node->stamp_shift;

	dataplane_close(rig->dataplane);
	open_dataplane(rig, stamp_shift);
	assert_true(dataplane_adopted(rig->dataplane));
}

void rig_close(struct rig *rig)
{
	struct err err = {};

	rig_trace_close();
	poison__destroy(rig->poison);
	dataplane_close(rig->dataplane);
	if (rig->poison && dataplane_remove(rig->directory, &err))
		fail_msg("%s", err.text);
}

int rig_setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	*state = rig;
	rig_open(rig, 0);
	return 0;
}

int rig_teardown(void **state)
{
	rig_close(*state);
	free(*state);
	return 0;
}

static int run_by(const struct rig *rig, const struct frame *in, struct frame *out,
		  uint32_t metadata, uint32_t ifindex)
{
	static uint8_t room[FRAME_MAX + 512];
	struct xdp_md md = {.data_end = (uint32_t)in->length, .ingress_ifindex = ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = in->byte,
		    .data_size_in = (uint32_t)in->length, .data_out = room,
		    .data_size_out = sizeof(room), .ctx_in = ifindex ? &md : NULL,
		    .ctx_size_in = ifindex ? sizeof(md) : 0);

	rig->poison->bss->metadata = metadata;
	if (bpf_prog_test_run_opts(bpf_program__fd(rig->poison->progs.poison), &run))
		fail_msg("the kernel does not run it: %s", strerror(errno));
	assert_in_range(run.data_size_out, 0, FRAME_MAX);
	out->length = run.data_size_out;
	memcpy(out->byte, room, out->length);
	return (int)run.retval;
}

int rig_run(const struct rig *rig, const struct frame *in, struct frame *out, uint32_t metadata)
{
	return run_by(rig, in, out, metadata, 0);
}

int rig_run_by(const struct rig *rig, const struct frame *in, struct frame *out, uint32_t ifindex)
{
	return run_by(rig, in, out, 0, ifindex);
}

int rig_repeat(const struct rig *rig, const struct frame *in, uint32_t count)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = in->byte,
		    .data_size_in = (uint32_t)in->length, .repeat = (int)count);

	if (bpf_prog_test_run_opts(dataplane_program_fd(rig->dataplane), &run))
		return -errno;
	return (int)run.retval;
}

uint64_t rig_hash(const struct rig *rig, const struct frame *frame)
{
	/* the IP header lies aligned, as the sanitizer wants it here; the kernel does not mind */
	static _Alignas(8) uint8_t aligned[FRAME_MAX + 2];
	struct packet p = {};

	memcpy(aligned + 2, frame->byte, frame->length);
	parse_whole(aligned + 2, aligned + 2 + frame->length, &p);
	if (packet_is_later_fragment(&p))
		return hash_fragment(&p, rig->view->node->secret[0], rig->view->node->secret[1]);
	return hash_packet(&p, rig->view->node->secret[0], rig->view->node->secret[1]);
}

uint32_t rig_now(const struct rig *rig)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint32_t)(((uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec) >>
			  rig->view->node->stamp_shift) &
	       MTLB_FLOW_STAMP_MASK;
}

void rig_clear_flows(const struct rig *rig)
{
	assert_int_equal(dataplane_clear_flows(rig->dataplane, 0, RIG_BUCKETS), 0);
}

uint32_t rig_count_flows(const struct rig *rig, enum rig_tenant tenant)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < RIG_RANGE * MTLB_FLOWS_PER_BUCKET; i++)
		count += rig->view->flows[RIG_FLOWS(tenant) + i / MTLB_FLOWS_PER_BUCKET]
				 .word[i % MTLB_FLOWS_PER_BUCKET] != 0;
	return count;
}

void ledger_take(const struct rig *rig, struct ledger *ledger)
{
	for (uint32_t i = 0; i < RIG_MEMBERS; i++)
		dataplane_sum_member(rig->dataplane, i, &ledger->member[i]);
	for (uint32_t i = 0; i < RIG_TENANTS; i++) {
		dataplane_sum_tenant(rig->dataplane, i, &ledger->tenant[i]);
		for (uint32_t j = 0; j < MTLB_REASON_COUNT; j++)
			dataplane_sum_reason(rig->dataplane, i, j, &ledger->reason[i][j]);
	}
}

static const char *const reason_names[] = {
#define REASON(name, verdict, sentence) #name,
#include "../../bpf/abi/reasons.def"
#undef REASON
};

const char *rig_reason_name(uint32_t reason)
{
	return reason < MTLB_REASON_COUNT ? reason_names[reason] : "(none)";
}

static uint32_t differ(const char *what, const char *of, uint32_t number, const char *name,
		       uint64_t is, uint64_t expected)
{
	if (is != expected)
		print_error("%s: %s %u: %s is %llu, not %llu\n", what, of, number, name,
			    (unsigned long long)is, (unsigned long long)expected);
	return is != expected;
}

void ledger_assert_equal(const struct ledger *is, const struct ledger *expected, const char *what)
{
	uint32_t wrong = 0;

	for (uint32_t i = 0; i < RIG_MEMBERS; i++) {
		const struct mtlb_member_counter *a = &is->member[i], *b = &expected->member[i];

		wrong += differ(what, "member", i, "packets", a->packets, b->packets);
		wrong += differ(what, "member", i, "bytes", a->bytes, b->bytes);
		wrong += differ(what, "member", i, "new flows", a->new_flows, b->new_flows);
		wrong += differ(what, "member", i, "replies", a->reply_packets, b->reply_packets);
		wrong += differ(what, "member", i, "bytes of replies", a->reply_bytes,
				b->reply_bytes);
	}
	for (uint32_t i = 0; i < RIG_TENANTS; i++) {
		for (uint32_t j = 0; j < MTLB_REASON_COUNT; j++) {
			const struct mtlb_reason_counter *a = &is->reason[i][j];
			const struct mtlb_reason_counter *b = &expected->reason[i][j];

			wrong += differ(what, "packets of tenant", i, reason_names[j], a->packets,
					b->packets);
			wrong += differ(what, "bytes of tenant", i, reason_names[j], a->bytes,
					b->bytes);
		}
		for (uint32_t j = 0; j < 8; j++)
			wrong += differ(what, "tenant", i, "counter (of counters.def)",
					is->tenant[i].value[j], expected->tenant[i].value[j]);
	}
	if (wrong)
		fail_msg("%s: %u counters are wrong", what, wrong);
}

static bool judged_as_frame(const struct scenario *s)
{
	return s->reason == MTLB_REASON_not_ip || s->reason == MTLB_REASON_no_header ||
	       s->reason == MTLB_REASON_bad_ip;
}

void rig_check(const struct rig *rig, const struct scenario *s)
{
	static struct frame in, out, expected, foretold;
	static struct ledger before, after;
	struct trace_result trace = {};
	enum rig_tenant tenant = s->member && s->member < RIG_SERVICES ? services[s->member].tenant
								       : s->tenant ?: ACME;
	uint64_t bytes;
	int verdict;

	frame_build(&in, s->in, &(struct frame_words){.member = (uint8_t)s->from});
	bytes = s->bytes ?: judged_as_frame(s) ? in.length : in.ip_length;
	ledger_take(rig, &before);
	if (!s->metadata) /* a trace has all the room there is */
		trace = rig_trace(rig, &in, s->by, &foretold);
	verdict = run_by(rig, &in, &out, s->metadata, s->by);
	ledger_take(rig, &after);

	if (verdict != s->verdict)
		print_error("%s: the verdict is %d\n", s->name, verdict);
	if (s->out) {
		uint64_t hash = rig_hash(rig, &in);
		struct frame_words words = {.inner = &in,
					    .flow = (uint32_t)hash & 0xfffff,
					    .hash = hash,
					    .member = (uint8_t)(s->member ?: s->meant)};

		frame_build(&expected, s->out, &words);
	} else {
		expected = in;
	}
	if (s->member) {
		before.member[s->member].packets++;
		before.member[s->member].bytes += bytes;
		before.member[s->member].new_flows += s->new_flow;
	} else if (s->reply) {
		before.member[s->reply].reply_packets++;
		before.member[s->reply].reply_bytes += bytes;
	} else {
		before.reason[s->tenant][s->reason].packets++;
		before.reason[s->tenant][s->reason].bytes += bytes;
	}
	before.tenant[tenant].value[MTLB_COUNTER_flows_stored] += s->stored;
	before.tenant[tenant].value[MTLB_COUNTER_flows_evicted] += s->evicted;
	before.tenant[tenant].value[MTLB_COUNTER_flows_unstored] += s->unstored;
	before.tenant[tenant].value[MTLB_COUNTER_local_syns] += s->syns;
	before.tenant[tenant].value[MTLB_COUNTER_cookies_accepted] += s->accepted;
	ledger_assert_equal(&after, &before, s->name);
	frame_assert_equal(&out, &expected, s->name);
	assert_int_equal(verdict, s->verdict);
	if (!s->metadata)
		rig_trace_check(s, &trace, &foretold, &expected);
}

/* The rig is one for the whole group; cmocka hands a test its own state only if the group has none.
 */
static struct rig rig_of_group;
static void (*prepare_group)(const struct rig *rig);

static int open_group(void **state)
{
	(void)state;
	rig_open(&rig_of_group, 0);
	if (prepare_group)
		prepare_group(&rig_of_group);
	return 0;
}

static int close_group(void **state)
{
	(void)state;
	rig_close(&rig_of_group);
	return 0;
}

static void run_scenario(void **state)
{
	rig_check(&rig_of_group, *state);
}

int rig_main_group(const struct rig_group *group)
{
	struct CMUnitTest *tests = calloc(group->count + group->test_count, sizeof(*tests));
	int failed;

	if (!tests)
		return 1;
	prepare_group = group->prepare;
	for (size_t i = 0; i < group->count; i++)
		tests[i] = (struct CMUnitTest){.name = group->scenarios[i].name,
					       .test_func = run_scenario,
					       .initial_state = (void *)&group->scenarios[i]};
	for (size_t i = 0; i < group->test_count; i++) {
		tests[group->count + i] = group->tests[i];
		tests[group->count + i].initial_state = &rig_of_group;
	}
	failed = _cmocka_run_group_tests(group->name, tests, group->count + group->test_count,
					 open_group, close_group);
	free(tests);
	return failed;
}

int rig_main(const char *group, const struct scenario *scenarios, size_t count)
{
	return rig_main_group(
		&(struct rig_group){.name = group, .scenarios = scenarios, .count = count});
}
