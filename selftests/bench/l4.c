// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the balancer costs a packet, in nanoseconds net of the harness, against the goals: the table
 * of scenarios that it has to win. The dataplane is the real one, filled by its verbs; the bench's
 * programs take its maps and call its pipeline. All rows are printed; then it exits with 1 when one
 * is over its goal, or at once when a packet did not go where it should.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include "flow.h"
#include "lib/lists.h"
#include "lib/stack.h"
#include "lib/wire.h"
#include "measure.h"
#include "selftests/bench/l4.skel.h"
#include "userspace/agent/meters.h"
#include "userspace/dataplane/dataplane.h"
#include "userspace/model/maglev.h"

#define ROUNDS	      7
#define RUNS	      300000
#define RUNS_FRESH    70000
#define MANY	      1000000U
#define MEMBERS	      100U /* of each service */
#define SLOTS	      65537U
#define SPAN	      (MTLB_SLOTS_PER_LINE * (SLOTS / MTLB_SLOTS_PER_LINE + 1))
#define BUCKETS	      (1U << 18)
#define RANGE_FIRST   8U /* a bucket; the tenant's range begins here */
#define ONE_BUCKET    (RANGE_FIRST + BUCKETS)
#define ACL_PREFIXES  100U
#define FEED_PREFIXES 1000000U
#define FEED_FIRST    1024U /* of its nodes; the list's lie before them */
#define LOOPBACK      1U    /* where BPF_PROG_TEST_RUN says that packets come from */
#define GUE_PORT      6080
#define ACK	      0x10
#define SYN	      0x02

enum service {
	SERVICE_NONE,
	SERVICE_TCP4,
	SERVICE_TCP6,
	SERVICE_UDP4,
	SERVICE_QUIC,
	SERVICE_GUE,
	SERVICE_CHANGED,     /* every slot is flagged CHANGED */
	SERVICE_CHANGED_ONE, /* the same, with a single bucket for all flows */
	SERVICE_WIRE,	     /* whose members are reached by the wire */
	SERVICE_OVER,	     /* of a tenant that is over its rate */
	SERVICE_LOCAL,	     /* the node's own; its tenant is under attack */
	SERVICES,
};

static const struct {
	uint8_t protocol, encap;
	bool ipv6, changed;
	uint32_t flags;
	uint32_t tenant; /* 0: FLOW_TENANT */
} services[SERVICES] = {
	[SERVICE_TCP4] = {IPPROTO_TCP, MTLB_ENCAP_IPV4},
	[SERVICE_TCP6] = {IPPROTO_TCP, MTLB_ENCAP_IPV6, .ipv6 = true},
	[SERVICE_UDP4] = {IPPROTO_UDP, MTLB_ENCAP_IPV4},
	[SERVICE_QUIC] = {IPPROTO_UDP, MTLB_ENCAP_IPV4,
			  .flags = FLOW_QUIC_BYTES << MTLB_VIP_QUIC_SHIFT},
	[SERVICE_GUE] = {IPPROTO_TCP, MTLB_ENCAP_GUE4},
	[SERVICE_CHANGED] = {IPPROTO_TCP, MTLB_ENCAP_IPV4, .changed = true},
	[SERVICE_CHANGED_ONE] = {IPPROTO_TCP, MTLB_ENCAP_IPV4, .changed = true},
	[SERVICE_WIRE] = {IPPROTO_TCP, MTLB_ENCAP_IPV4},
	[SERVICE_OVER] = {IPPROTO_TCP, MTLB_ENCAP_IPV4, .tenant = FLOW_TENANT_OVER},
	[SERVICE_LOCAL] = {IPPROTO_TCP, MTLB_ENCAP_IPV4, .flags = MTLB_VIP_LOCAL,
			   .tenant = FLOW_TENANT_LOCAL},
};

struct row {
	const char *name;
	enum flow_kind kind;
	enum service service;
	uint32_t flows, flags;
	double goal; /* 0: none; the row says what is fair to charge */
	bool fresh;  /* flows nobody has seen, on top of those that are there */
	bool forget; /* empty the flow's bucket before each run */
	double net[ROUNDS], median;
};

