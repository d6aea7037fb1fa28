/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ledger: how much of what the counters say has been booked, and to whom, in files that a kill
 * at any moment leaves whole.
 *
 * The journal holds what was booked lately, and so, for each row of counters, how far it was
 * booked: what an agent that is killed has not written, the next one finds in the counters again,
 * and what it has written, the next one finds in the journal. A row that was given to another
 * tenant, or that is of another dataplane, has another id. Once an hour the journal's rows are
 * merged into files of days (days.h) and a new journal begins.
 *
 * All but ledger_run() is the loop's; that writes and waits for the disk, and may be called by
 * another thread while the ledger is read, but not while it is changed.
 */
#ifndef MTLB_AGENT_USAGE_LEDGER_H
#define MTLB_AGENT_USAGE_LEDGER_H

#include "../../base/err.h"
#include "../../model/usage_file.h"

struct ledger;

struct ledger_state {
	bool fresh;	      /* there was no journal, or none that could be read */
	bool retry;	      /* the last write failed: what was to be written is kept */
	bool merging;	      /* a merge was begun: nothing may be booked until it is done */
	size_t torn, broken;  /* bytes that were lost of the journal as it was found */
	uint64_t read_at;     /* when counters were read last, seconds since 1970; 0: never */
	uint64_t written;     /* bytes to the journal since the agent started */
	size_t journal_bytes; /* of the journal now */
	size_t accounts, rows;
};

/* Opens what is in the folder, or begins it. Nobody else may use it meanwhile: -EBUSY. */
int ledger_open(const char *folder, uint64_t now, struct ledger **ret_ledger, struct err *err);
/* What was not written is lost: ledger_run() comes before. */
void ledger_close(struct ledger *ledger);
const struct ledger_state *ledger_state(struct ledger *ledger);

/* booking: a frame at a time */

void ledger_begin(struct ledger *ledger, uint64_t now, const struct usage_place *place);
/* What the row of counters with that id says now; peaks since the last time. A row that is not
 * known begins at nothing, or, with skip, at now: what it says was booked by nobody knows whom.
 * false: it had been booked further than it says now, so it began anew. */
bool ledger_book(struct ledger *ledger, uint64_t id, const char *tenant, const struct usage *now,
		 bool skip);
/* The frame is written by the next job, if there is anything in it or it is wanted so. */
void ledger_end(struct ledger *ledger, bool wanted);
/* Accounts that were not booked since this was called last are no longer there. */
void ledger_forget(struct ledger *ledger);

/* writing */

struct ledger_job;

/* What is to be done now: what was booked, or a merge when an hour is over or the journal is long.
 * NULL: nothing, or (err set) there is no memory. */
struct ledger_job *ledger_job(struct ledger *ledger, uint64_t hour, size_t keep, struct err *err);
void ledger_run(struct ledger_job *job);
/* Takes the job back. 0, or what went wrong; then it will be tried again by the next job. */
int ledger_done(struct ledger *ledger, struct ledger_job *job, struct err *err);
/* Hands what was booked to the kernel, without a job, so that it outlives this process. */
int ledger_hand_over(struct ledger *ledger, struct err *err);

/* reading */

struct ledger_query {
	const char *tenant;	/* NULL: all */
	uint64_t from, to;	/* hours; to is not included */
	bool by_day;		/* the hour of an answer is the day's first */
	struct usage_key after; /* only what comes behind it; hour 0: from the beginning */
	size_t limit;
};

/* Calls each for every row of the answer, by day, tenant and hour. ret_more: there are more than
 * the limit. ret_damaged: blocks of files that could not be read. 0 or a negative errno. */
int ledger_query(const struct ledger *ledger, const struct ledger_query *query,
		 void (*each)(void *context, const struct usage_row *row), void *context,
		 bool *ret_more, size_t *ret_damaged);

#endif
