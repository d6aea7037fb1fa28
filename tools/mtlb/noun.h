/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a noun is: a table. Grammar, help, requests and output are derived from it, so a noun's file
 * is mostly its columns.
 */
#ifndef MTLB_TOOLS_NOUN_H
#define MTLB_TOOLS_NOUN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* 2 is what `config diff` exits with when something differs. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_ERROR = 1,
	EXIT_DIFFERENT = 2,
};

struct options {
	bool json, pretty, raw, colour;
	size_t width; /* of the terminal, 0: unlimited */
	const char *socket;
	const char *bpffs;	    /* where the dataplane is pinned */
	bool own_socket, own_bpffs; /* they were named, and are not the ones by default */
	const char *place;	    /* "FILE:LINE" in a batch, else NULL */
};

enum value_kind {
	VALUE_TEXT,
	VALUE_STATE,   /* text with a colour of its own */
	VALUE_PLAIN,   /* a number that is a name: a port, an id */
	VALUE_NUMBER,  /* 1.2k */
	VALUE_BYTES,   /* 1.2KiB */
	VALUE_PERCENT, /* of a share from 0 to 1 */
	VALUE_SECONDS, /* 15m */
	VALUE_MILLIS,  /* 500ms */
	VALUE_LIST,    /* of texts */
	VALUE_TIME,    /* RFC 3339, shown as how long ago */
	VALUE_USAGE,   /* an object {used, max} */
	VALUE_BOOL,
};

/*
 * path leads into an item: "name", "health.state". A text may be made of several, with what stands
 * between them: "tenant/name", "address:port" (an IPv6 address is then put in brackets, a port of 0
 * or none is left out).
 */
struct column {
	const char *title;
	const char *path;
	enum value_kind kind;
};

/*
 * A keyword of `list`, as in `list tenant acme`. What its value is called says how it is compared:
 * "up|down" is one of these words; "DURATION" the least number of seconds; "ENDPOINT" an address,
 * whatever the port, or one with its port.
 */
struct filter {
	const char *keyword;
	const char *value; /* for help: "NAME" */
	const char *
		path; /* what of an item must equal it, or hold it; NULL: only asked of the agent */
	const char *query; /* parameter of the request, NULL: none */
};

struct call;
struct err;

struct verb {
	const char *name;
	const char *args; /* for help; NULL: those of `list` or `show` */
	const char *help; /* one sentence */
	int (*run)(const struct call *call);
};

/* An option of one noun's own, after its name: --word, or --word ARGUMENT; letter 0: it has none.
 * verb: the one that takes it; NULL: the noun has no verbs. */
struct noun_option {
	const char *word, *argument, *sentence;
	char letter;
	const char *verb;
};

#define NOUN_OPTIONS_MAX 24

struct noun {
	const char *name;
	const char *help;
	const char *endpoint;
	const struct column *columns; /* each of these ends with an empty row */
	const char *const *spare;     /* titles of columns that a narrow terminal can do without */
	const struct filter *filters;
	const char *const *keys; /* what `show NAME` looks for, the full name first; as a path */
	const struct verb *verbs;
	const char *object; /* path of one of them in the API, for object.h; NULL: none */
	/* The items as the pinned maps have them, for when no agent answers: 0, or a negative errno
	 * and a sentence. NULL: maps do not have them. */
	int (*from_maps)(const struct call *call, json_t **ret_items, struct err *err);
	/* For a noun that has no verbs; args says what follows. */
	int (*run)(const struct call *call);
	const char *args;
	const struct noun_option *options; /* ends with an empty row; NULL: none */
};

/* One command on its way. */
struct call {
	const struct options *options;
	const struct noun *noun;
	const struct verb *verb; /* NULL when the noun has none */
	int argc;
	char **argv; /* what follows */
	/* Of the noun's own options, in their order: the argument, "" of one that has none; NULL:
	 * it was not given. */
	const char *const *given;
};

/* In the order of the help; ends with NULL. */
extern const struct noun *const nouns[];

extern const struct noun route_noun, proxy_noun;
extern const struct noun tenant_noun, vip_noun, service_noun, pool_noun, backend_noun, acl_noun,
	feed_noun, health_noun, tier_noun, flow_noun, drop_noun, event_noun, meter_noun, usage_noun,
	map_noun, prog_noun, trace_noun, config_noun, node_noun, doctor_noun, batch_noun, help_noun,
	version_noun;

#endif
