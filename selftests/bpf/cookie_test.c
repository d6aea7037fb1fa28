// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * SYN cookies for services of the node's own stack: real sockets listen, so the kernel itself makes
 * the cookies and says which ones are good. What is not asked for by an attack passes as ever.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "rig.h"

#define PORT	  500
#define BARE	  502 /* a service on which nobody listens */
#define FREE	  300 /* records */
#define SEQUENCE  1000
#define SYSCTL	  "/proc/sys/net/ipv4/tcp_syncookies"
#define TCP_BEGIN 20 /* of an IPv4 header's length */

static int listener = -1;

static void set_sysctl(const char *value)
{
	FILE *file = fopen(SYSCTL, "w");

	assert_non_null(file);
	assert_true(fputs(value, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* On any address, of both families. */
static int listen_on(uint16_t port, int backlog)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

static void turn(const struct rig *rig, bool on)
{
	struct mtlb_defence defence = {.on = on, .mode = MTLB_DEFENCE_ALWAYS};

	assert_int_equal(dataplane_put_defence(rig->dataplane, ACME, &defence), 0);
}

static void prepare(const struct rig *rig)
{
	const char *addresses[] = {"192.0.2.1", "2001:db8:1::1"};

	for (uint32_t i = 0; i < 2; i++) {
		struct mtlb_vip vip = rig_vip(addresses[i], LOCAL_TCP, IPPROTO_TCP, BARE);

		vip.flags = MTLB_VIP_LOCAL;
		vip.slot_count = 0;
		rig_put_vip(rig, FREE + i, &vip);
	}
	assert_int_equal(system("ip link set lo up && "
				"ip address add 192.0.2.1/32 dev lo && "
				"ip address add 2001:db8:1::1/128 dev lo nodad"),
			 0);
	set_sysctl("2");
	listener = listen_on(PORT, 16);
	turn(rig, true);
}

static uint32_t word_at(const struct frame *frame, size_t at)
{
	uint32_t word;

	memcpy(&word, frame->byte + at, sizeof(word));
	return ntohl(word);
}

/* Where the TCP header lies in a frame without IP options. */
static size_t tcp_of(const struct frame *frame)
{
	return frame->l3 + (frame->byte[frame->l3] >> 4 == 6 ? 40 : TCP_BEGIN);
}

struct syn {
	const char *name;
	const char *ethernet, *back; /* with the tags */
	int family;
	const char *options; /* of the SYN */
	uint16_t mss;	     /* of the answer */
};

static void write_way(char *text, size_t size, const struct syn *syn, bool back)
{
	snprintf(text, size, "%s / ip%d %s%s / tcp %s", back ? syn->back : syn->ethernet,
		 syn->family, back ? "acme > client" : "client > acme",
		 back && syn->family == 4 ? " ttl 64 df id 0"
		 : back			  ? " hops 64"
					  : "",
		 back ? "500 > 4321" : "4321 > 500");
}

static uint64_t count_of(const struct rig *rig, enum mtlb_reason reason)
{
	struct mtlb_reason_counter sum;

	dataplane_sum_reason(rig->dataplane, ACME, reason, &sum);
	return sum.packets;
}

/* Sends the SYN, checks the answer to the last bit, and returns the cookie. */
static uint32_t ask(const struct rig *rig, const struct syn *syn)
{
	uint64_t before = count_of(rig, MTLB_REASON_syn_cookie);
	struct frame in, out, expected;
	char way[160], text[320];
	uint32_t cookie;

	write_way(way, sizeof(way), syn, false);
	snprintf(text, sizeof(text), "%s seq %d SYN %s", way, SEQUENCE, syn->options);
	frame_build(&in, text, NULL);
	assert_int_equal(rig_run(rig, &in, &out, 0), XDP_TX);
	assert_int_equal(count_of(rig, MTLB_REASON_syn_cookie), before + 1);
	out.l3 = in.l3;
	cookie = word_at(&out, tcp_of(&out) + 4);
	write_way(way, sizeof(way), syn, true);
	snprintf(text, sizeof(text), "%s seq %u ack %d SYN ACK window 14600 mss %u", way, cookie,
		 SEQUENCE + 1, syn->mss);
	frame_build(&expected, text, NULL);
	/* a frame on a wire has no less than this, not counting its checksum */
	if (in.length >= ETH_ZLEN && expected.length < ETH_ZLEN)
		assert_int_equal(out.length, ETH_ZLEN);
	else
		assert_int_equal(out.length, expected.length);
	out.length = expected.length;
	frame_assert_equal(&out, &expected, syn->name);
	return cookie;
}

static void build_ack(struct frame *frame, const struct syn *syn, uint32_t cookie, const char *more)
{
	char way[160], text[320];

	write_way(way, sizeof(way), syn, false);
	snprintf(text, sizeof(text), "%s seq %d ack %u %s", way, SEQUENCE + 1, cookie + 1, more);
	frame_build(frame, text, NULL);
}

static void answer(const struct rig *rig, const struct syn *syn, uint32_t cookie, const char *more,
		   bool good)
{
	char way[160], text[320];

	write_way(way, sizeof(way), syn, false);
	snprintf(text, sizeof(text), "%s seq %d ack %u %s", way, SEQUENCE + 1, cookie + 1, more);
	if (good)
		RIG_CHECK(rig, text, HANDED_OVER(ACME), .accepted = 1);
	else
		RIG_CHECK(rig, text, DROPPED(ACME, bad_cookie));
}

/* The kernel's tables of segment sizes: IPv4 536, 1300, 1440, 1460; IPv6 1220, 1280 or so, 1480 or
 * so, 8940 or so. Of what is announced the largest that is not larger is kept. */
static const struct syn syns[] = {
	{"IPv4", "eth", "eth lb > client", 4, "mss 1460", 1460},
	{"IPv4, padded", "eth", "eth lb > client", 4, "/ pad 6", 536},
	{"IPv4, no option", "eth", "eth lb > client", 4, "", 536},
	{"IPv4, less", "eth", "eth lb > client", 4, "mss 1459", 1440},
	{"IPv4, far less", "eth", "eth lb > client", 4, "mss 600", 536},
	{"IPv4, a tag", "eth / vlan 30", "eth lb > client / vlan 30", 4, "mss 1460", 1460},
	{"IPv4, two tags", "eth / vlan 30 / vlan 40", "eth lb > client / vlan 30 / vlan 40", 4,
	 "mss 1460", 1460},
	{"IPv4, as Linux begins", "eth", "eth lb > client", 4,
	 "mss 1460 option 0402 option 080a0102030400000000 option 01 option 030307", 1460},
	{"IPv6", "eth", "eth lb > client", 6, "mss 1440", 1440},
	{"IPv6, no option", "eth", "eth lb > client", 6, "", 1220},
	{"IPv6, jumbo", "eth", "eth lb > client", 6, "mss 8960", 1440},
	{"IPv6, a tag", "eth / vlan 30", "eth lb > client / vlan 30", 6, "mss 8960", 1440},
	{"IPv6, as Linux begins", "eth", "eth lb > client", 6,
	 "mss 8960 option 0402 option 080a0102030400000000 option 01 option 030307", 1440},
};

static void a_cookie_and_back(void **state)
{
	const struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(syns) / sizeof(syns[0]); i++) {
		uint32_t cookie = ask(rig, &syns[i]);

		answer(rig, &syns[i], cookie, "ACK", true);
		answer(rig, &syns[i], cookie, "ACK PSH / 40 bytes", true);
		/* a neighbour may be one for another segment size */
		answer(rig, &syns[i], cookie + 100, "ACK", false);
		answer(rig, &syns[i], cookie ^ 0x01000000, "ACK", false);
		answer(rig, &syns[i], cookie, "RST ACK", false);
		answer(rig, &syns[i], cookie, "RST", false);
	}
}

/* Of another client, another port, another sequence number: no cookie is good for two. */
static void not_anothers_cookie(void **state)
{
	const struct rig *rig = *state;
	uint32_t cookie = ask(rig, &syns[0]);
	char text[200];

	snprintf(text, sizeof(text), "eth / ip4 host > acme / tcp 4321 > 500 seq 1001 ack %u ACK",
		 cookie + 1);
	RIG_CHECK(rig, text, DROPPED(ACME, bad_cookie));
	snprintf(text, sizeof(text), "eth / ip4 client > acme / tcp 4322 > 500 seq 1001 ack %u ACK",
		 cookie + 1);
	RIG_CHECK(rig, text, DROPPED(ACME, bad_cookie));
	snprintf(text, sizeof(text), "eth / ip4 client > acme / tcp 4321 > 500 seq 1101 ack %u ACK",
		 cookie + 1);
	RIG_CHECK(rig, text, DROPPED(ACME, bad_cookie));
}

static void what_is_no_syn(void **state)
{
	const struct rig *rig = *state;

	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 500 SYN ACK", DROPPED(ACME, bad_cookie));
	RIG_CHECK(rig, "eth / ip6 client > acme / tcp 1 > 500 FIN ACK", DROPPED(ACME, bad_cookie));
	RIG_CHECK(rig, "eth / ip6 client > acme / tcp 1 > 500 RST", DROPPED(ACME, bad_cookie));
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 500 SYN FIN", DROPPED(ACME, bad_cookie),
		  .syns = 1);
	RIG_CHECK(rig, "eth / ip4 client > acme more / tcp 1 > 500 SYN / 40 bytes",
		  HANDED_OVER(ACME), .syns = 1);
	RIG_CHECK(rig, "eth / ip4 client > acme / udp 1 > 500", HANDED_OVER(ACME));
	RIG_CHECK(rig,
		  "eth / ip4 host > acme / icmp 3 code 1 / ip4 acme > client / tcp 500 > 1 ACK",
		  HANDED_OVER(ACME));
}

/* One in fragments gets no cookie, so it is the one that its client is asked about. */
static void a_syn_in_fragments(void **state)
{
	struct mtlb_meter meter = {.client_interval = MTLB_CLIENT_SECOND + 1};
	const struct rig *rig = *state;

	assert_int_equal(dataplane_put_meter(rig->dataplane, ACME, &meter), 0);
	RIG_CHECK(rig, "eth / ip4 client > acme more / tcp 1 > 501 SYN / 40 bytes",
		  DROPPED(ACME, over_client_flows), .syns = 1);
	RIG_CHECK(rig, "eth / ip6 client > acme / fragment more / tcp 1 > 501 SYN / 40 bytes",
		  DROPPED(ACME, over_client_flows), .syns = 1);
	assert_int_equal(dataplane_put_meter(rig->dataplane, ACME, &(struct mtlb_meter){}), 0);
	RIG_CHECK(rig, "eth / ip6 client > acme / fragment more / tcp 1 > 501 SYN / 40 bytes",
		  HANDED_OVER(ACME), .syns = 1);
}

static void nobody_listens(void **state)
{
	const struct rig *rig = *state;

	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 502 SYN", DROPPED(ACME, no_listener),
		  .syns = 1);
	RIG_CHECK(rig, "eth / ip6 client > acme / tcp 1 > 502 SYN", DROPPED(ACME, no_listener),
		  .syns = 1);
	RIG_CHECK(rig, "eth / ip6 client > acme / tcp 1 > 502 ACK", DROPPED(ACME, bad_cookie));
}

