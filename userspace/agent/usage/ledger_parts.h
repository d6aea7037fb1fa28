/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the files of the ledger share: ledger.c (accounts and what was found), ledger_job.c
 * (writing), ledger_query.c (reading). */
#ifndef MTLB_AGENT_USAGE_LEDGER_PARTS_H
#define MTLB_AGENT_USAGE_LEDGER_PARTS_H

#include "ledger.h"

#define LEDGER_JOURNAL "journal"

/* A row of counters. */
struct ledger_account {
	uint64_t id;
	uint64_t number; /* in this journal */
	char tenant[STATE_NAME_MAX];
	struct usage booked; /* so far; sums only */
	bool seen;	     /* booked since ledger_forget() */
	UT_hash_handle hh;
};

struct ledger {
	char *folder;
	int lock, fd;	 /* of the journal */
	uint64_t number; /* of the journal */
	size_t size;	 /* of it, as far as it is whole */
	size_t base;	 /* and as it began */
	uint64_t hour;	 /* when it began */
	bool merging;	 /* a merge was begun: nothing may be appended until it is done */
	struct ledger_account *accounts;
	uint64_t numbers;	       /* the last one that was given */
	struct ledger_account **found; /* by number, while the journal is read */
	size_t found_room;
	struct usage_book book;	    /* what the journal holds, and what is to be written */
	struct usage_place place;   /* of the frame that is being written or read */
	size_t entries;		    /* in it */
	struct usage_writer writer; /* frames to be written */
	struct ledger_state state;
};

int ledger_open_file(const struct ledger *ledger, const char *name, int flags);
/* The first one of a ledger. */
int ledger_make_journal(struct ledger *ledger, struct err *err);

#endif
