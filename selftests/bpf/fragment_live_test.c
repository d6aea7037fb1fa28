// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Fragments over a wire: datagrams of 8 KB, last fragment first, from a raw socket through the
 * program on a veth, the ring, the agent's half, and back, into a member's UDP socket, whole.
 *
 *	namespace far: the client, and the member with the VIP on lo    far ===== near    XDP
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/libbpf.h>
#include <cmocka.h>

#include "../../userspace/agent/held.h"
#include "rig.h"
#include "selftests/lab/pass.skel.h"

#define PAYLOAD	  8192
#define PIECE	  1440 /* of a datagram, in one fragment */
#define PIECES	  6
#define DATAGRAMS 20
#define LIMIT_NS  10000000000ULL

struct wire {
	struct rig rig;
	struct pass *pass;
	struct loop *loop;
	struct held *held;
	uint32_t near;
	int raw;		  /* the client: whole frames */
	struct loop_fd socket[2]; /* the member's, IPv4 and IPv6 */
	struct loop_timer limit;
	uint32_t whole, wanted; /* datagrams that came in */
};

static void shell(const char *format, ...)
{
	char command[256];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command))
		fail_msg("%s", command);
}

static void fill(uint8_t *payload, uint16_t number)
{
	for (uint32_t i = 0; i < PAYLOAD; i++)
		payload[i] = (uint8_t)(i * 31 + i / 251 + number);
}

static void came_in(struct loop_fd *fd, uint32_t events)
{
	static uint8_t is[2 * PAYLOAD], expected[PAYLOAD];
	struct wire *wire = fd->context;
	ssize_t length = recv(fd->fd, is, sizeof(is), 0);

	(void)events;
	assert_int_equal(length, PAYLOAD);
	fill(expected, is[0]);
	assert_memory_equal(is, expected, PAYLOAD);
	if (++wire->whole == wire->wanted)
		loop_stop(wire->loop);
}

static void too_late(struct loop_timer *timer)
{
	struct wire *wire = timer->context;

	loop_stop(wire->loop);
}

/* The member's sockets, and the client's raw one, in the far namespace. */
static void open_far(struct wire *wire)
{
	struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
	struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = htons(80)};
	struct sockaddr_ll far = {.sll_family = AF_PACKET};
	int one = 1;

	shell("ip addr add 192.0.2.1/32 dev lo && ip -6 addr add 2001:db8:1::1/128 dev lo nodad");
	shell("ip link set lo up && ip link set far address 02:00:00:00:02:%02x up", DSR_UDP);
	shell("ip route add default dev far && ip -6 route add default dev far");
	shell("echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter && "
	      "echo 0 >/proc/sys/net/ipv4/conf/far/rp_filter");
	far.sll_ifindex = (int)if_nametoindex("far");
	/* what it sends back at once it takes only while it runs a program of its own */
	wire->pass = pass__open_and_load();
	assert_non_null(wire->pass);
	assert_int_equal(bpf_xdp_attach(far.sll_ifindex, bpf_program__fd(wire->pass->progs.pass),
					XDP_FLAGS_DRV_MODE, NULL),
			 0);
	wire->raw = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(wire->raw, (void *)&far, sizeof(far)), 0);
	wire->socket[0].fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	wire->socket[1].fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(setsockopt(wire->socket[1].fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, 4), 0);
	assert_int_equal(bind(wire->socket[0].fd, (void *)&any4, sizeof(any4)), 0);
	assert_int_equal(bind(wire->socket[1].fd, (void *)&any6, sizeof(any6)), 0);
}

