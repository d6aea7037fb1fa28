// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "audit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../userspace/model/chain.h"
#include "command.h"
#include "output.h"

#define DEFAULT_PATH "/etc/mtlb/api.d/audit.log"

struct chain {
	size_t lines;
	json_int_t sequence;		/* of the last line */
	char begins[DIGEST_TEXT_MAX];	/* what the first line says was before it */
	char previous[DIGEST_TEXT_MAX]; /* digest of the last line */
	char wrong[256];		/* the first thing that is; empty: nothing */
};

static bool is_digest(const char *text)
{
	return text && strlen(text) == DIGEST_TEXT_MAX - 1;
}

/* False when the chain ends here; then chain->wrong says why. */
static bool follow(struct chain *chain, const char *line)
{
	json_t *record = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	const char *previous = json_string_value(json_object_get(record, "previous"));
	json_int_t sequence = json_integer_value(json_object_get(record, "sequence"));

	chain->lines++;
	if (!is_digest(previous) || sequence <= 0)
		snprintf(chain->wrong, sizeof(chain->wrong), "is no line of an audit log");
	else if (chain->lines == 1)
		strcpy(chain->begins, previous);
	else if (strcmp(previous, chain->previous) != 0)
		snprintf(chain->wrong, sizeof(chain->wrong),
			 "does not follow line %zu: one of them was altered, or what was between "
			 "them is gone",
			 chain->lines - 1);
	else if (sequence != chain->sequence + 1)
		snprintf(chain->wrong, sizeof(chain->wrong),
			 "has number %" JSON_INTEGER_FORMAT " after %" JSON_INTEGER_FORMAT,
			 sequence, chain->sequence);
	json_decref(record);
	chain->sequence = sequence;
	chain_digest(line, chain->previous);
	return !chain->wrong[0];
}

static int read_chain(FILE *file, struct chain *chain)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t length;

	while ((length = getline(&line, &room, file)) > 0) {
		if (line[length - 1] != '\n') {
			chain->lines++;
			snprintf(chain->wrong, sizeof(chain->wrong), "was cut short");
			break;
		}
		line[length - 1] = 0;
		if (!follow(chain, line))
			break;
	}
	free(line);
	return ferror(file) ? -EIO : 0;
}

static int tell(const struct call *call, const char *path, const struct chain *chain)
{
	json_t *json;

	if (chain->wrong[0])
		return command_fail(call->options, "%s:%zu: %s", path, chain->lines, chain->wrong);
	if (call->options->json) {
		json = json_pack("{s:b,s:I,s:s,s:s}", "ok", 1, "lines", (json_int_t)chain->lines,
				 "begins", chain->begins, "head", chain->previous);
		output_json(call->options, json);
		json_decref(json);
		return EXIT_OK;
	}
	printf("ok: %zu lines, each follows the one before\n", chain->lines);
	if (strspn(chain->begins, "0") != strlen(chain->begins))
		printf("begins after %s, the last line of another file\n", chain->begins);
	if (chain->lines)
		printf("head %s\n", chain->previous);
	return EXIT_OK;
}

/* What is kept elsewhere of the last line tells whether lines were taken off the end. */
static int check_head(const struct call *call, const char *path, const struct chain *chain,
		      const char *head)
{
	if (head && !chain->wrong[0] && strcmp(head, chain->previous) != 0)
		return command_fail(call->options,
				    "%s: its head is %s, not %s: lines were added, taken off or "
				    "altered since",
				    path, chain->previous, head);
	return tell(call, path, chain);
}

int audit_run(const struct call *call)
{
	const char *path = DEFAULT_PATH, *head = NULL;
	struct chain chain = {};
	int code, i = 1;
	FILE *file;

	if (!call->argc || strcmp(call->argv[0], "verify") != 0)
		return command_misused(call, "the only thing to do with it is verify");
	if (i < call->argc && strcmp(call->argv[i], "head") != 0)
		path = call->argv[i++];
	if (i + 1 < call->argc && !strcmp(call->argv[i], "head")) {
		head = call->argv[i + 1];
		i += 2;
	}
	if (command_expect_args(call, i))
		return EXIT_ERROR;
	file = fopen(path, "re");
	if (!file)
		return command_fail(call->options, "%s: %s", path, strerror(errno));
	code = read_chain(file, &chain);
	fclose(file);
	if (code)
		return command_fail(call->options, "%s: %s", path, strerror(-code));
	return check_head(call, path, &chain, head);
}
