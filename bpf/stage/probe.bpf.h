/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Health checks on the way that packets take: what comes out of the prober's own device is sent to
 * the one member that its source port stands for, by the very code that forwards. Owns mtlb_probes.
 * Nothing is counted, charged or remembered, since no client sent it. Who writes the table has no
 * rights, so all that it can have sent is TCP and UDP to VIPs of a tenant's, to that tenant's
 * members.
 */
#ifndef MTLB_STAGE_PROBE_H
#define MTLB_STAGE_PROBE_H

#include "names.bpf.h"
#include "pipeline.bpf.h"
#include "../abi/probe.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MTLB_PROBES);
	__type(key, __u32);
	__type(value, struct mtlb_probe);
} mtlb_probes SEC(".maps");

/* The member that the sender's port stands for; 0: none. */
static __always_inline __u32 probe_member(const struct packet *p)
{
	__u32 at =
		mtlb_probe_at(p->ipv6, p->key.protocol == IPPROTO_UDP, core_be16(p->source_port));
	const struct mtlb_probe *entry = bpf_map_lookup_elem(&mtlb_probes, &at);

	return entry ? *(volatile const __u32 *)&entry->member : 0;
}

/* Protects tenants from each other: is the packet for an address of the member's own tenant? */
static __always_inline bool probe_fits(const struct packet *p, const struct mtlb_member *m)
{
	struct mtlb_vip_key key = {.address = p->key.address};
	const struct mtlb_service *service;
	const struct mtlb_vip *vip;
	bool torn = false;
	__u32 at = m->service, record;

	if (p->ipv6 && classify_mapped(&key.address))
		return false;
	service = bpf_map_lookup_elem(&mtlb_services, &at);
	vip = classify_find(&key, &record, &torn);
	return service && service->used && vip && !(vip->flags & MTLB_VIP_NAT_SOURCE) &&
	       vip->tenant == service->tenant;
}

static __always_inline bool probe_is_whole(const struct packet *p)
{
	return !p->trouble && !p->related && !p->fragment &&
	       (p->key.protocol == IPPROTO_TCP || p->key.protocol == IPPROTO_UDP);
}

static __always_inline int probe(struct xdp_md *ctx)
{
	const struct mtlb_member *m;
	struct packet p = {};
	int reason;

	if (read_headers(ctx, &p) || !probe_is_whole(&p))
		return XDP_DROP;
	p.member = probe_member(&p);
	m = bpf_map_lookup_elem(&mtlb_members, &p.member);
	if (!p.member || !m || m->encap == MTLB_ENCAP_NAT || !probe_fits(&p, m))
		return XDP_DROP;
	p.hash = hash_packet(&p, knob_hash_key_0, knob_hash_key_1);
	reason = forward_to(ctx, &p, m);
	if (reason != MTLB_REASON_sent && reason != MTLB_REASON_redirected)
		return XDP_DROP;
	return (int)bpf_redirect(p.ifindex, 0);
}

#endif
