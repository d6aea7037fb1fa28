/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stands before libbpf's header of this name when the program is compiled for the host: the words
 * that make a map, and the kernel's calls as plain functions (calls.c). Maps keep their names and
 * become objects whose addresses tell them apart (program.c).
 */
#ifndef MTLB_HOST_BPF_HELPERS_H
#define MTLB_HOST_BPF_HELPERS_H

#include <linux/bpf.h>
#include <linux/types.h>

#define SEC(name) __attribute__((used))

#define __uint(name, value) int(*name)[value]
#define __ulong(name, value)      \
	enum {                    \
		___##name = value \
	} name
#define __type(name, value)  typeof(value) *name
#define __array(name, value) typeof(value) *name[]

#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif
#ifndef __weak
#define __weak __attribute__((weak))
#endif
#define __hidden
#define barrier()	  __asm__ volatile("" ::: "memory")
#define barrier_var(word) __asm__ volatile("" : "+r"(word))

/* libbpf has functions of these names, and a test is linked with both. */
#define bpf_map_lookup_elem host_map_lookup_elem
#define bpf_map_update_elem host_map_update_elem
#define bpf_map_delete_elem host_map_delete_elem

void *bpf_map_lookup_elem(void *map, const void *key);
long bpf_map_update_elem(void *map, const void *key, const void *value, __u64 flags);
long bpf_map_delete_elem(void *map, const void *key);

long bpf_xdp_adjust_head(struct xdp_md *ctx, int delta);
long bpf_xdp_adjust_tail(struct xdp_md *ctx, int delta);
__u64 bpf_xdp_get_buff_len(struct xdp_md *ctx);
long bpf_xdp_load_bytes(struct xdp_md *ctx, __u32 offset, void *to, __u32 length);
long bpf_xdp_store_bytes(struct xdp_md *ctx, __u32 offset, void *from, __u32 length);
long bpf_redirect(__u32 ifindex, __u64 flags);
long bpf_redirect_map(void *map, __u64 key, __u64 flags);

/* No socket listens on the host: what depends on one is tested in the kernel. */
struct iphdr;
struct ipv6hdr;
struct tcphdr;

struct bpf_sock *bpf_skc_lookup_tcp(void *ctx, struct bpf_sock_tuple *tuple, __u32 size,
				    __u64 netns, __u64 flags);
long bpf_sk_release(void *socket);
__s64 bpf_tcp_gen_syncookie(void *socket, void *ip, __u32 ip_bytes, struct tcphdr *tcp,
			    __u32 tcp_bytes);
long bpf_tcp_raw_check_syncookie_ipv4(struct iphdr *ip, struct tcphdr *tcp);
long bpf_tcp_raw_check_syncookie_ipv6(struct ipv6hdr *ip, struct tcphdr *tcp);

__u32 bpf_get_smp_processor_id(void);
__u32 bpf_get_prandom_u32(void);
__u64 bpf_ktime_get_ns(void);
__u64 bpf_ktime_get_coarse_ns(void);
__s64 bpf_csum_diff(__be32 *from, __u32 from_size, __be32 *to, __u32 to_size, __wsum seed);
long bpf_loop(__u32 turns, void *callback, void *context, __u64 flags);

void *bpf_ringbuf_reserve(void *ring, __u64 size, __u64 flags);
void bpf_ringbuf_submit(void *data, __u64 flags);
void bpf_ringbuf_discard(void *data, __u64 flags);
long bpf_ringbuf_output(void *ring, void *data, __u64 size, __u64 flags);
__u64 bpf_ringbuf_query(void *ring, __u64 flags);

/* One packet at a time: nobody to keep out. */
static inline long bpf_spin_lock(struct bpf_spin_lock *lock)
{
	(void)lock;
	return 0;
}

static inline long bpf_spin_unlock(struct bpf_spin_lock *lock)
{
	(void)lock;
	return 0;
}

#define bpf_printk(...) 0

#endif
