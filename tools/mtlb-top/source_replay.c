// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Samples out of a file; what is wrong with it is said with its place. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "source.h"

struct replay {
	struct source source;
	struct parse parse;
	FILE *file;
	char *path, *line;
	size_t room, number;
};

static int next(struct source *source, const struct source_wish *wish, struct sample *sample,
		struct err *err)
{
	struct replay *replay = (struct replay *)source;
	ssize_t length;
	int code = 0;

	(void)wish; /* there is what there is */
	while (!code && (length = getline(&replay->line, &replay->room, replay->file)) >= 0) {
		replay->number++;
		if (length && replay->line[length - 1] == '\n')
			length--;
		code = parse_line(&replay->parse, replay->line, (size_t)length, sample, err);
	}
	if (code == 1)
		return 0;
	if (!code && ferror(replay->file))
		return err_set(err, -EIO, "cannot read %s: %s", replay->path, strerror(errno));
	if (!code)
		code = parse_end(&replay->parse, err);
	if (code)
		err_prefix(err, "%s:%zu", replay->path, replay->number);
	return code ? code : -ENODATA;
}

static void done(struct source *source)
{
	struct replay *replay = (struct replay *)source;

	if (replay->file)
		fclose(replay->file);
	free(replay->path);
	free(replay->line);
	free(replay);
}

struct source *source_replay_new(const char *path, struct err *err)
{
	struct replay *replay = calloc(1, sizeof(*replay));

	if (replay)
		replay->path = strdup(path);
	if (!replay || !replay->path) {
		free(replay);
		err_set(err, -ENOMEM, "no memory for the recording");
		return NULL;
	}
	replay->source = (struct source){.next = next, .free = done, .paced = true};
	replay->file = fopen(path, "re");
	if (replay->file)
		return &replay->source;
	err_set(err, -errno, "cannot read the recording %s: %s", path, strerror(errno));
	done(&replay->source);
	return NULL;
}
