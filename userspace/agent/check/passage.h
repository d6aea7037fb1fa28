/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How the prober's packets to VIPs get into the dataplane: a pair of virtual interfaces, a table of
 * routes with a line for each VIP, and a rule that has the prober's sockets look there, which those
 * of other users do not. What comes out at the pair's other end meets stage/probe.bpf.h. There is
 * nothing of all this until a way leads by it. It outlives an agent that is killed: the next one
 * begins by removing it.
 */
#ifndef MTLB_AGENT_PASSAGE_H
#define MTLB_AGENT_PASSAGE_H

#include "../../base/addr.h"
#include "../../base/err.h"
#include "../../dataplane/dataplane.h"

#define PASSAGE_INTERFACE "mtlb-probe"
#define PASSAGE_FAR	  "mtlb-probe-in" /* its other end, with the program */
#define PASSAGE_TABLE	  1836346466	  /* of routes: "mtlb" */
#define PASSAGE_PRIORITY  1000		  /* of the rule: before the tables of all */
/* What fits every way with its outer header, if that lets a packet of 1,328 bytes pass; the least
 * that IPv6 can do with. */
#define PASSAGE_MTU 1280

struct passage;

/* owner: of the pins, by which it tells its own from another agent's. user: the prober's, NULL: its
 * own choice. What an agent left behind that was killed is removed. 0 or -ENOMEM.
 */
int passage_open(struct dataplane *dataplane, const char *owner, const char *user,
		 struct passage **ret_passage);
/* Removes all of it: no prober outlives its agent. */
void passage_close(struct passage *passage);

/* From now on the prober's packets to that address go this way. */
int passage_use(struct passage *passage, const struct addr *vip, struct err *err);

/* Between begin and end all that are used still are named; others go. */
void passage_begin(struct passage *passage);
void passage_keep(struct passage *passage, const struct addr *vip);
void passage_end(struct passage *passage);

/* Is it still there? Somebody may have removed the interface, or the rules. */
void passage_look(struct passage *passage);

/* For an agent that does not run: removes what is its own. 0 also when there is nothing. */
int passage_remove(const char *owner, struct err *err);

#endif
