/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What publish.c and publish_ports.c share: records of VIPs, and how those of ranges of ports are
 * made known.
 */
#ifndef MTLB_AGENT_PUBLISH_RECORD_H
#define MTLB_AGENT_PUBLISH_RECORD_H

#include "registry.h"

/* The record of a VIP as it ought to be; last: as in struct registry_vip. */
struct mtlb_vip publish_make_record(const struct registry *registry,
				    const struct registry_service *service,
				    const struct mtlb_vip_key *key, uint16_t last);
/* The index of a record that nobody uses; 0: there is none. */
uint32_t publish_take_record(struct registry *registry);
/* A fresh record for a key; *index is the one it has, or 0, and becomes the fresh one. */
int publish_put_record(struct registry *registry, const struct mtlb_vip *record, uint32_t *index);
/* Deletes the key of a VIP, unless it leads to another's record by now, and forgets it. */
int publish_withdraw_key(struct registry *registry, struct registry_vip **list,
			 struct registry_vip *vip);

/* Adds a range of ports to its address; *ret_index is its record. -EMLINK: no room for another. */
int publish_ports_add(struct registry *registry, const struct mtlb_vip *record,
		      uint32_t *ret_index);
int publish_ports_remove(struct registry *registry, const struct registry_vip *vip);
/* Rewrites the records of all ranges that the service has on the address of vip. */
int publish_ports_renew(struct registry *registry, struct registry_service *service,
			struct registry_vip *vip);

#endif
