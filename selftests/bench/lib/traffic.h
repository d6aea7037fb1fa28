/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Streams of packets through a node, sent by CPUs of this machine in the kernel
 * (BPF_PROG_TEST_RUN with live frames) at fixed rates or as fast as it goes, and followed flow by
 * flow: what was lost, what came to another member than the packet before. Sending, the balancer
 * and the far end share a CPU, in turn: no queue in between overflows, so what does not come back
 * is what the balancer did not send.
 */
#ifndef MTLB_BENCH_TRAFFIC_H
#define MTLB_BENCH_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>

#include "traffic_abi.h"
#include "wire.h"

/* Loads the programs and takes the far end of the wire. 0 or a negative errno. */
int traffic_open(const struct wire *wire);
void traffic_close(void);

/* A stream of so many packets a second; 0: as fast as it goes. It is off until it is started. */
void traffic_set(uint32_t stream, const struct traffic_stream *settings, double rate);
void traffic_on(uint32_t stream);
void traffic_off(uint32_t stream);
/* Another rate for a stream that may be on. */
void traffic_rate(uint32_t stream, double rate);

/* The CPUs of the streams that are set send what is on, until they are told to stop; all that was
 * sent has then come.
 */
int traffic_start(void);
int traffic_finish(void);
/* Forgets all that was counted, and all streams. Only while nothing is sent. */
void traffic_reset(void);
void traffic_reset_delays(void);

/* At one time. */
struct traffic_sample {
	uint64_t offered, offered_bytes, packets, bytes;
	uint64_t last; /* ns: when the last packet came */
};

struct traffic_sample traffic_take(uint32_t stream);
/* The same while packets are refused: whoever is held to a rate has then had all of it. */
struct traffic_sample traffic_take_refused(uint32_t stream);

struct traffic_result {
	uint64_t offered, lost;
	uint64_t flows, flows_lost, flows_moved; /* that were sent; that missed a packet; */
	double p50_us, p99_us;
};

/* Of a stream that is over, or adds to it what another one has. */
void traffic_add_result(uint32_t stream, struct traffic_result *result);
/* Of streams first..last together, up to now. */
void traffic_delays(uint32_t first, uint32_t last, double *ret_p50_us, double *ret_p99_us);

uint64_t traffic_now(void);
void traffic_wait_ms(uint32_t ms);

#endif
