/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A client's connection, and the request on it that is served: HTTP/1.0 and 1.1, one at a time in
 * the order in which they came. It is a machine of few states, and each step of it does what can be
 * done at once; what it waits for is always a connection that is ready again, or a time limit.
 *
 *	PREAMBLE                              what tells whose the connection is, if that is told
 *	  │
 *	HELLO ─▶ EXCHANGE ──▶ TUNNEL          TLS that is passed through
 *
 *	HEAD ──▶ EXCHANGE ──▶ HEAD ...        a request, its answer, the next one; what has a body
 *	  │          │                        waits for that in BODY, and in PENDING for its pool
 *	  │          ├──────▶ TUNNEL          after 101
 *	  └──────────┴──────▶ ANSWER          one of the proxy's own
 *	                        └─▶ LINGER    the client is given time to read it
 */
#ifndef MTLB_PROXY_CONN_H
#define MTLB_PROXY_CONN_H

#include "../wire/hello.h"
#include "balance.h"
#include "relay.h"
#include "seen.h"
#include "worker.h"

/* Of requests and of responses: with what is added, each fits a buffer. */
#define CONN_HEAD_MAX 16384

enum conn_state {
	CONN_PREAMBLE,
	CONN_HEAD,
	CONN_BODY,    /* the first bytes of it */
	CONN_PENDING, /* for its pool to have room */
	CONN_EXCHANGE,
	CONN_TUNNEL,
	CONN_HELLO,
	CONN_ANSWER,
	CONN_LINGER,
};

enum step {
	STEP_AGAIN, /* the state has changed */
	STEP_WAIT,
	STEP_TURN_OVER,
	STEP_CLOSE,
};

/* A client that its answer waits for, see conn_stall.c. */
struct stall {
	uint64_t at; /* the last look, or when it began; 0: it is not waited for */
	uint64_t sent, taken;
	bool looked;  /* at what it has taken, at this time */
	bool counted; /* among those of its tenant */
};

struct exchange {
	struct routing *routing; /* held */
	uint32_t listener;	 /* in that image, like all that follow */
	uint32_t tenant, route, matched, pool;
	uint32_t member;	      /* that has it; IMAGE_NONE: none yet */
	uint32_t pinned;	      /* the member that a session names, or IMAGE_NONE */
	uint64_t hash;		      /* what maglev goes by */
	bool by_hash;		      /* a session says so */
	uint8_t method;		      /* enum h1_method */
	uint8_t minor;		      /* of the client's HTTP/1.x */
	uint8_t body;		      /* enum h1_body, of the request */
	bool counted;		      /* among the requests of its tenant */
	bool admitted, waits;	      /* see pending.h */
	bool keep_alive;	      /* the client's connection goes on after this */
	bool asked_to_close;	      /* the client, after this request */
	bool passthrough;	      /* no request: TLS that is nobody's here, see conn_hello.c */
	bool upgrade;		      /* was asked for, and passed on */
	bool replayable;	      /* its head is still in down.in, and no more of it was used */
	bool fresh;		      /* a kept connection has failed it: none of those any more */
	bool uploading;		      /* upload has begun */
	bool sent;		      /* all of the request */
	bool broken;		      /* the backend takes no more of it */
	bool replying;		      /* the answer's head has gone to the client's out */
	bool bare;		      /* an answer without a body */
	bool reusable;		      /* the backend's connection goes on after this */
	bool upload_done, reply_done; /* of a tunnel */
	uint16_t status;
	int connect_error; /* of the last attempt that was none */
	uint8_t attempts;  /* retries */
	struct balance_tried tried;
	int64_t content_length;
	size_t scanned;	      /* of the answer */
	uint32_t head_length; /* of the request, as it came */
	uint64_t began, attempt_began;
	uint64_t mark_at, mark_bytes; /* see conn_timer.c */
	struct stall stall;
	struct relay upload, reply;
	struct mirror *mirror; /* a copy that is not whole yet */
	bool mirrored;	       /* there was one, or should have been */
};

struct conn {
	struct worker *worker;
	struct listener *listener;
	struct channel down;
	struct upstream *up;
	struct upstream *kept; /* that were told of this client, and wait for its next request */
	struct wheel_timer timer;
	struct turn turn;
	uint32_t weight;	      /* of the last request's tenant; 0: not known */
	struct conn *next, *previous; /* all of the worker's */
	struct conn *pending_next, *pending_previous;
	struct conn *idle_next, *idle_previous; /* see idle.h */
	uint64_t idle_since;
	bool idle, idle_homeless;
	bool late;	/* its time limit is over: its next turn sees to that */
	bool late_told; /* something came before that, and is to be looked at first */
	bool waiting;	/* for the first byte of a request */
	bool inherited; /* what has come of the request at hand came from another worker */
	uint8_t state;
	struct addr peer; /* the client: where the connection is from, or who that says it is */
	uint16_t peer_port;
	uint16_t local_port; /* as the client sees it, like local; 0: not asked for yet */
	struct addr local;
	size_t scanned; /* of the request's head */
	struct hello_scan hello;
	uint64_t active_at; /* when something last happened */
	uint64_t head_at;   /* when the head at hand began */
	struct exchange exchange;
	struct seen seen;
};

/* Takes fd. 0 or a negative errno, and then fd is closed. */
int conn_new(struct worker *worker, struct listener *listener, int fd, const struct addr *peer,
	     uint16_t peer_port);
