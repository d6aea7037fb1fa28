// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "output.h"
#include "safe.h"

static const char *const level_names[] = {"ok", "warn", "bad"};

void doctor_say(struct doctor *doctor, const char *check, enum doctor_level level,
		const char *remedy, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	doctor->bad += level == DOCTOR_BAD;
	json_array_append_new(doctor->findings, json_pack("{s:s,s:s,s:s,s:s*}", "check", check,
							  "level", level_names[level], "sentence",
							  text ? text : format, "remedy", remedy));
	free(text);
}

FILE *doctor_open(const struct doctor *doctor, const char *path)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "%s%s", doctor->root, path);
	return fopen(whole, "re");
}

static void print_finding(const struct options *options, const json_t *finding)
{
	const char *level = json_string_value(json_object_get(finding, "level"));
	const char *remedy = json_string_value(json_object_get(finding, "remedy"));

	output_state(options, level);
	printf("%*s%-10s  ", (int)(6 - strlen(level)), "",
	       json_string_value(json_object_get(finding, "check")));
	safe_print(stdout, json_string_value(json_object_get(finding, "sentence")));
	putchar('\n');
	if (remedy) {
		printf("%18sDo: ", "");
		safe_print(stdout, remedy);
		putchar('\n');
	}
}

static void print_findings(const struct doctor *doctor)
{
	const struct options *options = doctor->call->options;
	const json_t *finding;
	json_t *all;
	size_t i;

	if (options->json) {
		all = json_pack("{s:b,s:O}", "ok", !doctor->bad, "findings", doctor->findings);
		output_json(options, all);
		json_decref(all);
		return;
	}
	json_array_foreach (doctor->findings, i, finding)
		print_finding(options, finding);
}

static int run(const struct call *call)
{
	struct doctor doctor = {.call = call, .directory = call->options->bpffs, .root = ""};

	if (command_expect_args(call, 0))
		return EXIT_ERROR;
	doctor.findings = json_array();
	doctor_look_at_host(&doctor);
	doctor_look_at_links(&doctor);
	doctor_look_at_agent(&doctor);
	print_findings(&doctor);
	json_decref(doctor.findings);
	return doctor.bad ? EXIT_ERROR : EXIT_OK;
}

const struct noun doctor_noun = {
	.name = "doctor",
	.help = "why this node does not forward, if so, and what to do; exits with 1 when it is "
		"bad",
	.args = "",
	.run = run,
};
