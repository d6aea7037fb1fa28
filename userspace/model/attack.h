/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * When is what a tenant is sent an attack? When more of it is counted (packets dropped, say) than
 * its threshold, at two looks in a row; it is over when less than half of that was counted at every
 * look for a while. And where does it come from, by weighted samples of it. Pure: time is told.
 */
#ifndef MTLB_MODEL_ATTACK_H
#define MTLB_MODEL_ATTACK_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/addr.h"
#include "heavy.h"

#define ATTACK_LOOKS	2
#define ATTACK_QUIET_NS 10000000000ULL
#define ATTACK_LOOK_NS	1000000000ULL /* between looks; rates are not taken of less */
#define ATTACK_SOURCES	5	      /* that are named */
#define ATTACK_UNUSUAL	4	      /* times what is usual */
#define ATTACK_LEARN	60	      /* looks, until a new rate is the usual one by 63 % */

enum attack_kind {
	ATTACK_SYN,
	ATTACK_TCP, /* without SYN: ACK floods and the like */
	ATTACK_UDP,
	ATTACK_ICMP,
	ATTACK_OTHER,
	ATTACK_KINDS,
};

enum attack_turn {
	ATTACK_SAME,
	ATTACK_BEGINS,
	ATTACK_ENDS,
};

struct attack {
	bool on;
	uint32_t above;	      /* looks in a row over the threshold */
	uint64_t looked_at;   /* ns */
	uint64_t began_at;    /* the look before the first one over the threshold */
	uint64_t quiet_since; /* 0: the last look was not below half of it */
	uint64_t rate, peak;  /* counted a second: at the last look, and at most */
	uint64_t counted;     /* since began_at */
	double usual;	      /* a second; 0 when it is not learned */
	uint64_t kinds[ATTACK_KINDS];
	struct heavy sources, targets;
};

struct attack_sample {
	struct addr source, destination;
	uint16_t port; /* of the destination, host order */
	uint8_t protocol, tcp_flags;
	uint64_t packets; /* that it stands for */
};

struct attack_source {
	struct addr prefix;
	uint8_t length; /* of the prefix as it is written: 24 or 48 */
	double share;	/* at least so much of what was sampled */
};

/* now: of the first look at a tenant. */
void attack_init(struct attack *attack, uint64_t now);
void attack_take(struct attack *attack, const struct attack_sample *sample);
/* count: since the last look. */
enum attack_turn attack_look(struct attack *attack, uint64_t now, uint64_t count,
			     uint64_t threshold);
/* After a look, of what also comes without an attack. */
void attack_learn(struct attack *attack);
/* Of what is learned: least, or ATTACK_UNUSUAL times what is usual. */
uint64_t attack_threshold(const struct attack *attack, uint64_t least);

/* what the samples say */

enum attack_kind attack_kind(const struct attack *attack);
const char *attack_kind_name(enum attack_kind kind);
/* To whom most of it went; false when nothing was sampled. */
bool attack_target(const struct attack *attack, struct addr *ret_address, uint16_t *ret_port,
		   uint8_t *ret_protocol);
/* At most ATTACK_SOURCES prefixes, the largest first; returns how many. */
size_t attack_sources(const struct attack *attack, struct attack_source *ret);
/* No few prefixes send it: the addresses are made up, or there are very many senders. */
bool attack_is_spread(const struct attack *attack);

#endif
