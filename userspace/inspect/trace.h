/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What would happen to this packet? Runs the stages that packets meet (bpf/prog/l4_trace.bpf.c)
 * over the pinned maps, and changes none of them: those that packets only read are lent to the
 * program read-only; those that packets write are its own, small ones, and hold copies of the
 * elements it asked for. Which these are is found by running it: what it missed is copied, and it
 * is run again, until it misses nothing that the real map has.
 *
 * One thing is beyond this: a SYN for a service of the node's own stack, while its tenant is under
 * attack, makes the kernel give out a SYN cookie, which the listening socket remembers for two
 * minutes.
 */
#ifndef MTLB_INSPECT_TRACE_H
#define MTLB_INSPECT_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "../../bpf/abi/trace.h"

#define TRACE_FRAME_MAX 16384

struct trace;

struct trace_result {
	int verdict;		 /* enum xdp_action */
	struct mtlb_trace about; /* what the program noted */
	const uint8_t *frame;	 /* as it would leave; valid until the next run */
	size_t length;
};

/* 0, or a negative errno and a sentence. */
int trace_open(const char *directory, struct trace **ret_trace, struct err *err);
void trace_close(struct trace *trace);

/* ifindex: of the interface it comes in by; it must be of this network namespace. */
int trace_run(struct trace *trace, const void *frame, size_t length, uint32_t ifindex,
	      struct trace_result *ret_result, struct err *err);

/*
 * An element that the last run wrote or read in a map of the kind that packets write: as it was,
 * and as it would be. NULL: it did not ask for it.
 */
struct trace_element {
	uint32_t key;
	const void *before, *after;
};

const struct trace_element *trace_find(const struct trace *trace, const char *map, uint32_t key);
/* Calls each for all of a map until it returns false. */
void trace_each(const struct trace *trace, const char *map,
		bool (*each)(void *context, const struct trace_element *element), void *context);

/* How many elements the real map has room for; 0: there is no such map. */
uint32_t trace_entries(const struct trace *trace, const char *map);
/* An element of the real map, of which ret_value holds size bytes. 0 or a negative errno. */
int trace_read(const struct trace *trace, const char *map, uint32_t key, void *ret_value,
	       size_t size);

#endif
