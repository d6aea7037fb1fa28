/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The configuration after all checks: settings of the node, and the state that is wanted. Built
 * from YAML files; every error is collected, each with its place and what was expected.
 */
#ifndef MTLB_MODEL_CONFIG_H
#define MTLB_MODEL_CONFIG_H

#include "../base/err.h"
#include "state.h"

struct tokens;

enum config_drift {
	CONFIG_DRIFT_REPORT,
	CONFIG_DRIFT_REPAIR,
};

enum config_mode {
	CONFIG_MODE_AUTO,
	CONFIG_MODE_NATIVE,
	CONFIG_MODE_GENERIC,
};

struct config_interface {
	char name[16];
	enum config_mode mode;
	char place[256]; /* "file:line:column", for errors found later */
};

/* Where translated packets come from; all zero: not given, one of the two is. */
struct config_nat_source {
	struct addr ipv4, ipv6;
};

struct config_capacity {
	uint32_t tenants, vips, services, members, slots, flows, nat_sources;
	uint32_t acl_prefixes, feed_prefixes;
};

/* Of the node, for all tenants: what no honest client sends. */
struct config_filters {
	bool tcp_flags, land, vip_source, bogons;
};

/* What is an attack: more a second of a tenant's. */
struct config_attacks {
	uint64_t drops;	    /* packets dropped */
	uint64_t new_flows; /* opened; and four times what is usual */
};

/* What is served to Prometheus. */
struct config_metrics {
	struct addr address; /* without TLS; port 0: by the API alone */
	uint16_t port;
	uint32_t top;	  /* tenants with series of their own */
	uint32_t members; /* services and backends of theirs with such */
};

/* Where requests for routes come in. */
struct config_listener {
	char name[STATE_NAME_MAX];
	struct addr *addresses;
	size_t address_count;
	struct prefix *trusted;
	size_t trusted_count;
	struct prefix *proxies; /* whose connections begin with who they are; none: no one's do */
	size_t proxy_count;
	uint16_t port;
	bool by_path;	  /* the path says whose a request is, too */
	bool tls;	  /* of HTTPS */
	bool passthrough; /* TLS is not ended here */
	bool tls13;	  /* nothing older */
};

#define CONFIG_FEEDS_MAX 56 /* of prefixes: each has a rule of its own in the dataplane */

struct config_feed {
	char name[STATE_NAME_MAX];
	char *path;
	bool udp_ports; /* else: prefixes */
	bool refuse;	/* a file with a bad line; else such a line is left out */
};

struct config_error {
	char *file;	  /* as the user named it */
	int line, column; /* from 1; 0: the file as a whole */
	char *text;	  /* one line: what is wrong, what was expected, the nearest valid name */
};

struct config_errors {
	struct config_error *list;
	size_t count;
};

struct config_api {
	char *socket;	     /* "/run/mtlb/api.sock" by default */
	struct addr address; /* over TLS; port 0: not at all */
	uint16_t port;
	char *cert, *key, *client_ca; /* paths; NULL: not given */
	char *audit;		      /* path */
	struct tokens *tokens;	      /* NULL: none */
	uint32_t tenant_writes;	      /* of each tenant, per second */
};

/* Of all workers; milliseconds. */
struct config_proxy {
	uint32_t workers; /* 0: by the CPUs */
	bool copy;	  /* no splice(2) */
#define TIME_LIMIT(name, least, most, fallback, sentence) uint32_t name##_ms;
#include "l7/limits.def"
#undef TIME_LIMIT
};

struct config_access_log {
	char *path; /* NULL: there is none */
	uint32_t sample;
	bool query;
};

#define CONFIG_USAGE_FOLDER "usage.d"

struct config_usage {
	char *directory;
	uint32_t flush_s;
	uint32_t keep; /* days */
};

/* Health checks by scripts; all zero: there are none. */
struct config_scripts {
	char *directory, *user;
	uint32_t at_once;
};

struct config {
	char name[STATE_NAME_MAX];
	char zone[STATE_NAME_MAX]; /* empty: none */
	struct config_interface *interfaces;
	size_t interface_count;
	uint8_t hash_secret[16]; /* SipHash-2-4-128 of the trimmed file; see secret.c */
	bool has_hash_secret;	 /* false: the dataplane makes a random one and keeps it */
	struct config_capacity capacity;
	struct addr encap_ipv4, encap_ipv6; /* all zero: not given */
	struct config_nat_source *nat_sources;
	size_t nat_source_count;
	struct config_filters filters;
	struct config_attacks attacks;
	struct config_feed *feeds; /* in the order written: an earlier one comes first */
	size_t feed_count;
	uint16_t gue_port;	/* UDP destination port of GUE packets, host order */
	uint32_t flow_window_s; /* a flow is active when a packet of it came within this time */
	enum config_drift drift;
	struct config_metrics metrics;
	struct config_api api;
	struct config_usage usage;
	struct config_proxy proxy;
	struct config_access_log access_log;
	struct config_scripts scripts;
	struct config_listener *listeners; /* in the order written */
	size_t listener_count;
	struct config_errors notes; /* what was left out of what files say, and why */
	struct state state;
};

/*
 * Reads path: a file (with any number of YAML documents), or a directory (platform.yaml and every
 * tenants.d/NAME.yaml below it, else every *.yaml in it, sorted; and what the API keeps in api.d,
 * see edit.h). On success returns 0 and fills
 * *ret_config; on failure returns a negative errno, *ret_config is untouched and ret_errors holds
 * every error found, sorted by file, line, column.
 */
int config_load(const char *path, struct config *ret_config, struct config_errors *ret_errors);

/* Everything but the tenants. 0 or -ENOMEM; *ret_to is to be freed with config_fini() either way.
 */
int config_copy_node(const struct config *from, struct config *ret_to);

void config_fini(struct config *config);
void config_errors_fini(struct config_errors *errors);

/* "FILE:LINE:COLUMN: TEXT", to be printed as it is. */
char *config_error_format(const struct config_error *error, char *text, size_t size);

#endif