static void in_calm_times(void **state)
{
	const struct rig *rig = *state;

	turn(rig, false);
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 500 SYN", HANDED_OVER(ACME), .syns = 1);
	RIG_CHECK(rig, "eth / ip6 client > acme / tcp 1 > 500 ACK", HANDED_OVER(ACME));
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 502 SYN", HANDED_OVER(ACME), .syns = 1);
	turn(rig, true);
}

/* Whose connection it is, is known once the cookie is back: then it is asked how many its client
 * has. */
static void a_client_has_its_limit(void **state)
{
	struct mtlb_meter meter = {.client_interval = MTLB_CLIENT_SECOND + 1};
	const struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(syns) / sizeof(*syns); i += 8) {
		uint32_t cookie = ask(rig, &syns[i]);
		char way[160], text[320];

		write_way(way, sizeof(way), &syns[i], false);
		snprintf(text, sizeof(text), "%s seq %d ack %u ACK", way, SEQUENCE + 1, cookie + 1);
		assert_int_equal(dataplane_put_meter(rig->dataplane, ACME, &meter), 0);
		RIG_CHECK(rig, text, DROPPED(ACME, over_client_flows));
		assert_int_equal(dataplane_put_meter(rig->dataplane, ACME, &(struct mtlb_meter){}),
				 0);
		answer(rig, &syns[i], cookie, "ACK", true);
	}
}