static struct row rows[] = {
	{"l4.tcp4_ipip_1", FLOW_TCP4, SERVICE_TCP4, 1, ACK, .goal = 60},
	{"l4.tcp6_ipip_1", FLOW_TCP6, SERVICE_TCP6, 1, ACK, .goal = 65},
	{"l4.udp4_ipip_1", FLOW_UDP4, SERVICE_UDP4, 1, 0, .goal = 60},
	{"l4.quic_cid", FLOW_UDP4, SERVICE_QUIC, FLOW_QUIC_SERVERS, 0, .goal = 90},
	{"l4.tcp4_ipip_100k", FLOW_TCP4, SERVICE_TCP4, 100000, ACK, .goal = 70},
	{"l4.tcp4_ipip_1m", FLOW_TCP4, SERVICE_TCP4, MANY, ACK, .goal = 70},
	{"l4.insert_1", FLOW_TCP4, SERVICE_CHANGED_ONE, 1, SYN, .goal = 110, .forget = true},
	{"l4.insert_1m", FLOW_TCP4, SERVICE_CHANGED, MANY, SYN, .goal = 230, .fresh = true},
	{"l4.syn_hash", FLOW_TCP4, SERVICE_TCP4, MANY, SYN, .goal = 60},
	{"l4.tcp4_gue_1", FLOW_TCP4, SERVICE_GUE, 1, ACK, .goal = 90},
	{"l4.tcp4_gue_1m", FLOW_TCP4, SERVICE_GUE, MANY, ACK, .goal = 100},
	{"l4.pass", FLOW_NO_VIP, SERVICE_TCP4, 1, ACK, .goal = 30},
	{"l4.meter_drop", FLOW_OVER, SERVICE_OVER, MANY, ACK, .goal = 45},
	{"l4.quic_initial", FLOW_UDP4, SERVICE_QUIC, MANY, FLOW_QUIC_INITIAL, .goal = 0},
	{"l4.fragment_first", FLOW_FIRST, SERVICE_UDP4, 65536, 0, .goal = 0},
	{"l4.fragment_later", FLOW_LATER, SERVICE_UDP4, 1, 0, .goal = 0},
	{"l4.icmp_error", FLOW_ICMP, SERVICE_TCP4, MANY, 0, .goal = 0},
	{"l4.syn_cookie", FLOW_TCP4, SERVICE_LOCAL, MANY, SYN, .goal = 0},
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static char directory[64];
static struct dataplane *dataplane;
static struct l4 *skeleton;
static struct flow_control *control;
static struct wire wire;
static struct stack stack = {-1, -1, -1}; /* of SERVICE_LOCAL */
static uint8_t frame_out[256];
static uint32_t frame_out_bytes;

static struct mtlb_address ipv4(uint32_t address)
{
	return (struct mtlb_address){.word = {0, 0, htonl(0xffff), htonl(address)}};
}

static struct mtlb_address ipv6(uint32_t last)
{
	return (struct mtlb_address){.word = {htonl(0xfd000000), 0, 0, htonl(last)}};
}

static uint32_t member_of(enum service service, uint32_t number)
{
	return 1 + (service - 1) * MEMBERS + number;
}

static int put_member(enum service service, uint32_t number)
{
	struct mtlb_member_name name = {.used = 1, .service = service, .weight = 1};
	struct mtlb_member member = {
		.next_hop = {2, 0, 0, 1, 0, (uint8_t)number},
		.source_mac = {2, 0, 0, 0, 0, 1},
		.mtu = 1500,
		.encap = services[service].encap,
		.service = service,
		.ifindex = service == SERVICE_WIRE ? wire.ifindex : LOOPBACK,
		.port = htons(services[service].encap == MTLB_ENCAP_GUE4 ? GUE_PORT : 0),
	};
	bool six = member.encap == MTLB_ENCAP_IPV6;
	struct mtlb_address from = six ? ipv6(1) : ipv4(0xc6336401);
	struct mtlb_address to = six ? ipv6(0x100 + number) : ipv4(0x0ac80000 + number);

	dataplane_set_outer(&member, &from, &to);
	return dataplane_put_member(dataplane, member_of(service, number), &member, &name);
}

static int put_slots(enum service service)
{
	static uint32_t slots[SLOTS];
	struct maglev_member members[MEMBERS];
	int error;

	for (uint32_t i = 0; i < MEMBERS; i++) {
		struct addr address = {.byte = {[10] = 0xff, 0xff, 10, 200, 0, (uint8_t)i}};

		members[i] = (struct maglev_member){.weight = 1, .owner = member_of(service, i)};
		maglev_identify(&members[i], &address, FLOW_PORT);
	}
	error = maglev_fill(members, MEMBERS, SLOTS, slots);
	if (services[service].changed) {
		error = error
				?: dataplane_put_slots(dataplane, SERVICES * SPAN + service * SPAN,
						       slots, SLOTS);
		for (uint32_t i = 0; i < SLOTS; i++)
			slots[i] |= MTLB_SLOT_CHANGED;
	}
	return error ?: dataplane_put_slots(dataplane, service * SPAN, slots, SLOTS);
}

static int put_service(enum service service)
{
	uint32_t tenant = services[service].tenant ?: FLOW_TENANT;
	struct mtlb_service names = {.used = 1, .tenant = tenant, .idle = 900};
	struct mtlb_vip vip = {
		.key = {.address = ipv4(FLOW_VIP),
			.port = htons(FLOW_PORT + service),
			.protocol = services[service].protocol},
		.tenant = tenant,
		.service = service,
		.flags = services[service].flags | MTLB_VIP_METERED | MTLB_VIP_GUARDED,
		.slot_first = service * SPAN,
		.slot_count = SLOTS,
		.old_first = SERVICES * SPAN + service * SPAN,
		.old_count = services[service].changed ? SLOTS : 0,
		.flow_first = service == SERVICE_CHANGED_ONE ? ONE_BUCKET : RANGE_FIRST,
		.flow_mask = service == SERVICE_CHANGED_ONE ? 0 : BUCKETS - 1,
		.idle = 210,
	};
	int error = dataplane_put_service(dataplane, service, &names);

	if (services[service].ipv6)
		for (int i = 0; i < 4; i++)
			vip.key.address.word[i] = htonl(FLOW_VIP6(i));
	for (uint32_t i = 0; !error && i < MEMBERS; i++) {
		struct mtlb_quic_key key = {
			.id = 1 + i, .service = service, .length = FLOW_QUIC_BYTES};

		error = put_member(service, i);
		if (!error && service == SERVICE_QUIC)
			error = dataplane_put_quic_id(dataplane, &key, member_of(service, i));
	}
	error = error ?: put_slots(service);
	return error ?: dataplane_put_vip(dataplane, service, &vip);
}

/* What is sent to the address and has no port: fragments. */
static int put_address(void)
{
	const struct mtlb_vip address = {
		.key = {.address = ipv4(FLOW_VIP)},
		.tenant = FLOW_TENANT,
		.flags = MTLB_VIP_ADDRESS | MTLB_VIP_METERED | MTLB_VIP_GUARDED,
	};

	return dataplane_put_vip(dataplane, SERVICES, &address);
}

static int put_tenants(void)
{
	struct mtlb_tenant tenant = {
		.used = 1, .flow_first = RANGE_FIRST, .flow_count = BUCKETS, .name = "bench"};
	/* all meters are met in every row, and refuse nothing: a hundred times what is sent */
	const struct state_limits much = {.packets = 1000000000,
					  .bits = 1000000000000,
					  .new_flows = 1000000000,
					  .burst_ms = 1000};
	const struct state_limits next_to_none = {
		.packets = 1, .bits = 8000, .new_flows = 1, .burst_ms = 1};
	const struct mtlb_defence cookies = {.on = 1, .mode = MTLB_DEFENCE_ALWAYS};
	struct mtlb_meter enough = meters_make(&much), little = meters_make(&next_to_none);
	int error = 0;

	little.rate[MTLB_METER_PACKETS].burst = 0; /* not even the first one */
	for (uint32_t at = FLOW_TENANT; !error && at <= FLOW_TENANT_LOCAL; at++) {
		error = dataplane_put_tenant(dataplane, at, &tenant);
		error = error
				?: dataplane_put_meter(dataplane, at,
						       at == FLOW_TENANT_OVER ? &little : &enough);
	}
	return error ?: dataplane_put_defence(dataplane, FLOW_TENANT_LOCAL, &cookies);
}

static int fill_dataplane(void)
{
	struct dataplane_options options = {
		.directory = directory,
		.capacity = {.tenants = FLOW_TENANT_LOCAL + 1,
			     .vips = 64,
			     .services = SERVICES,
			     .members = 1 + SERVICES * MEMBERS,
			     .slots = 2 * SERVICES * SPAN,
			     .flow_buckets = ONE_BUCKET + 1,
			     .nat_sources = 1,
			     .acl_prefixes = 16384,
			     .feed_prefixes = FEED_PREFIXES},
	};
	struct err err = {};
	int error;

	snprintf(directory, sizeof(directory), "/sys/fs/bpf/mtlb-bench-%d", getpid());
	error = dataplane_open(&options, &dataplane, &err);
	if (error) {
		fprintf(stderr, "l4: %s\n", err.text);
		return error;
	}
	error = put_tenants();
	/* and both guards, which deny others */
	error = error ?: lists_put(dataplane, 0, FEED_PREFIXES, FEED_FIRST);
	error = error ?: lists_put(dataplane, FLOW_TENANT, ACL_PREFIXES, 1);
	for (enum service service = SERVICE_NONE + 1; !error && service < SERVICES; service++)
		error = put_service(service);
	return error ?: put_address();
}

/* The bench's programs use the dataplane's maps, where they have one of the same name. */
static int load_programs(void)
{
	const struct mtlb_node *node = dataplane_view(dataplane)->node;
	struct bpf_map *map;
	int error = 0;

	skeleton = l4__open();
	if (!skeleton)
		return -errno;
	skeleton->rodata->knob_hash_key_0 = node->secret[0];
	skeleton->rodata->knob_hash_key_1 = node->secret[1];
	skeleton->rodata->knob_members = node->members;
	skeleton->rodata->knob_tenants = node->tenants;
	skeleton->rodata->knob_stamp_shift = node->stamp_shift;
	skeleton->rodata->knob_nat_first = node->nat_first;
	skeleton->rodata->knob_rules = dataplane_rules(node->acl_prefixes);
	skeleton->rodata->flow_wire = wire.far;
	skeleton->rodata->flow_lines = BUCKETS;
	bpf_object__for_each_map(map, skeleton->obj)
	{
		char path[160];
		int fd;

		snprintf(path, sizeof(path), "%s/%s", directory, bpf_map__name(map));
		fd = bpf_obj_get(path);
		if (fd < 0)
			continue;
		error = error ?: bpf_map__reuse_fd(map, fd);
		close(fd);
	}
	error = error ?: l4__load(skeleton);
	if (!error)
		control = &skeleton->bss->flow_control;
	return error;
}

static int program_of(enum flow_kind kind, bool harness)
{
	const struct bpf_program *programs[FLOW_KINDS][2] = {
		[FLOW_TCP4] = {skeleton->progs.bench_tcp4, skeleton->progs.bench_harness_tcp4},
		[FLOW_TCP6] = {skeleton->progs.bench_tcp6, skeleton->progs.bench_harness_tcp6},
		[FLOW_UDP4] = {skeleton->progs.bench_udp4, skeleton->progs.bench_harness_udp4},
		[FLOW_OVER] = {skeleton->progs.bench_over, skeleton->progs.bench_harness_over},
		[FLOW_FIRST] = {skeleton->progs.bench_first, skeleton->progs.bench_harness_first},
		[FLOW_LATER] = {skeleton->progs.bench_later, skeleton->progs.bench_harness_later},
		[FLOW_ICMP] = {skeleton->progs.bench_icmp, skeleton->progs.bench_harness_icmp},
		[FLOW_NO_VIP] = {skeleton->progs.bench_no_vip,
				 skeleton->progs.bench_harness_no_vip},
	};

	return bpf_program__fd(programs[kind][harness]);
}

static void set_frames(const struct row *row, uint32_t first, uint32_t count, uint32_t step,
		       uint32_t flags)
{
	*control = (struct flow_control){
		.first = first,
		.count = count,
		.step = step,
		.tcp_flags = flags,
		.first_byte = flags,
		.forget = row->forget ? ONE_BUCKET : FLOW_FORGET_NONE,
		.port = htons((uint16_t)(FLOW_PORT + row->service)),
	};
}

static int run(int program, enum flow_kind kind, uint32_t runs, double *ret_ns)
{
	uint8_t frame[FLOW_FRAME6_BYTES] = {};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame,
		    .data_size_in = kind == FLOW_TCP6 || kind == FLOW_ICMP ? FLOW_FRAME6_BYTES
									   : FLOW_FRAME_BYTES,
		    .data_out = frame_out, .data_size_out = sizeof(frame_out), .repeat = (int)runs);
	double start = measure_ns();
	int error = bpf_prog_test_run_opts(program, &options);

