// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The kernel's calls as the program meets them, and the memory its packet lies in. Sizes and
 * refusals are those of the kernel's test run, which differential_test.c holds against these.
 */
#include <errno.h>
#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "program.h"
#include "include/bpf/bpf_helpers.h"

/* What a driver gives: a page, with room in front and, behind, for what the kernel appends. */
#define PAGE_BYTES   4096U
#define FRONT_BYTES  256U
#define FRONT_KEPT   40U /* struct xdp_frame */
#define BEHIND_BYTES 320U
#define SHORTEST     14U /* an Ethernet header is always left */

/* Where a packet begins: a multiple of eight, as poisoning is exact only there. A packet is moved
 * fewer times than there are rooms, so it never comes back to an old place.
 */
#define ROOMS	   8
#define ROOM_BYTES (2 * PAGE_BYTES)
#define ROOM_BEGIN 64U

/* In front of a packet the tests' poison.bpf.c leaves this. */
#define PATTERN 0xa5

#define RING_BYTES 65536

static struct {
	uint8_t *room[ROOMS]; /* the packet lies in one, and moves to the next */
	int in;
	uint32_t front;	 /* from the page's begin to the packet */
	uint32_t linear; /* bytes within data..data_end */
	uint8_t rest[FRAME_MAX];
	uint32_t rest_size;
	struct xdp_md ctx;

	struct dataplane *dataplane;
	enum host_fault fault;
	uint64_t now;
	uint32_t random;
	uint32_t redirected;
	uint32_t metadata;

	void *record; /* exactly as long as was asked for */
	uint64_t record_size;
	bool reserved;
	size_t records;
} host;

static uint8_t *begin(void)
{
	return host.room[host.in] + ROOM_BEGIN;
}

