/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What mtlbd and mtlb-prober say to each other, over a SOCK_SEQPACKET socket: mtlbd which probes
 * there are, the prober what came of them. A message is a head and records of one type; numbers are
 * little-endian. Both ends take the other one's messages for what anybody might send. Pure.
 */
#ifndef MTLB_WIRE_PROBES_H
#define MTLB_WIRE_PROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/addr.h"
#include "../base/probe.h"

#define PROBES_VERSION	   5
#define PROBES_MESSAGE_MAX 32768
#define PROBES_ERROR_MAX   128 /* with the closing NUL */
#define PROBES_SOCKET_FD   3   /* the prober's end, when it starts */
#define PROBES_TABLE_FD	   4   /* the table of abi/probe.h, or nothing */

enum probes_type {
	PROBES_HELLO = 1, /* the prober's first message: no records; the head has the version */
	PROBES_SET,	  /* probes that are new, or changed */
	PROBES_REMOVE,
	PROBES_RESULTS, /* without a record: a sign of life */
	PROBES_TYPES
};

/* A generation is the mark of one set of settings: what comes of older ones is not wanted. */
struct probes_probe {
	uint32_t id, generation;
	enum probe_kind kind;
	struct addr address;
	uint16_t port;
	/* When it goes through the dataplane, to the VIP that address is then: the member's number
	 * there, and the address to ask from (zero: any). 0: it goes as any packet of this node's.
	 */
	uint32_t member;
	struct addr source;
	uint8_t jitter;		/* percent of the interval by which a probe may come early */
	uint8_t proxy_protocol; /* the version of its header that comes first; 0: none */
	uint32_t interval_ms, timeout_ms;
	struct probe_question question; /* read: its texts lie in the message */
};

enum probes_outcome {
	PROBES_GOOD,
	PROBES_BAD,   /* the backend's fault */
	PROBES_FAULT, /* this node's own: nothing is known of the backend */
	PROBES_OUTCOMES
};

struct probes_result {
	uint32_t id, generation;
	enum probes_outcome outcome;
	uint64_t took_ns, next_ns; /* how long it took; CLOCK_MONOTONIC of the next one */
	char error[PROBES_ERROR_MAX];
};

struct probes_writer {
	uint8_t bytes[PROBES_MESSAGE_MAX];
	size_t used;
	uint16_t records;
};

void probes_begin(struct probes_writer *writer, enum probes_type type);
/* False: there is no room left in this message, and nothing was added. */
bool probes_add_probe(struct probes_writer *writer, const struct probes_probe *probe);
bool probes_add_removal(struct probes_writer *writer, uint32_t id);
bool probes_add_result(struct probes_writer *writer, const struct probes_result *result);

struct probes_reader {
	const uint8_t *at, *end;
	uint16_t records; /* still to come */
};

/* The type of the message, -EPROTO for one of another version, -EBADMSG for what is none. */
int probes_open(struct probes_reader *reader, const uint8_t *bytes, size_t length);

/* 1, 0 when there are no more, -EBADMSG. Texts of a probe are within the message. */
int probes_next_probe(struct probes_reader *reader, struct probes_probe *ret_probe);
int probes_next_removal(struct probes_reader *reader, uint32_t *ret_id);
/* The error is printable, whatever was sent. */
int probes_next_result(struct probes_reader *reader, struct probes_result *ret_result);

#endif