	*ret_ns = (measure_ns() - start) / runs;
	if (error) {
		fprintf(stderr, "l4: BPF_PROG_TEST_RUN failed: %s\n", strerror(-error));
		return error;
	}
	frame_out_bytes = options.data_size_out;
	return control->sent == runs ? 0 : -EIO;
}

/* The frame that left last is what this service's members expect. */
static bool is_right(const struct row *row)
{
	const struct iphdr *outer = (const struct iphdr *)(frame_out + 14);
	const struct iphdr *inner = outer + 1;
	const struct ipv6hdr *outer6 = (const struct ipv6hdr *)outer;
	const struct udphdr *udp = (const struct udphdr *)inner;

	if (row->kind == FLOW_NO_VIP)
		return ntohl(outer->daddr) == FLOW_NOT_VIP;
	if (row->kind == FLOW_OVER)
		return ntohl(outer->daddr) == FLOW_VIP; /* as it came */
	if (row->service == SERVICE_LOCAL)
		return outer->protocol == IPPROTO_TCP && ntohl(outer->saddr) == FLOW_VIP &&
		       frame_out[14 + 20 + 13] == (SYN | ACK);
	if (row->service == SERVICE_TCP6)
		return frame_out_bytes == FLOW_FRAME6_BYTES + sizeof(*outer6) &&
		       outer6->nexthdr == IPPROTO_IPV6;
	if (row->service == SERVICE_GUE)
		return outer->protocol == IPPROTO_UDP && ntohs(udp->dest) == GUE_PORT &&
		       ntohl(((const struct iphdr *)(udp + 1))->daddr) == FLOW_VIP;
	if (outer->protocol != IPPROTO_IPIP || ntohl(inner->daddr) != FLOW_VIP)
		return false;
	/* the payload begins after the inner UDP header; the server's number two bytes later */
	return row->service != SERVICE_QUIC || row->flags == FLOW_QUIC_INITIAL ||
	       (ntohl(outer->daddr) & 0xff) == frame_out[14 + 20 + 20 + 8 + 2] - 1U;
}

