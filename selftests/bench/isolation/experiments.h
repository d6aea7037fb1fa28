/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The isolation benchmark's experiments: each prints its lines; 0, or a negative errno when it
 * could not be done.
 */
#ifndef MTLB_BENCH_ISOLATION_EXPERIMENTS_H
#define MTLB_BENCH_ISOLATION_EXPERIMENTS_H

/* A tenant is flooded; with each of what protects the other one, and without. */
int experiments_floods(void);
/* A tenant asks for ten times what it may have, the other for nine tenths. */
int experiments_metered(void);
/* Three tenants share a node that has less than they ask for. */
int experiments_shares(void);
/* The agent reloads, is killed and replaced, while packets go on. */
int experiments_agent(void);

#endif
