/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The QUIC server IDs by which packets find their member, whatever address they come from. */
#ifndef MTLB_AGENT_QUIC_H
#define MTLB_AGENT_QUIC_H

#include "registry.h"

/* Makes the IDs in the kernel those of the service's members. Of two with the same one, the member
 * that is configured has it, and not the one that lingers.
 */
int quic_sync(struct registry *registry, struct registry_service *service);
/* Before a member leaves: its index may become another's. */
int quic_forget(struct registry *registry, struct registry_service *service, uint32_t member);

#endif