static uint64_t count_stored(void)
{
	struct mtlb_tenant_counter sum;

	dataplane_sum_tenant(dataplane, FLOW_TENANT, &sum);
	return sum.value[MTLB_COUNTER_flows_stored];
}

static int measure_here(struct row *row, int round)
{
	uint32_t runs = row->fresh ? RUNS_FRESH : row->flows > RUNS ? row->flows : RUNS;
	uint32_t first = 0, count = row->flows, step = measure_step(row->flows);
	int program = program_of(row->kind, false);
	double harness = 0, gross = 0, ns;
	uint64_t stored;
	int error = 0;

	if (row->fresh && !round) {
		set_frames(row, 0, MANY, 1, SYN);
		error = run(program, row->kind, MANY, &ns);
		set_frames(row, 0, MANY, 1, ACK);
		error = error ?: run(program, row->kind, MANY, &ns);
	}
	if (row->kind == FLOW_LATER) { /* the first one tells where it goes */
		set_frames(row, 0, 1, 0, 0);
		error = error ?: run(program_of(FLOW_FIRST, false), FLOW_FIRST, 1, &ns);
	}
	/* untimed: what was driven out of the caches comes back */
	set_frames(row, 0, count, step, row->fresh ? ACK : row->flags);
	error = error ?: run(program, row->kind, count < RUNS ? RUNS / 10 : count, &ns);
	if (row->fresh) {
		first = MANY + (uint32_t)round * runs;
		count = runs;
		step = 1;
	}
	set_frames(row, first, count, step, row->flags);
	stored = count_stored();
	error = error ?: run(program, row->kind, runs, &gross);
	stored = count_stored() - stored;
	if (!error && !is_right(row)) {
		fprintf(stderr, "l4: %s: the frame that left is not what its member expects\n",
			row->name);
		return -EIO;
	}
	/* of a million new flows at half load some four in a hundred find no room */
	if (!error && (row->fresh || row->forget) != (stored >= runs - runs / 16)) {
		fprintf(stderr, "l4: %s: %llu flows were stored in %u runs\n", row->name,
			(unsigned long long)stored, runs);
		return -EIO;
	}
	set_frames(row, first, count, step, row->flags);
	error = error ?: run(program_of(row->kind, true), row->kind, runs, &harness);
	if (error)
		fprintf(stderr, "l4: %s: %s\n", row->name,
			error == -EIO ? "a packet was not forwarded" : strerror(-error));
	else
		row->net[round] = gross - harness;
	return error;
}

