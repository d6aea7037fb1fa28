/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The running agent: what it was told, what it made of it, and the parts that keep it so. It parses
 * configuration and never traffic.
 */
#ifndef MTLB_AGENT_AGENT_H
#define MTLB_AGENT_AGENT_H

#include "../model/config.h"
#include "../model/renew.h"
#include "../model/edit.h"
#include "../sys/folder_watch.h"
#include "active.h"
#include "api/http.h"
#include "check/check.h"
#include "check/passage.h"
#include "defence.h"
#include "drift.h"
#include "events.h"
#include "feed/feed.h"
#include "flow_log.h"
#include "held.h"
#include "l7/l7.h"
#include "members.h"
#include "pace.h"
#include "samples.h"
#include "sweep.h"
#include "usage/usage.h"
#include "watchers.h"

struct metrics;

struct agent_options {
	const char *config;	/* file or directory */
	const char *bpffs;	/* directory of the pins */
	const char *api_socket; /* NULL: as the configuration says */
	const char *prober;	/* program of the prober; NULL: beside this one */
	bool detach;		/* at the end, take the dataplane down */
};

struct agent {
	struct agent_options options;
	struct loop *loop;
	struct dataplane *dataplane;
	struct registry registry;
	struct netlink *netlink;
	struct members members;
	struct passage *passage; /* of probes that go by VIPs */
	struct checks *checks;
	struct feeds *feeds;
	struct l7 *l7;
	struct sweep sweep;
	struct held *held;
	struct watchers *watchers;
	struct events *events;
	struct attacks *attacks;
	struct samples *samples;
	struct defence *defence;
	struct flow_log flow_log;
	struct drift drift;
	struct active *active;
	struct usage_part *usage;
	struct http *http;
	struct metrics *metrics;
	struct config config;	     /* the one that runs */
	struct folder_watch *folder; /* of its tenants' files; may be NULL */
	struct renew *renew;	     /* what is kept of its files, for the next time; may be NULL */
	struct renew_files later;    /* to make that of, when it is first wanted */
	bool in_step;		     /* the maps hold just that: the last change was made whole */
	struct dataplane_link *links;
	size_t link_count;
	uint64_t chosen_at; /* when the ways of checks were last chosen; 0: never */
	struct loop_timer choose_timer, sweep_timer, publish_timer, hops_timer, flow_log_timer,
		drift_timer;
	struct err attach_error, publish_error; /* the last ones that were logged */
	uint64_t generation;			/* grows with each configuration applied */
	uint64_t started_at, loaded_at;		/* CLOCK_REALTIME ns */
	json_int_t audited; /* number of the audit log's line about the request being handled */
	struct pace writes, refusals; /* of tenants over the API; in the audit log */
	uint64_t refused_unwritten;   /* left out of it, since the last one that is in it */
	char last_error[1024];	      /* of the last load or apply; empty when it went well */
};

/* Loads, attaches, reconciles and answers the API; logs that it is ready. */
int agent_start(struct agent *agent, const struct agent_options *options, struct err *err);
/* Leaves the dataplane forwarding, unless options.detach. */
void agent_stop(struct agent *agent);

/* What applying the configuration at path (NULL: its own) would change, one line per change
 * (changes.h). The errors of a configuration that does not load are in ret_errors.
 */
int agent_diff(struct agent *agent, const char *path, char ***ret_lines, size_t *ret_count,
	       struct config_errors *ret_errors, struct err *err);

/* Reads its own configuration again and makes it so. When no more than some tenants' files changed
 * since the last time, all else is left alone; when none did, everything is looked at. When
 * anything is wrong with it nothing changes; only an operation that the kernel refuses half way
 * leaves it applied in part, and says so. ret_lines may be NULL.
 */
int agent_reload(struct agent *agent, char ***ret_lines, size_t *ret_count,
		 struct config_errors *ret_errors, struct err *err);

/* Attaches to the interfaces that the configuration names, or takes over what is attached. */
int agent_attach(struct agent *agent, const struct config *config, struct err *err);
/* Detaches from those that agent->links does not name. */
void agent_detach_others(struct agent *agent);
/* An interface that was removed and made anew has another index, and nothing attached. */
void agent_follow_interfaces(struct agent *agent);

/* Tables that changed are published in a moment, several changes at once. */
void agent_publish_soon(struct agent *agent);
/* What is done when all has been checked and nothing has been changed yet. */
struct agent_commit {
	int (*write)(void *context, struct err *err);
	void *context;
};

/* Makes a configuration that was loaded the one that runs; next is emptied then. only: these
 * tenants of it are all that changed; NULL: anything may have. commit and ret_lines may be NULL.
 */
int agent_take(struct agent *agent, struct config *next, const struct state *only,
	       const struct agent_commit *commit, char ***ret_lines, size_t *ret_count,
	       struct err *err);

/* The first error in words, and how many more there are; returns code. */
int agent_explain(const struct config_errors *errors, int code, struct err *err);

/* The API over TCP, and metrics, as the configuration says. What is wrong with them is logged, and
 * keeps nothing else from running.
 */
void agent_open_api(struct agent *agent);
void agent_open_metrics(struct agent *agent);

/* Makes an edit (model/edit.h) and keeps it: first all is checked, then the API's file is written,
 * then it is made so. 0; the errors of edit_load(); -EEXIST also when node settings would have to
 * change; or another negative errno. Only an operation that the kernel refuses half way leaves it
 * applied in part, and says so: then ret_stored is true. ret_result is to be freed.
 */
int agent_edit(struct agent *agent, const struct edit *edit, struct edit_result *ret_result,
	       char ***ret_lines, size_t *ret_count, bool *ret_stored,
	       struct config_errors *ret_errors, struct err *err);

#endif
