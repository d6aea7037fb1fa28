// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Checks without an agent; compares and applies by asking it. */
#include "noun.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../userspace/model/certificate_file.h"
#include "../../userspace/model/config.h"
#include "../../userspace/model/l7/wanted.h"
#include "command.h"
#include "list.h"
#include "object.h"
#include "safe.h"
#include "output.h"

#define DEFAULT_PATH "/etc/mtlb"

struct totals {
	size_t tenants, addresses, services, vips, backends;
	size_t listeners, routes;
};

static struct totals count(const struct config *config)
{
	const struct state *state = &config->state;
	struct totals totals = {
		.tenants = state->tenant_count,
		.listeners = config->listener_count,
	};
	size_t t, s;

	for (t = 0; t < state->tenant_count; t++) {
		const struct state_tenant *tenant = &state->tenants[t];

		totals.addresses += tenant->address_count;
		totals.services += tenant->service_count;
		totals.routes += tenant->l7 ? tenant->l7->route_count : 0;
		for (s = 0; s < tenant->service_count; s++) {
			totals.vips += tenant->services[s].vip_count;
			totals.backends += tenant->services[s].member_count;
		}
	}
	return totals;
}

static void print_count(const char *before, size_t number, const char *noun)
{
	printf("%s%zu %s%s", before, number, noun,
	       number == 1		       ? ""
	       : noun[strlen(noun) - 1] == 's' ? "es"
					       : "s");
}

static void print_totals(const struct options *options, const struct totals *totals)
{
	json_t *json;

	if (options->json) {
		json = json_pack(
			"{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "ok", 1, "tenants",
			(json_int_t)totals->tenants, "addresses", (json_int_t)totals->addresses,
			"services", (json_int_t)totals->services, "vips", (json_int_t)totals->vips,
			"backends", (json_int_t)totals->backends, "listeners",
			(json_int_t)totals->listeners, "routes", (json_int_t)totals->routes);
		output_json(options, json);
		json_decref(json);
		return;
	}
	print_count("ok: ", totals->tenants, "tenant");
	print_count(", ", totals->services, "service");
	print_count(", ", totals->vips, "VIP");
	print_count(", ", totals->backends, "backend");
	print_count(", ", totals->addresses, "address");
	if (totals->listeners) {
		print_count(", ", totals->listeners, "listener");
		print_count(", ", totals->routes, "route");
	}
	putchar('\n');
}

static void print_errors(const struct options *options, const struct config_errors *errors)
{
	json_t *list = options->json ? json_array() : NULL, *json;
	char text[1024];
	size_t i;

	for (i = 0; i < errors->count; i++) {
		const struct config_error *error = &errors->list[i];

		safe_print(stderr, config_error_format(error, text, sizeof(text)));
		fputc('\n', stderr);
		if (list)
			json_array_append_new(list,
					      json_pack("{s:s, s:i, s:i, s:s}", "file", error->file,
							"line", error->line, "column",
							error->column, "text", error->text));
	}
	if (!list)
		return;
	json = json_pack("{s:b, s:o}", "ok", 0, "errors", list);
	output_json(options, json);
	json_decref(json);
}

static int check(const struct call *call)
{
	const char *path = call->argc ? call->argv[0] : DEFAULT_PATH;
	struct config_errors errors = {};
	struct config config;
	struct totals totals;
	int code;

	if (command_expect_args(call, 1))
		return EXIT_ERROR;
	code = config_load(path, &config, &errors);
	if (!code) {
		code = certificate_file_check_all(&config, path, &errors);
		if (code)
			config_fini(&config);
	}
	if (code) {
		print_errors(call->options, &errors);
		if (!errors.count)
			command_fail(call->options, "cannot load %s: %s", path, strerror(-code));
		config_errors_fini(&errors);
		return EXIT_ERROR;
	}
	totals = count(&config);
	print_totals(call->options, &totals);
	config_fini(&config);
	return EXIT_OK;
}

/* Prints the plan and says whether there is anything in it. */
static bool print_changes(const struct call *call, const json_t *answer)
{
	const json_t *changes = json_object_get(answer, "changes");

	if (call->options->json)
		output_json(call->options, answer);
	else if (!json_array_size(changes))
		puts("no changes");
	else
		output_changes(call->options, changes);
	return json_array_size(changes);
}

static int diff(const struct call *call)
{
	json_t *body, *answer;
	char *path = NULL;
	bool differs;

	if (command_expect_args(call, 1))
		return EXIT_ERROR;
	if (call->argc) {
		/* The agent has another working directory. */
		path = realpath(call->argv[0], NULL);
		if (!path)
			return command_fail(call->options, "%s: %s", call->argv[0],
					    strerror(errno));
	}
	body = json_pack("{s:s*}", "path", path);
	free(path);
	if (!body)
		return command_fail(call->options, "the path %s is not UTF-8", call->argv[0]);
	answer = list_ask(call, "/v1/config/diff", body);
	json_decref(body);
	if (!answer)
		return EXIT_ERROR;
	differs = print_changes(call, answer);
	json_decref(answer);
	return differs ? EXIT_DIFFERENT : EXIT_OK;
}

static int apply(const struct call *call)
{
	json_t *body, *answer;

	if (command_expect_args(call, 0))
		return EXIT_ERROR;
	body = json_object();
	answer = list_ask(call, "/v1/config/apply", body);
	json_decref(body);
	if (!answer)
		return EXIT_ERROR;
	print_changes(call, answer);
	if (!call->options->json)
		printf("applied: generation %" JSON_INTEGER_FORMAT "\n",
		       json_integer_value(json_object_get(answer, "generation")));
	json_decref(answer);
	return EXIT_OK;
}

static const struct verb verbs[] = {
	{"check", "[PATH]",
	 "Checks a file or directory (" DEFAULT_PATH ") without an agent: every error at once.",
	 check},
	{"diff", "[PATH]",
	 "Prints what applying the agent's files (or PATH) would change; exits with 2 if anything.",
	 diff},
	{"apply", "", "Has the agent read its files again, and prints what changed.", apply},
	{"get", "TENANT", "Prints a tenant's acl, pools and services as they are stored.",
	 object_get},
	{"set", "TENANT FILE|-|KEY=VALUE...",
	 "Replaces a tenant's acl, pools and services; single keys change only themselves.",
	 object_set},
	{"del", "TENANT", "Removes a tenant's acl, pools and services.", object_del},
	{},
};

const struct noun config_noun = {
	.name = "config",
	.help = "configuration files against what runs",
	.object = "/v1/tenants/{}/config",
	.verbs = verbs,
};