static int measure_row(struct row *row, int round)
{
	int error, left;

	if (row->service != SERVICE_LOCAL)
		return measure_here(row, round);
	error = stack_enter(&stack);
	if (error)
		return error;
	error = measure_here(row, round);
	left = stack_leave(&stack);
	return error ?: left;
}

static int measure_floor(double net[ROUNDS], int round)
{
	struct row row = {.service = SERVICE_TCP4};
	double gross = 0, harness = 0;
	int error;

	set_frames(&row, 0, 1, 0, ACK);
	error = run(bpf_program__fd(skeleton->progs.bench_floor), FLOW_TCP4, RUNS, &gross);
	set_frames(&row, 0, 1, 0, ACK);
	error = error ?: run(program_of(FLOW_TCP4, true), FLOW_TCP4, RUNS, &harness);
	net[round] = gross - harness;
	return error;
}

/* What storing a flow cannot be cheaper than, once the table is in no cache. */
static int measure_line(double *ret_ns)
{
	uint8_t frame[FLOW_FRAME_BYTES] = {};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = RUNS);
	int error = bpf_prog_test_run_opts(bpf_program__fd(skeleton->progs.bench_line), &options);

	*ret_ns = options.duration;
	return error ?: options.retval == XDP_DROP ? 0 : -EIO;
}