static int begin(void **state)
{
	struct wire *wire = calloc(1, sizeof(*wire));
	struct dataplane_link link;
	struct err err = {};
	int here, far;

	*state = wire;
	rig_open(&wire->rig, 0);
	here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	far = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_int_equal(setns(here, CLONE_NEWNET), 0);
	shell("ip link add near type veth peer name far netns /proc/%d/fd/%d", getpid(), far);
	shell("ip link set near up");
	assert_int_equal(setns(far, CLONE_NEWNET), 0);
	open_far(wire);
	assert_int_equal(setns(here, CLONE_NEWNET), 0);
	close(far);
	close(here);
	wire->near = if_nametoindex("near");
	if (dataplane_attach(wire->rig.dataplane, "near", DATAPLANE_MODE_NATIVE, &link, &err))
		fail_msg("%s", err.text);
	assert_int_equal(dataplane_put_interface(wire->rig.dataplane, wire->near), 0);
	rig_put_member(&wire->rig, DSR_UDP, DSR_UDP, MTLB_ENCAP_NONE, wire->near, 1500, 0);

	assert_int_equal(loop_new(&wire->loop), 0);
	assert_int_equal(held_new(wire->rig.dataplane, wire->loop, &wire->held), 0);
	wire->limit = (struct loop_timer){.fire = too_late, .context = wire};
	for (int i = 0; i < 2; i++) {
		wire->socket[i].ready = came_in;
		wire->socket[i].context = wire;
		assert_int_equal(loop_fd_set(wire->loop, &wire->socket[i], EPOLLIN), 0);
	}
	return 0;
}

static int end(void **state)
{
	struct wire *wire = *state;

	held_free(wire->held);
	loop_free(wire->loop);
	for (int i = 0; i < 2; i++)
		close(wire->socket[i].fd);
	close(wire->raw);
	pass__destroy(wire->pass);
	rig_close(&wire->rig);
	free(wire);
	return 0;
}

/* A UDP datagram as its fragments' payloads. No checksum in IPv4; in IPv6 it must be right. */
static void make_datagram(uint8_t *datagram, uint16_t number, bool ipv6)
{
	struct udphdr udp = {.source = htons(1000 + number),
			     .dest = htons(80),
			     .len = htons(sizeof(udp) + PAYLOAD)};
	uint32_t sum = 0;

	memcpy(datagram, &udp, sizeof(udp));
	fill(datagram + sizeof(udp), number);
	if (!ipv6)
		return;
	for (uint32_t i = 0; i < sizeof(udp) + PAYLOAD; i += 2)
		sum += (uint32_t)datagram[i] << 8 | datagram[i + 1];
	sum += sizeof(udp) + PAYLOAD + IPPROTO_UDP;
	sum += 0x2001 + 0x0db8 + 0x000c + 0x0007 + 0x2001 + 0x0db8 + 0x0001 + 0x0001;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	udp.check = htons((uint16_t)~sum) ?: 0xffff;
	memcpy(datagram, &udp, sizeof(udp));
}

static void send_piece(const struct wire *wire, const uint8_t *datagram, uint16_t number,
		       uint32_t piece, bool ipv6)
{
	uint32_t at = piece * PIECE, total = sizeof(struct udphdr) + PAYLOAD;
	uint32_t bytes = total - at < PIECE ? total - at : PIECE;
	const char *more = at + bytes < total ? "more" : "";
	static struct frame frame;
	char text[160];

	snprintf(text, sizeof(text),
		 ipv6 ? "eth / ip6 client > acme / fragment next 17 id %u offset %u %s / %u bytes"
		      : "eth / ip4 client > acme next 17 id %u offset %u %s / %u bytes",
		 1000U + number, at / 8, more, bytes);
	frame_build(&frame, text, NULL);
	memcpy(frame.byte + frame.length - bytes, datagram + at, bytes);
	assert_int_equal(send(wire->raw, frame.byte, frame.length, 0), frame.length);
}

/* Runs until that many datagrams have come in, or too much time has passed. */
static void wait_for(struct wire *wire, uint32_t whole)
{
	wire->wanted = whole;
	if (wire->whole < whole) {
		loop_timer_set(wire->loop, &wire->limit, LIMIT_NS);
		assert_int_equal(loop_run(wire->loop), 0);
		loop_timer_cancel(wire->loop, &wire->limit);
	}
	assert_int_equal(wire->whole, whole);
}