/* While the stack's own queue has room, the SYN is the stack's. */
static void while_there_is_room(void **state)
{
	struct mtlb_meter meter = {.client_interval = MTLB_CLIENT_SECOND + 1};
	const struct rig *rig = *state;

	set_sysctl("1");
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 500 SYN", HANDED_OVER(ACME), .syns = 1);
	RIG_CHECK(rig, "eth / ip6 client > acme / tcp 1 > 500 SYN", HANDED_OVER(ACME), .syns = 1);
	/* if its client may: there is no cookie to ask by */
	assert_int_equal(dataplane_put_meter(rig->dataplane, ACME, &meter), 0);
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 500 SYN",
		  DROPPED(ACME, over_client_flows), .syns = 1);
	RIG_CHECK(rig, "eth / ip6 client > acme / tcp 1 > 500 SYN",
		  DROPPED(ACME, over_client_flows), .syns = 1);
	assert_int_equal(dataplane_put_meter(rig->dataplane, ACME, &(struct mtlb_meter){}), 0);
	set_sysctl("0");
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 500 SYN", HANDED_OVER(ACME), .syns = 1);
	set_sysctl("2");
}

/* As if it had come by an interface: the stack gets what passes. */
static void deliver(const struct rig *rig, const struct frame *frame)
{
	struct xdp_md md = {.data_end = (uint32_t)frame->length, .ingress_ifindex = RIG_IFINDEX};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame->byte,
		    .data_size_in = (uint32_t)frame->length, .ctx_in = &md,
		    .ctx_size_in = sizeof(md), .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	assert_int_equal(bpf_prog_test_run_opts(dataplane_program_fd(rig->dataplane), &run), 0);
}