/* The same of one that another worker had. */
struct bequest;
int conn_inherit(struct worker *worker, struct listener *listener, int fd,
		 const struct bequest *bequest);
void conn_close(struct conn *conn);
/* Does what can be done. False: the connection is gone. */
bool conn_run(struct conn *conn);
/* The same, when it is its tenant's turn. */
void conn_wait_turn(struct conn *conn);
/* Of those whose tenant is not known there are so many queues, which are chosen by the client's
 * address (stochastic fairness queueing: McKenney, INFOCOM 1990); tenants' come behind them, by
 * their rows of the tally. */
#define CONN_QUEUES 64
uint32_t conn_take_turn(struct turn *turn);
void upstream_told(void *user, struct upstream *upstream, uint32_t events);

/* In the image that is in use now; IMAGE_NONE: it has none. */
static inline uint32_t conn_listener(const struct conn *conn)
{
	return conn->listener ? conn->listener->index : 0;
}

/* The parts. */
enum step conn_preamble(struct conn *conn);
enum step conn_head(struct conn *conn);
enum step conn_body(struct conn *conn);
enum step conn_pending(struct conn *conn);
enum step conn_exchange(struct conn *conn);
enum step conn_hello(struct conn *conn);
/* Its time is over. */
enum step conn_hello_late(struct conn *conn);
/* The backend is there: it gets what the client has sent, and the other way round. */
enum step conn_pass_through(struct conn *conn);
/* An alert of TLS instead of an answer, and the end. */
enum step conn_alert(struct conn *conn, enum refusal why, uint8_t alert);
enum step conn_tunnel(struct conn *conn);
/* Of this tenant's pipes, where the operator lets it. */
void conn_allow_splice(struct conn *conn, struct relay *relay);
enum step conn_answer(struct conn *conn);
enum step conn_linger(struct conn *conn);
/* It has been ignored for limits.quiet: looks whether it has closed, and listens to it from here
 * on. */
enum step conn_linger_on(struct conn *conn);

/* One that does not begin as it has to: closes it, without a word. */
enum step conn_refuse_preamble(struct conn *conn);
/* For a backend: who the client is, and where it has connected to. Its length, or a negative errno.
 */
int conn_write_preamble(struct conn *conn, unsigned version, char *buf, size_t size);
/* How TLS is spoken to a pool's backends; mode says whether it is. */
struct tls_backend conn_backend_tls(struct worker *worker, const struct routing *routing,
				    uint32_t pool);
/* After the preamble, or without one. 0 or a negative errno. */
int conn_begin_tls(struct conn *conn);

/* The request at the beginning of down.in. 0, -EAGAIN, or an error of h1.h or uri.h. */
struct h1_request;
int conn_parse(struct conn *conn, struct h1_request *request);
/* Less of its body has come than is waited for before a backend is asked. */
bool conn_waits_for_body(const struct conn *conn, const struct h1_request *request);
enum step conn_wait_for_body(struct conn *conn);
/* An answer of our own instead of the backend's, if none has begun. */
enum step conn_refuse(struct conn *conn, unsigned status, const char *detail);
/* The same, for a reason that the status does not tell. */
enum step conn_refuse_as(struct conn *conn, enum refusal why, unsigned status, const char *detail);
/* The same, and who comes after so many seconds is served again; 0: nothing is said of that. */
enum step conn_refuse_for(struct conn *conn, enum refusal why, unsigned status, const char *detail,
			  unsigned retry_after_s);
/* The same as conn_refuse(), about a head that was no request: nothing behind it can be understood.
 */
enum step conn_refuse_head(struct conn *conn, unsigned status, const char *detail);
/* One that is in down.out already. */
enum step conn_own_answer(struct conn *conn, unsigned status);
/* The route is known: as far as there is room, the request is begun. */
enum step conn_admit(struct conn *conn, const struct h1_request *request);
/* It is admitted: a pool has room for it, or it waits. */
enum step conn_enter_pool(struct conn *conn, const struct h1_request *request);
/* Picks a member and gives it the request, whose head is in down.in. */
enum step conn_attempt(struct conn *conn, const struct h1_request *request);
/* It failed for this reason (of enum image_retry): another one, or an answer. */
enum step conn_attempt_failed(struct conn *conn, unsigned why);
/* No connection could be made, for what upstream.h says. */
enum step conn_connect_failed(struct conn *conn, int error);
/* The answer with this status may be dropped for another attempt: then true. */
bool conn_retry_status(struct conn *conn, unsigned status, enum step *ret_step);
/* All of the answer has gone. */
enum step conn_finished(struct conn *conn);
/* Lets go of the backend and of the image. */
void conn_let_go(struct conn *conn);
void conn_count(struct conn *conn, unsigned status);

/* When it is to be looked whether the client takes its answer; UINT64_MAX: it is not waited for. */
uint64_t conn_stall_due(struct conn *conn);
/* Looks, if that is due. True: it does not, and its tenant has too many of those. */
bool conn_stalled(struct conn *conn, uint64_t now);
void conn_stall_end(struct conn *conn);
/* It does not: cuts it. */
enum step conn_cut_stalled(struct conn *conn);
/* Its client was cut so for so often that its requests are not served for so many seconds more. 0:
 * they are. */
unsigned conn_held_s(const struct conn *conn);

void conn_arm(struct conn *conn);
/* Its time limit was over: cut it, unless something has come in time. False: the connection is
 * gone. */
bool conn_late(struct conn *conn);
void conn_timer_fired(struct wheel_timer *timer);

#endif
