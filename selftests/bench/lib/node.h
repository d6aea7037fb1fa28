/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A node to send packets through: a real mtlbd on one end of a wire (wire.h), with a configuration
 * that is written for it and applied by its API, as `mtlb config apply` does. Members are
 * neighbours on the wire, known by their MAC addresses; nobody checks their health.
 */
#ifndef MTLB_BENCH_NODE_H
#define MTLB_BENCH_NODE_H

#include <stdint.h>

#include "wire.h"

#define NODE_VIP(tenant)     (0xc0000200U + (tenant)) /* 192.0.2.N */
#define NODE_MEMBERS	     8			      /* of each pool */
#define NODE_TCP	     80			      /* ports of each tenant's services */
#define NODE_UDP	     53
#define NODE_TENANTS	     3
#define NODE_MEMBER(pool, i) (16 * (pool) + (i)) /* its number: of its address, and its MAC's */

/* Addresses and neighbours for all members, on the wire's near end. 0 or a negative errno. */
int node_open(void);

/*
 * platform: what follows the interfaces of `node:`, and all else of a Platform. tenants: a document
 * for each TenantConfig. mtlbd is ready when this returns.
 */
int node_start(const char *platform, const char *tenants);
/* Another configuration, applied when this returns. */
int node_apply(const char *platform, const char *tenants);
/* Killed, as a crash would, and started again; what it made goes on forwarding in between. */
int node_kill(void);
enum node_version {
	NODE_THIS,
	NODE_NEXT, /* the same with another program: build/next */
};
int node_restart(enum node_version version);
/* Ends, and takes its dataplane with it. */
void node_stop(void);

/* For a configuration that is written by hand: the directory, made anew, and who reads it. */
const char *node_directory(void);
const char *node_socket(void);
const char *node_bpffs(void); /* where its maps are pinned */
int node_pid(void);
/* Asks the API; the answer's body, cut to size. 0, or a negative errno. */
int node_ask(const char *method, const char *path, char *ret_body, uint32_t size);
/* With a body of its own. */
int node_send(const char *method, const char *path, const char *sent, char *ret_body,
	      uint32_t size);

/*
 * The pool and two services, TCP and UDP, of tenant number `pool`, in YAML, to be put together.
 * variant: which member is drained (variant % 9 - 1; 0: none), and what weights they have.
 */
struct node_pool {
	uint32_t number, variant;
	const char *track;
};

void node_print_pool(char *to, uint32_t size, const struct node_pool *pool);
void node_print_services(char *to, uint32_t size, const struct node_pool *pool);

#endif
