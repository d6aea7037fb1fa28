/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who may use this agent's API, by its configuration (api.tokensFile, and who owns the socket), and
 * the audit log of what they change.
 */
#ifndef MTLB_AGENT_GATE_H
#define MTLB_AGENT_GATE_H

#include "api/http.h"

extern const struct http_gate gate; /* its context is the agent */

#endif