static int accept_one(void)
{
	struct timeval soon = {.tv_sec = 5};

	assert_int_equal(setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon)), 0);
	return accept(listener, NULL, NULL);
}

/* The stack makes a connection of the ACK, and its later packets are its own affair. */
static void the_stack_believes(const struct rig *rig, const struct syn *syn)
{
	struct frame frame;
	uint32_t cookie = ask(rig, syn);
	int fd;

	build_ack(&frame, syn, cookie, "ACK PSH / 5 bytes");
	memset(frame.byte, 0, 12); /* lo has no address */
	deliver(rig, &frame);
	fd = accept_one();
	if (fd < 0)
		fail_msg("%s: no connection: %s", syn->name, strerror(errno));
	RIG_CHECK(rig,
		  syn->family == 4 ? "eth / ip4 client > acme / tcp 4321 > 500 ACK"
				   : "eth / ip6 client > acme / tcp 4321 > 500 FIN ACK",
		  HANDED_OVER(ACME));
	RIG_CHECK(rig,
		  syn->family == 4 ? "eth / ip4 client > acme / tcp 4321 > 500 SYN"
				   : "eth / ip6 client > acme / tcp 4321 > 500 SYN",
		  HANDED_OVER(ACME), .syns = 1);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1},
		   sizeof(struct linger));
	close(fd);
}

static void a_connection(void **state)
{
	const struct rig *rig = *state;

	/* what the stack answers goes nowhere */
	assert_int_equal(system("ip link set away up && "
				"ip route add 198.51.100.0/24 dev away && "
				"ip -6 route add 2001:db8:c::/64 dev away"),
			 0);
	the_stack_believes(rig, &syns[0]);
	the_stack_believes(rig, &syns[8]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cookie_and_back),	  cmocka_unit_test(not_anothers_cookie),
		cmocka_unit_test(what_is_no_syn),	  cmocka_unit_test(a_syn_in_fragments),
		cmocka_unit_test(nobody_listens),	  cmocka_unit_test(in_calm_times),
		cmocka_unit_test(a_client_has_its_limit), cmocka_unit_test(while_there_is_room),
		cmocka_unit_test(a_connection),
	};

	return rig_main_group(&(struct rig_group){
		.name = "cookie",
		.prepare = prepare,
		.tests = tests,
		.test_count = sizeof(tests) / sizeof(tests[0]),
	});
}
