// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * mtlb-top: who uses a node, looked at each second. A client of the agent's API and nothing more:
 * it opens no map and needs no privilege but to reach the socket.
 */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "../../userspace/base/version.h"
#include "batch.h"
#include "screen.h"
#include "words.h"

static int run(const struct options *options, struct err *err)
{
	struct source *source = options->replay ? source_replay_new(options->replay, err)
						: source_api_new(options->socket, err);
	struct record record;
	struct err late = {};
	int code;

	if (!source)
		return -EINVAL;
	code = record_open(&record, options->record, err);
	if (!code) {
		code = options->batch ? batch_run(options, source, &record, err)
				      : screen_run(options, source, &record, err);
		if (record_close(&record, &late) && !code) {
			*err = late;
			code = -EIO;
		}
	}
	source->free(source);
	words_fini();
	return code;
}

int main(int argc, char **argv)
{
	struct options options;
	struct err err = {};
	int code;

	setlocale(LC_CTYPE, "");
	code = options_parse(argc, argv, &options, &err);
	if (!code && options.help)
		fputs(options_usage, stdout);
	else if (!code && options.version)
		printf("mtlb-top %s\n", version_text);
	else if (!code)
		code = run(&options, &err);
	if (code)
		fprintf(stderr, "mtlb-top: %s\n", err.text);
	/* A table that was cut short by a full disk must not look like a whole one. */
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "mtlb-top: cannot write: %s\n", strerror(errno));
		code = -EIO;
	}
	return code ? 1 : 0;
}