/* over the wire */

enum {
	WIRE_FLOOR,
	WIRE_MTLB,
	WIRE_PROGRAMS
};

/* Warm, so that an idle CPU's first packets do not count against whoever comes first. */
static int measure_wire(uint32_t cpus, double mpps[WIRE_PROGRAMS][ROUNDS])
{
	int programs[WIRE_PROGRAMS] = {bpf_program__fd(skeleton->progs.bench_wire_floor),
				       dataplane_program_fd(dataplane)};
	struct row row = {.service = SERVICE_WIRE};
	int error = 0;

	set_frames(&row, 0, 1, 0, ACK);
	for (int round = -1; !error && round < ROUNDS; round++)
		for (int i = 0; !error && i < WIRE_PROGRAMS; i++)
			error = wire_measure(&wire, programs[i], cpus,
					     &mpps[i][round < 0 ? 0 : round]);
	return error;
}

static int print_wire(uint32_t cpus)
{
	double mpps[WIRE_PROGRAMS][ROUNDS], floor, net;
	int error = measure_wire(cpus, mpps);

	if (error) {
		fprintf(stderr, "l4: packets over the wire: %s\n", strerror(-error));
		return error;
	}
	floor = measure_median(mpps[WIRE_FLOOR], ROUNDS);
	net = measure_median(mpps[WIRE_MTLB], ROUNDS);
	printf("bench l4.e2e_%ucore %.2f Mpps ratio %.2f vs the floor program there, %.2f Mpps\n"
	       "#   %.2f..%.2f Mpps, floor %.2f..%.2f\n",
	       cpus, net, net / floor, floor, mpps[WIRE_MTLB][0], mpps[WIRE_MTLB][ROUNDS - 1],
	       mpps[WIRE_FLOOR][0], mpps[WIRE_FLOOR][ROUNDS - 1]);
	return 0;
}

