// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "check_health.h"

#include <errno.h>
#include <string.h>

#include "units.h"
#include "value.h"

#define JITTER 20 /* percent of the interval */

#define KIND(id) (1U << PROBE_##id)
#define WEB	 (KIND(HTTP) | KIND(HTTPS))
#define SECURE	 (KIND(TLS) | KIND(HTTPS))
#define OVER_TCP (KIND(TCP) | KIND(GRPC) | WEB | SECURE)

/* Which keys mean something to which kinds. */
static const struct {
	enum schema_key key;
	unsigned kinds;
	int text; /* of the question; -1: none */
} keys[] = {
	{SCHEMA_health_host, WEB | KIND(TLS) | KIND(GRPC), PROBE_TEXT_HOST},
	{SCHEMA_health_path, WEB, PROBE_TEXT_PATH},
	{SCHEMA_health_method, WEB, -1},
	{SCHEMA_health_status, WEB, -1},
	{SCHEMA_health_header, WEB, PROBE_TEXT_HEADER},
	{SCHEMA_health_body, WEB, PROBE_TEXT_BODY},
	{SCHEMA_health_service, KIND(GRPC), PROBE_TEXT_SERVICE},
	{SCHEMA_health_send, KIND(UDP), PROBE_TEXT_SEND},
	{SCHEMA_health_expect, KIND(UDP), PROBE_TEXT_EXPECT},
	{SCHEMA_health_script, KIND(SCRIPT), PROBE_TEXT_SCRIPT},
	{SCHEMA_health_verify, SECURE, -1},
	{SCHEMA_health_ca, SECURE, PROBE_TEXT_CA},
	{SCHEMA_health_port, ~KIND(ICMP), -1},
	{SCHEMA_health_via, ~(KIND(ICMP) | KIND(SCRIPT)), -1},
};

static void check_times(struct check *check, const struct tree_node *health,
			const struct state_health *settings)
{
	const struct tree_node *interval = schema_find(health, SCHEMA_health_interval);
	const struct tree_node *timeout = schema_find(health, SCHEMA_health_timeout);
	char longer[UNITS_TEXT_MAX], shorter[UNITS_TEXT_MAX];

	if (settings->timeout_ms <= settings->interval_ms)
		return;
	/* One that was written, but wrong, has been reported. */
	if ((!interval && schema_written(health, SCHEMA_health_interval)) ||
	    (!timeout && schema_written(health, SCHEMA_health_timeout)))
		return;
	units_format_duration(settings->timeout_ms, longer);
	units_format_duration(settings->interval_ms, shorter);
	if (timeout)
		errors_add(check->errors, tree_place(timeout),
			   "\"timeout\" %s is longer than \"interval\" %s%s; a check must end "
			   "before the next one starts",
			   longer, shorter, interval ? "" : " (the default)");
	else
		errors_add(check->errors, tree_place(interval),
			   "\"interval\" %s is shorter than \"timeout\" %s (the default); set "
			   "\"timeout\" to at most %s",
			   shorter, longer, shorter);
}

/* "http or https" */
static void name_kinds(unsigned kinds, char *text, size_t size)
{
	size_t used = 0;

	text[0] = 0;
	for (int kind = PROBE_NONE + 1; kind < PROBE_KINDS && used < size; kind++) {
		bool last = !(kinds >> (kind + 1) & ((1U << (PROBE_KINDS - kind - 1)) - 1));

		if (kinds & 1U << kind)
			used += (size_t)snprintf(text + used, size - used, "%s%s",
						 !used	? ""
						 : last ? " or "
							: ", ",
						 probe_kind_name((enum probe_kind)kind));
	}
}

static void check_keys(struct check *check, const struct tree_node *health, enum probe_kind kind)
{
	char kinds[96];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct tree_node *node = schema_find(health, keys[i].key);

		if (!node || keys[i].kinds & 1U << kind)
			continue;
		name_kinds(keys[i].kinds, kinds, sizeof(kinds));
		errors_add(
			check->errors, tree_key_place(node),
			"\"%s\" means nothing to a check of type %s; leave it out, or use type %s",
			schema_rows[keys[i].key].key, probe_kind_name(kind), kinds);
	}
}

static void check_texts(struct check *check, const struct tree_node *health, enum probe_kind kind)
{
	const struct tree_node *path = schema_find(health, SCHEMA_health_path);
	const struct tree_node *header = schema_find(health, SCHEMA_health_header);

	if (path && (path->text[0] != '/' || strchr(path->text, ' ') || strchr(path->text, '#')))
		errors_add(check->errors, tree_place(path),
			   "\"path\" must begin with / and have neither space nor #; write a space "
			   "as %%20");
	if (header && strcspn(header->text, ":") - 1 >= strlen(header->text) - 1)
		errors_add(
			check->errors, tree_place(header),
			"\"header\" must be a name, a colon and a value, such as \"x-ready: yes\"");
	if (kind == PROBE_UDP && !schema_written(health, SCHEMA_health_send))
		errors_add(check->errors, tree_place(health),
			   "missing key \"send\" in health; a check of type udp must say what it "
			   "sends, "
			   "since a server answers only what it understands");
}

