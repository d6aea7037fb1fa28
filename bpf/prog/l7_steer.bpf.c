// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who connects to a listener of the L7 tier comes to the socket of its place (bpf/abi/place.h),
 * among those of all workers that the kernel chooses from by SO_REUSEPORT. What has no place is
 * looked up as ever. A place whose socket is gone refuses: nobody else's server gets a tenant's
 * clients.
 */
#include "../core/compiler.h"
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "../abi/place.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct mtlb_place_key);
	__type(value, struct mtlb_place);
	__uint(max_entries, MTLB_PLACES);
} mtlb_places SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, MTLB_PLACE_SOCKETS);
} mtlb_place_sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct mtlb_terms);
	__uint(max_entries, 1);
} mtlb_terms SEC(".maps");

#define TCP	    6
#define FAMILY_IPV4 2

static __always_inline bool same(const struct mtlb_place_key *a, const struct mtlb_place_key *b)
{
	const __u32 *x = (const __u32 *)a, *y = (const __u32 *)b;
	__u32 different = 0;

	for (unsigned int i = 0; i < sizeof(*a) / sizeof(*x); i++)
		different |= x[i] ^ y[i];
	return !different;
}

/* The number of the socket of this place; MTLB_PLACE_SOCKETS: it is none. */
static __always_inline __u32 find(const struct mtlb_place_key *key)
{
	const struct mtlb_place *place = NULL;
	__u32 socket = MTLB_PLACE_SOCKETS;

	for (int i = 0; i < 2; i++) {
		place = bpf_map_lookup_elem(&mtlb_places, key);
		if (!place)
			return MTLB_PLACE_SOCKETS;
		socket = *(volatile const __u32 *)&place->socket;
		if (same(&place->key, key))
			break;
	}
	return socket;
}

SEC("sk_lookup")
int mtlb_steer(struct bpf_sk_lookup *ctx)
{
	struct mtlb_place_key key = {};
	struct bpf_sock *socket;
	__u32 number;
	long error;

	if (ctx->protocol != TCP)
		return SK_PASS;
	if (ctx->family == FAMILY_IPV4) {
		__u32 address = ctx->local_ip4;

		key.address[10] = key.address[11] = 0xff;
		__builtin_memcpy(key.address + 12, &address, sizeof(address));
	} else {
		__u32 address[4] = {ctx->local_ip6[0], ctx->local_ip6[1], ctx->local_ip6[2],
				    ctx->local_ip6[3]};

		__builtin_memcpy(key.address, address, sizeof(address));
	}
	key.port = (__u16)ctx->local_port;
	number = find(&key);
	if (number == MTLB_PLACE_SOCKETS)
		return SK_PASS;
	socket = bpf_map_lookup_elem(&mtlb_place_sockets, &number);
	if (!socket)
		return SK_DROP;
	error = bpf_sk_assign(ctx, socket, 0);
	bpf_sk_release(socket);
	return error ? SK_DROP : SK_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