/* Pointers in struct xdp_md have 32 bits. */
static void make_rooms(void)
{
	for (int i = 0; i < ROOMS && !host.room[i]; i++) {
		host.room[i] = mmap(NULL, ROOM_BYTES, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
		if (host.room[i] == MAP_FAILED) {
			perror("host: no memory below 4 GB");
			abort();
		}
		ASAN_POISON_MEMORY_REGION(host.room[i], ROOM_BYTES);
	}
}

/* Lays the packet down in the next room, with grown bytes in front of what it has. */
static void move(int grown, uint32_t linear)
{
	uint8_t *from = begin(), *old = host.room[host.in];
	uint32_t kept = grown < 0 ? host.linear + (uint32_t)grown : host.linear;
	uint8_t *to;

	if (grown < 0)
		from -= grown;
	if (kept > linear)
		kept = linear;
	host.in = (host.in + 1) % ROOMS;
	to = begin();
	ASAN_UNPOISON_MEMORY_REGION(to, linear);
	memset(to, 0, linear);
	if (grown > 0) {
		memset(to, PATTERN, (size_t)grown);
		to += grown;
		kept = kept > linear - (uint32_t)grown ? linear - (uint32_t)grown : kept;
	}
	memcpy(to, from, kept);
	ASAN_POISON_MEMORY_REGION(old, ROOM_BYTES);
	host.linear = linear;
	host.ctx.data = (__u32)(uintptr_t)begin();
	host.ctx.data_end = host.ctx.data + linear;
	host.ctx.data_meta = host.ctx.data;
}

/* packets */

long bpf_xdp_adjust_head(struct xdp_md *ctx, int delta)
{
	uint32_t kept = FRONT_KEPT + host.metadata + 8 * (host.fault == HOST_FAULT_HEAD);

	(void)ctx;
	if (delta < 0 ? host.front < kept || (uint32_t)-delta > host.front - kept
		      : (uint32_t)delta + SHORTEST > host.linear)
		return -EINVAL;
	host.front += (uint32_t)delta;
	move(-delta, host.linear - (uint32_t)delta);
	return 0;
}

long bpf_xdp_adjust_tail(struct xdp_md *ctx, int delta)
{
	uint32_t wanted = host.linear + (uint32_t)delta;

	(void)ctx;
	if (host.rest_size && delta > 0)
		return -EINVAL;
	if (host.rest_size && (uint32_t)-delta <= host.rest_size) {
		host.rest_size -= (uint32_t)-delta;
		return 0;
	}
	wanted += host.rest_size;
	if (delta > 0 ? host.front + wanted > PAGE_BYTES - BEHIND_BYTES
		      : (int)wanted < (int)SHORTEST)
		return -EINVAL;
	host.rest_size = 0;
	move(0, wanted + (host.fault == HOST_FAULT_TAIL));
	return 0;
}

__u64 bpf_xdp_get_buff_len(struct xdp_md *ctx)
{
	(void)ctx;
	return host.linear + host.rest_size;
}

/* Both parts of the packet, as far as offset and length reach into them. */
static long transfer(__u32 offset, void *with, __u32 length, bool store)
{
	uint8_t *bytes = with;

	if (offset > 0xffff || length > 0xffff)
		return -EFAULT;
	if (offset + length > host.linear + host.rest_size)
		return -EINVAL;
	for (__u32 i = 0; i < length; i++) {
		__u32 at = offset + i;
		uint8_t *byte = at < host.linear ? begin() + at : host.rest + at - host.linear;

		if (store)
			*byte = bytes[i];
		else
			bytes[i] = *byte;
	}
	return 0;
}

long bpf_xdp_load_bytes(struct xdp_md *ctx, __u32 offset, void *to, __u32 length)
{
	(void)ctx;
	return transfer(offset, to, length, false);
}

long bpf_xdp_store_bytes(struct xdp_md *ctx, __u32 offset, void *from, __u32 length)
{
	(void)ctx;
	return transfer(offset, from, length, true);
}

long bpf_redirect(__u32 ifindex, __u64 flags)
{
	if (flags)
		return XDP_ABORTED;
	host.redirected = ifindex;
	return XDP_REDIRECT;
}

/* The lowest bits of flags are the verdict when there is no such element. */
long bpf_redirect_map(void *map, __u64 key, __u64 flags)
{
	__u32 index = (__u32)key;
	const __u32 *ifindex = bpf_map_lookup_elem(map, &index);

	if (!ifindex)
		return (long)(flags & 3);
	host.redirected = *ifindex;
	return XDP_REDIRECT;
}

/* maps */

void *bpf_map_lookup_elem(void *map, const void *key)
{
	return program_lookup(map, key);
}

static long refuse(const char *what)
{
	fprintf(stderr, "host: the program calls %s, which calls.c does not have\n", what);
	abort();
}

long bpf_map_update_elem(void *map, const void *key, const void *value, __u64 flags)
{
	(void)map;
	(void)key;
	(void)value;
	(void)flags;
	return refuse("bpf_map_update_elem");
}

long bpf_map_delete_elem(void *map, const void *key)
{
	(void)map;
	(void)key;
	return refuse("bpf_map_delete_elem");
}

/* ring buffers: there is always room, and one record is open at a time */

void *bpf_ringbuf_reserve(void *ring, __u64 size, __u64 flags)
{
	(void)ring;
	if (flags || size > RING_BYTES || host.reserved)
		return NULL;
	free(host.record);
	host.record = malloc(size);
	host.record_size = size;
	host.reserved = host.record;
	return host.record;
}

void bpf_ringbuf_submit(void *data, __u64 flags)
{
	(void)flags;
	if (data != host.record || !host.reserved)
		refuse("bpf_ringbuf_submit with what it did not reserve");
	host.reserved = false;
	host.records++;
}

void bpf_ringbuf_discard(void *data, __u64 flags)
{
	(void)flags;
	if (data != host.record || !host.reserved)
		refuse("bpf_ringbuf_discard with what it did not reserve");
	host.reserved = false;
}

long bpf_ringbuf_output(void *ring, void *data, __u64 size, __u64 flags)
{
	void *record = bpf_ringbuf_reserve(ring, size, 0);

	if (!record)
		return -EAGAIN;
	memcpy(record, data, size);
	bpf_ringbuf_submit(record, flags);
	return 0;
}

__u64 bpf_ringbuf_query(void *ring, __u64 flags)
{
	(void)ring;
	return flags == BPF_RB_RING_SIZE ? RING_BYTES : 0;
}

/* the rest */

__u32 bpf_get_smp_processor_id(void)
{
	return 0; /* the fake has one row per counter */
}

/* Marsaglia, "Xorshift RNGs", J. Stat. Softw. 2003. */
__u32 bpf_get_prandom_u32(void)
{
	host.random ^= host.random << 13;
	host.random ^= host.random >> 17;
	host.random ^= host.random << 5;
	return host.random;
}

__u64 bpf_ktime_get_ns(void)
{
	return host.now;
}

__u64 bpf_ktime_get_coarse_ns(void)
{
	const struct mtlb_node *node = dataplane_view(host.dataplane)->node;

	return host.now - ((host.fault == HOST_FAULT_CLOCK ? 1ULL : 0) << node->stamp_shift);
}

/* RFC 1071 over words of the machine's order; what is taken out is added as its complement. */
__s64 bpf_csum_diff(__be32 *from, __u32 from_size, __be32 *to, __u32 to_size, __wsum seed)
{
	uint64_t sum = seed;

	if (from_size % 4 || to_size % 4)
		return -EINVAL;
	for (__u32 i = 0; i < from_size / 4; i++)
		sum += (uint32_t)~from[i];
	for (__u32 i = 0; i < to_size / 4; i++)
		sum += to[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (__s64)sum + (host.fault == HOST_FAULT_CHECKSUM);
}

long bpf_loop(__u32 turns, void *callback, void *context, __u64 flags)
{
	long (*turn)(__u32, void *) = callback;
	__u32 i;

	if (flags)
		return -EINVAL;
	if (host.fault == HOST_FAULT_LOOP)
		turns--;
	for (i = 0; i < turns;)
		if (turn(i++, context))
			break;
	return i;
}

/* for tests */

void host_open(struct dataplane *dataplane)
{
	make_rooms();
	host.dataplane = dataplane;
	host.random = 1;
	host.records = 0;
	program_open(dataplane, host.fault);
}

void host_break(enum host_fault fault)
{
	host.fault = fault;
	program_open(host.dataplane, fault);
}

void host_seed(uint32_t seed)
{
	host.random = seed ?: 1;
}

size_t host_ring_count(void)
{
	return host.records;
}

const void *host_ring_last(size_t *ret_size)
{
	*ret_size = host.record_size;
	return host.records ? host.record : NULL;
}

void host_run(const struct frame *in, const struct host_arrival *arrival,
	      struct host_departure *departure)
{
	size_t linear =
		arrival->linear && arrival->linear < in->length ? arrival->linear : in->length;

	host.front = FRONT_BYTES;
	host.metadata = arrival->metadata;
	host.now = arrival->now;
	host.redirected = 0;
	host.linear = 0;
	move(0, (uint32_t)linear);
	memcpy(begin(), in->byte, linear);
	host.rest_size = (uint32_t)(in->length - linear);
	memcpy(host.rest, in->byte + linear, host.rest_size);
	host.ctx.ingress_ifindex = arrival->ifindex;

	departure->verdict = program_run(&host.ctx);
	departure->ifindex = departure->verdict == XDP_REDIRECT ? host.redirected : 0;
	if (host.reserved)
		refuse("no bpf_ringbuf_submit after bpf_ringbuf_reserve");
	if (host.linear + host.rest_size > FRAME_MAX)
		refuse("for a packet of more bytes than a frame of the tests has");
	departure->frame.length = host.linear + host.rest_size;
	memcpy(departure->frame.byte, begin(), host.linear);
	memcpy(departure->frame.byte + host.linear, host.rest, host.rest_size);
}

struct bpf_sock *bpf_skc_lookup_tcp(void *ctx, struct bpf_sock_tuple *tuple, __u32 size,
				    __u64 netns, __u64 flags)
{
	(void)ctx, (void)tuple, (void)size, (void)netns, (void)flags;
	return NULL;
}

long bpf_sk_release(void *socket)
{
	(void)socket;
	return 0;
}

__s64 bpf_tcp_gen_syncookie(void *socket, void *ip, __u32 ip_bytes, struct tcphdr *tcp,
			    __u32 tcp_bytes)
{
	(void)socket, (void)ip, (void)ip_bytes, (void)tcp, (void)tcp_bytes;
	return -ENOENT;
}

long bpf_tcp_raw_check_syncookie_ipv4(struct iphdr *ip, struct tcphdr *tcp)
{
	(void)ip, (void)tcp;
	return -EACCES;
}

long bpf_tcp_raw_check_syncookie_ipv6(struct ipv6hdr *ip, struct tcphdr *tcp)
{
	(void)ip, (void)tcp;
	return -EACCES;
}
