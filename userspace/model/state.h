/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the node forwards, as plain data: tenants, their services, the services' VIPs and members.
 * It is built twice, from the configuration (what is wanted) and from the kernel's maps (what is),
 * and the difference is the plan. Everything is sorted: tenants and services by name, VIPs by
 * address, port; members by address, port; state_sort() sees to it.
 */
#ifndef MTLB_MODEL_STATE_H
#define MTLB_MODEL_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/prefix.h"
#include "../base/probe.h"

struct wanted;

#define STATE_NAME_MAX 64 /* with the closing NUL; names are DNS labels (RFC 1123) */

enum state_forward {
	STATE_FORWARD_DSR,
	STATE_FORWARD_IPIP,
	STATE_FORWARD_GUE,
	STATE_FORWARD_NAT,
	STATE_FORWARD_LOCAL, /* to this node's own stack: no pool, no member */
};

/* What of a client's packet chooses the backend. */
enum state_affinity {
	STATE_AFFINITY_CLIENT_PORT,
	STATE_AFFINITY_CLIENT,
	STATE_AFFINITY_NONE,
};

/* Host order. last == port: one port; 0..65535: any port. Those of one address and protocol do not
 * overlap.
 */
struct state_vip {
	struct addr address;
	uint16_t port, last;
};

struct state_member {
	struct addr address;
	uint16_t port; /* host order; 0: the VIP's */
	uint32_t weight;
	bool drain;
	uint8_t server_id[8];	 /* in QUIC connection IDs */
	uint8_t server_id_bytes; /* 0: none */
};

/* The way of a health check: through the dataplane to a VIP, or to the backend itself. */
enum state_via {
	STATE_VIA_AUTO, /* by the VIP, where it can be */
	STATE_VIA_DIRECT,
	STATE_VIA_VIP,
};

struct state_health {
	enum probe_kind type;
	enum state_via via;
	uint16_t port;	/* host order; 0: the member's port, else the service's first */
	uint8_t jitter; /* percent of the interval by which a probe may come early */
	uint32_t interval_ms, timeout_ms;
	uint32_t rise, fall;	/* checks in a row */
	bool damped;		/* see health.h */
	uint8_t panic;		/* percent of the pool that must be up, or all are used; 0: never */
	uint8_t proxy_protocol; /* the version of its header that a check of the member's own port
				 * begins with; 0: none */
	struct probe_question *question; /* NULL for the kinds that have nothing to set */
};

struct state_service {
	char name[STATE_NAME_MAX];
	char pool[STATE_NAME_MAX]; /* empty with forward: local */
	uint8_t protocol;	   /* IPPROTO_TCP, IPPROTO_UDP or IPPROTO_SCTP */
	enum state_forward forward;
	enum state_affinity affinity;
	bool track_always;	      /* with nat always so */
	uint8_t quic_server_id_bytes; /* 0: no QUIC */
	uint16_t mss;		      /* largest a SYN may announce; 0: not clamped */
	uint32_t idle_s;	      /* a silent flow is forgotten after this */
	uint32_t drain_deadline_s;    /* flows of a drained or removed member are kept this long */
	uint32_t stick_s;	      /* flows of a member that went down are kept this long */
	uint32_t learn_s;	      /* UDP: how long a slot learns before a planned change */
	uint32_t slow_start_s;	      /* a member that comes up gets its full share after this */
	struct state_health health;
	struct state_vip *vips;
	size_t vip_count;
	struct state_member *members;
	size_t member_count;
};

/* A VIP address of a tenant. */
struct state_address {
	struct addr address;
	bool echo; /* answers ping */
};

/* What clients may send to the VIPs of a tenant, per second; 0: no limit. */
#define STATE_BURST_UNFINISHED UINT32_MAX /* read back: a change of limits was cut off */

struct state_limits {
	uint64_t packets, bits, new_flows;
	uint32_t burst_ms;     /* of each rate, so much may come at once; 0: there is none */
	uint32_t weight;       /* of its share of the node; 0: the node's capacity is not shared */
	uint64_t guaranteed;   /* packets that nobody can take from it */
	uint64_t client_flows; /* opened by one client; as many may come at once */
};

/* When SYNs for services with forward: local are answered with cookies. */
enum state_cookies_mode {
	STATE_COOKIES_AUTO,
	STATE_COOKIES_ALWAYS,
	STATE_COOKIES_OFF,
};

struct state_cookies {
	enum state_cookies_mode mode;
	uint64_t rate; /* SYNs a second that turn them on, with auto */
};

/* Who may send to the VIPs of a tenant. Of the prefixes that a source is in, the longest decides.
 */
struct state_rule {
	struct prefix prefix;
	bool deny; /* else: allow */
};

struct state_acl {
	bool default_deny;	  /* what is in no prefix */
	bool unfinished;	  /* read back: a change of it was cut off */
	struct state_rule *rules; /* sorted by prefix, of which each is there once */
	size_t rule_count;
};

struct state_tenant {
	char name[STATE_NAME_MAX];
	uint32_t id;		       /* 0: none given */
	uint32_t flows;		       /* quota in flows, a power of two >= 64 */
	char flows_of[STATE_NAME_MAX]; /* the tier whose tenants share them; empty: its own */
	uint32_t nat_ports; /* source ports of its own, a power of two; 0: no service is nat */
	struct state_limits limits;
	uint32_t http_connections,
		http_requests;	  /* at a time, in a worker of the L7 tier; 0: any */
	uint32_t http_handshakes; /* in a second, likewise */
	uint32_t http_stalled;	  /* clients that take nothing of their answers, likewise */
	struct state_cookies cookies;
	struct state_acl acl;
	struct state_address *addresses; /* it owns, sorted; every service's VIP is one of them */
	size_t address_count;
	struct state_service *services;
	size_t service_count;
	struct wanted
		*l7;   /* for the L7 tier (l7/wanted.h); NULL: nothing, and of what is read back */
	bool borrowed; /* all its lists are those of another state */
};

/* What the node has for all tenants together. */
struct state_node {
	uint64_t packets; /* a second; 0: any number, nothing is shared */
	/* what one packet counts for on meters of packets; 0 is 1 */
	uint32_t charge_new_flow, charge_fragment, charge_icmp;
};

struct state {
	struct state_node node;
	struct state_tenant *tenants;
	size_t tenant_count;
};

void state_sort(struct state *state);

/* The order of lists: by address, then ports or length. 0: the same one. */
int state_compare_vips(const struct state_vip *a, const struct state_vip *b);
int state_compare_rules(const struct state_rule *a, const struct state_rule *b);
int state_compare_members(const struct state_member *a, const struct state_member *b);

/* By name in a sorted state; NULL when there is none. state may be NULL. */
/* With a question of its own: 0 or -ENOMEM. */
int state_copy_health(const struct state_health *from, struct state_health *ret_to);
bool state_same_question(const struct state_health *a, const struct state_health *b);
bool state_same_health(const struct state_health *a, const struct state_health *b);

const struct state_tenant *state_find_tenant(const struct state *state, const char *name);
const struct state_service *state_find_service(const struct state *state, const char *tenant,
					       const char *name);
/* What to borrows of from becomes its own. Both have the same tenants. */
void state_take_borrowed(struct state *to, struct state *from);
void state_fini(struct state *state);

#endif