/* The budget of holding is for the tests of the program to prove. */
static void renew_budgets(const struct wire *wire)
{
	const struct mtlb_node *node = wire->rig.view->node;

	memset((void *)wire->rig.view->answer_budgets, 0,
	       node->cpus * node->tenants * sizeof(struct mtlb_answer_budget));
}

static uint64_t told(const struct wire *wire, enum mtlb_reason reason)
{
	struct mtlb_reason_counter sum;

	dataplane_sum_reason(wire->rig.dataplane, ACME, reason, &sum);
	return sum.packets;
}

static void check_reversed(struct wire *wire, bool ipv6)
{
	const struct held_counters *is = held_counters(wire->held), was = *is;
	uint64_t held = told(wire, MTLB_REASON_fragment_held);
	static uint8_t datagram[sizeof(struct udphdr) + PAYLOAD];

	for (uint16_t n = 0; n < DATAGRAMS; n++) {
		renew_budgets(wire);
		make_datagram(datagram, n, ipv6);
		for (uint32_t piece = PIECES; piece > 0; piece--)
			send_piece(wire, datagram, n, piece - 1, ipv6);
		wait_for(wire, wire->whole + 1);
	}
	assert_int_equal(is->taken - was.taken, DATAGRAMS * (PIECES - 1));
	assert_int_equal(is->put_back - was.put_back, DATAGRAMS * (PIECES - 1));
	assert_int_equal(held_waiting(wire->held), 0);
	assert_int_equal(told(wire, MTLB_REASON_fragment_held) - held, DATAGRAMS * (PIECES - 1));
	assert_int_equal(told(wire, MTLB_REASON_fragment), 0);
}

static void reversed_ipv4(void **state)
{
	check_reversed(*state, false);
}

static void reversed_ipv6(void **state)
{
	check_reversed(*state, true);
}

/* Two datagrams, their fragments in turns, the first ones in the middle. */
static void interleaved(void **state)
{
	static uint8_t a[sizeof(struct udphdr) + PAYLOAD], b[sizeof(struct udphdr) + PAYLOAD];
	static const uint32_t order[PIECES] = {3, 5, 0, 2, 4, 1};
	struct wire *wire = *state;

	renew_budgets(wire);
	make_datagram(a, 100, false);
	make_datagram(b, 101, false);
	for (uint32_t i = 0; i < PIECES; i++) {
		send_piece(wire, a, 100, order[i], false);
		send_piece(wire, b, 101, order[i], false);
	}
	wait_for(wire, wire->whole + 2);
}

static void look_again(struct loop_timer *timer)
{
	struct wire *wire = timer->context;

	if (held_waiting(wire->held))
		loop_timer_set(wire->loop, timer, HELD_POLL_NS);
	else
		loop_stop(wire->loop);
}

static void unclaimed(void **state)
{
	static uint8_t datagram[sizeof(struct udphdr) + PAYLOAD];
	struct wire *wire = *state;
	const struct held_counters *is = held_counters(wire->held), was = *is;
	struct loop_timer look = {.fire = look_again, .context = wire};

	renew_budgets(wire);
	make_datagram(datagram, 102, true);
	send_piece(wire, datagram, 102, 2, true);
	send_piece(wire, datagram, 102, 4, true);
	held_take(wire->held, loop_now(wire->loop));
	loop_timer_set(wire->loop, &look, 100 * HELD_POLL_NS);
	loop_timer_set(wire->loop, &wire->limit, LIMIT_NS);
	assert_int_equal(loop_run(wire->loop), 0);
	assert_true(wire->limit.place);
	loop_timer_cancel(wire->loop, &wire->limit);
	assert_int_equal(is->taken - was.taken, 2);
	assert_int_equal(is->unclaimed - was.unclaimed, 2);
	assert_int_equal(is->put_back, was.put_back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reversed_ipv4),
		cmocka_unit_test(reversed_ipv6),
		cmocka_unit_test(interleaved),
		cmocka_unit_test(unclaimed),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