/* Returns how many rows are over their goal. */
static unsigned print_rows(double floor_net[ROUNDS], double line[ROUNDS])
{
	double floor = measure_median(floor_net, ROUNDS), one_line = measure_median(line, ROUNDS);
	unsigned over = 0;

	printf("bench l4.floor %.1f ns\n#   %.1f..%.1f ns\n", floor, floor_net[0],
	       floor_net[ROUNDS - 1]);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct row *row = &rows[i];

		row->median = measure_median(row->net, ROUNDS);
		if (row->goal > 0)
			printf("bench %s %.1f ns ratio %.1f vs l4.floor goal %.0f %s\n", row->name,
			       row->median, row->median / (floor > 1 ? floor : 1), row->goal,
			       row->median <= row->goal ? "ok" : "over");
		else
			printf("bench %s %.1f ns ratio %.1f vs %s\n", row->name, row->median,
			       row->median / rows[0].median, rows[0].name);
		printf("#   %.1f..%.1f ns\n", row->net[0], row->net[ROUNDS - 1]);
		over += row->goal > 0 && row->median > row->goal;
	}
	printf("bench l4.flow_line %.1f ns ratio %.1f vs l4.floor\n#   %.1f..%.1f ns, one line of "
	       "the "
	       "flow table that is in no cache\n",
	       one_line, one_line / (floor > 1 ? floor : 1), line[0], line[ROUNDS - 1]);
	return over;
}

int main(void)
{
	double floor_net[ROUNDS], line[ROUNDS];
	unsigned over = 0;
	int error;

	measure_pin();
	error = wire_open(&wire);
	error = error ?: stack_open(&stack, FLOW_PORT + SERVICE_LOCAL);
	error = error ?: fill_dataplane();
	error = error ?: load_programs();
	error = error
			?: wire_use(&wire, bpf_program__fd(skeleton->progs.bench_generate),
				    bpf_program__fd(skeleton->progs.bench_sink),
				    skeleton->bss->flow_cpus);
	if (error)
		fprintf(stderr, "l4: cannot set the dataplane up: %s\n", strerror(-error));
	for (int round = 0; !error && round < ROUNDS; round++) {
		error = measure_floor(floor_net, round);
		error = error ?: measure_line(&line[round]);
		for (size_t i = 0; !error && i < COUNT_OF(rows); i++)
			error = measure_row(&rows[i], round);
	}
	if (!error)
		over = print_rows(floor_net, line);
	for (uint32_t cpus = 1; !error && cpus <= 2 && cpus <= sysconf(_SC_NPROCESSORS_ONLN);
	     cpus++)
		error = print_wire(cpus);
	if (over)
		fprintf(stderr, "l4: %u of %zu figures are over their goal\n", over,
			COUNT_OF(rows));
	l4__destroy(skeleton);
	stack_close(&stack);
	if (dataplane) {
		dataplane_close(dataplane);
		dataplane_remove(directory, NULL);
	}
	return error || over ? 1 : 0;
}