static void check_verify(struct check *check, const struct tree_node *health, enum probe_kind kind)
{
	const struct tree_node *ca = schema_find(health, SCHEMA_health_ca);
	const struct tree_node *verify = schema_find(health, SCHEMA_health_verify);
	bool wanted = schema_number(health, SCHEMA_health_verify) == 1;

	if (!(SECURE & 1U << kind) || (!verify && schema_written(health, SCHEMA_health_verify)))
		return;
	if (ca && !wanted)
		errors_add(
			check->errors, tree_key_place(ca),
			"\"ca\" says whose word is taken with \"verify: ca\", and has no meaning "
			"without it; add that, or leave it out");
	else if (ca && !strstr(ca->text, "-----BEGIN CERTIFICATE-----"))
		errors_add(check->errors, tree_key_place(ca),
			   "\"ca\" must be certificates in PEM, which begin with -----BEGIN "
			   "CERTIFICATE-----; give their text itself, not a file's name");
	else if (wanted && !schema_written(health, SCHEMA_health_ca))
		errors_add(
			check->errors, tree_key_place(verify),
			"\"verify: ca\" needs \"ca\" as well: the certificates, in PEM, of those "
			"whose word is taken");
}

/* A tenant can start nothing that the node's owner has not listed. */
static void check_script(struct check *check, const struct tree_node *health, enum probe_kind kind)
{
	const struct tree_node *script = schema_find(health, SCHEMA_health_script);

	if (kind != PROBE_SCRIPT)
		return;
	if (!schema_written(health, SCHEMA_health_script))
		errors_add(
			check->errors, tree_place(health),
			"missing key \"script\" in health; a check of type script must say which "
			"one, of those in node.health.scripts of Platform");
	else if (script && check->scripts_known && !check->scripts.entries)
		errors_add(check->errors, tree_place(script),
			   "this node runs no scripts; use another type of health, or have its "
			   "owner allow \"%s\" by node.health of Platform",
			   script->text);
	else if (script && check->scripts_known && !names_find(&check->scripts, script->text))
		check_refuse_unknown(check, script, &check->scripts, "script",
				     "node.health.scripts");
}

/* Defaults are part of what is asked. */
static int read_question(const struct tree_node *health, enum probe_kind kind,
			 struct probe_question **ret_question)
{
	uint64_t statuses = schema_number(health, SCHEMA_health_status);
	struct probe_question question = {};
	char bytes[2][PROBE_TEXT_MAX];
	int used = 0;

	if (WEB & 1U << kind) {
		question.status_first = (uint16_t)statuses;
		question.status_last = (uint16_t)(statuses >> 16);
		question.head = schema_number(health, SCHEMA_health_method) == 1;
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *text = schema_text(health, keys[i].key);
		size_t length;

		if (keys[i].text < 0 || !text || !(keys[i].kinds & 1U << kind))
			continue;
		length = strlen(text);
		if (schema_rows[keys[i].key].type == SCHEMA_TYPE_BYTES) {
			length = value_read_bytes(text, bytes[used]);
			text = bytes[used++];
		}
		question.text[keys[i].text] = text;
		question.length[keys[i].text] = (uint16_t)length;
	}
	*ret_question = probe_copy_question(&question);
	return *ret_question ? 0 : -ENOMEM;
}

int check_health(struct check *check, const struct tree_node *health,
		 struct state_health *ret_health)
{
	enum probe_kind kind;

	if (!health || !schema_find(health, SCHEMA_health_type))
		return 0;
	kind = (enum probe_kind)(PROBE_NONE + 1 + schema_number(health, SCHEMA_health_type));
	*ret_health = (struct state_health){
		.type = kind,
		.jitter = JITTER,
		.via = (enum state_via)schema_number(health, SCHEMA_health_via),
		.port = (uint16_t)schema_number(health, SCHEMA_health_port),
		.interval_ms = (uint32_t)schema_number(health, SCHEMA_health_interval),
		.timeout_ms = (uint32_t)schema_number(health, SCHEMA_health_timeout),
		.rise = (uint32_t)schema_number(health, SCHEMA_health_rise),
		.fall = (uint32_t)schema_number(health, SCHEMA_health_fall),
		.damped = schema_number(health, SCHEMA_health_damping) == 1,
		.panic = (uint8_t)schema_number(health, SCHEMA_health_panicThreshold),
	};
	check_times(check, health, ret_health);
	check_keys(check, health, kind);
	check_texts(check, health, kind);
	check_script(check, health, kind);
	check_verify(check, health, kind);
	return kind == PROBE_TCP || kind == PROBE_ICMP
		       ? 0
		       : read_question(health, kind, &ret_health->question);
}

void check_health_header(struct state_health *health, uint8_t version)
{
	health->proxy_protocol = OVER_TCP & 1U << health->type ? version : 0;
}
