/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One load of the deny feeds: reads the files that changed, and makes one trie of all prefixes of
 * the node. It runs in a thread of its own, since a million lines take their time; all it touches
 * is the job that it was handed, which the agent does not look at until the thread is through.
 */
#ifndef MTLB_AGENT_FEED_RELOAD_H
#define MTLB_AGENT_FEED_RELOAD_H

#include <sys/stat.h>

#include "../../model/feed.h"
#include "../../model/trie.h"

/* By what a file is known to have changed; all zero: there is none that can be read. */
struct reload_stamp {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified;
};

struct reload_feed {
	/* what is asked */
	const char *path; /* lives as long as the job */
	bool udp_ports, refuse;
	bool read;	/* the file; else its list is as it was */
	uint32_t entry; /* of its rule, in the trie */
	/* the list in force, and what becomes of it */
	struct feed_list list;
	bool has_list;
	/* what came of reading it */
	struct reload_stamp stamp;
	char error[384]; /* empty: it was taken */
	struct feed_bad bad[FEED_BAD_SHOWN];
	size_t bad_count;
};

struct reload_job {
	struct reload_feed *feeds; /* an earlier one comes first where both have a prefix */
	size_t count;
	size_t capacity;      /* prefixes of all feeds */
	struct prefix *extra; /* after the feeds: bogons, VIPs */
	uint32_t *extra_entry;
	size_t extra_count;
	/* the result, of use unless error is set */
	struct trie trie;
	uint64_t ports[FEED_PORT_WORDS];
	size_t port_count; /* feeds of ports that have a list */
	char error[384];
};

struct reload_stamp reload_stamp(const char *path);
bool reload_same_stamp(const struct reload_stamp *a, const struct reload_stamp *b);

/* Makes what of a job is asked; no system call but those of reading the files. */
void reload_run(struct reload_job *job);
void reload_fini(struct reload_job *job);

#endif
