/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who connects to a place (address and TCP port) is given a socket that is bound to none: the
 * program of bpf/prog/l7_steer.bpf.c, for the network namespace of this process. It is pinned
 * beside the dataplane and outlives the agent; a new agent puts its own sockets in the places of
 * the old one's, each in one step.
 */
#ifndef MTLB_DATAPLANE_STEER_H
#define MTLB_DATAPLANE_STEER_H

#include "../base/addr.h"
#include "../base/err.h"

struct steer;

/* Adopts what is pinned in this directory, with this version's program, or makes it; and takes a
 * term (bpf/abi/place.h). 0, or a negative errno and why. */
int steer_open(const char *directory, struct steer **ret_steer, struct err *err);
/* All stays as it is. */
void steer_close(struct steer *steer);
/* Removes what is pinned in this directory, if anything; workers of all terms leave. */
void steer_remove(const char *directory);

/* A map with a struct mtlb_terms, to be mapped. */
int steer_terms_fd(const struct steer *steer);
uint64_t steer_term(const struct steer *steer);
/* This one's term begins: workers of earlier ones leave. */
void steer_begin_term(struct steer *steer);

/* A number for a listening socket, or the first of its group by SO_REUSEPORT, which has to be open
 * as long as it is wanted. 0, or a negative errno; -ENOSPC: there are too many. */
int steer_add_socket(struct steer *steer, int socket, uint32_t *ret_number);
void steer_remove_socket(struct steer *steer, uint32_t number);

/* From here on this place's connections are that socket's. 0 or a negative errno. */
int steer_put(struct steer *steer, const struct addr *address, uint16_t port, uint32_t socket);
/* All places for which keep() does not hold are nobody's. 0 or a negative errno. */
int steer_sweep(struct steer *steer,
		bool (*keep)(void *context, const struct addr *address, uint16_t port),
		void *context);

#endif
