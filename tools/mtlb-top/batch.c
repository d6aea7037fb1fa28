// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "batch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "view.h"

/* Blanks at the end of a line are not printed: they wait until something follows them. */
struct printer {
	unsigned blanks;
};

static void put(void *context, enum tone tone, const char *text)
{
	struct printer *printer = context;

	(void)tone;
	for (; *text; text++) {
		if (*text == ' ') {
			printer->blanks++;
			continue;
		}
		printf("%*s%c", (int)printer->blanks, "", *text);
		printer->blanks = 0;
	}
}

static void end_line(struct pen *pen)
{
	((struct printer *)pen->context)->blanks = 0;
	putchar('\n');
}

static void print(struct pen *pen, const struct board *board, const struct state *state,
		  const struct view_source *source, const struct list *list)
{
	view_node(pen, board, state, source);
	end_line(pen);
	view_traffic(pen, board, state);
	end_line(pen);
	view_room(pen, board);
	end_line(pen);
	view_titles(pen, state);
	end_line(pen);
	for (size_t i = 0; i < list->count; i++) {
		view_row(pen, state, list->rows[i].entity, false);
		end_line(pen);
	}
	putchar('\n');
	fflush(stdout);
}

static void pause_until(const struct timespec *began, double seconds)
{
	struct timespec until = *began;
	double whole = (double)(time_t)seconds;

	until.tv_sec += (time_t)seconds;
	until.tv_nsec += (long)((seconds - whole) * 1e9);
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

/* What a panel shows, and all there is for a recording. */
static struct source_wish wish_of(const struct options *options)
{
	return (struct source_wish){
		.kinds = options->record ? ~0U : panels[options->panel]->kinds,
	};
}

struct batch {
	const struct options *options;
	struct source *source;
	struct record *record;
	struct sample sample;
	struct board board;
	struct state state;
	struct list list;
	struct printer printer;
	unsigned long printed;
	bool lost;
};

static int take_sample(struct batch *batch, struct err *err)
{
	struct view_source source = {.replay = batch->options->replay,
				     .every = batch->options->every};
	struct pen pen = {.put = put,
			  .context = &batch->printer,
			  .utf8 = batch->options->utf8,
			  .width = batch->options->width};
	int code = record_write(batch->record, &batch->sample, err);
	bool first = !batch->board.samples;

	if (code)
		return code;
	if (board_update(&batch->board, &batch->sample) ||
	    state_list(&batch->state, &batch->board, &batch->list))
		return err_set(err, -ENOMEM, "no memory for what was seen");
	if (first)
		return 0;
	print(&pen, &batch->board, &batch->state, &source, &batch->list);
	batch->printed++;
	return ferror(stdout) ? err_set(err, -EIO, "cannot write: %s", strerror(errno)) : 0;
}

/* An agent that was there and is not any more may come back; one that never was is an error. */
static bool may_wait(struct batch *batch, int code, const struct err *err)
{
	if (batch->source->paced || !batch->board.samples || code == -ENOMEM)
		return false;
	if (!batch->lost)
		fprintf(stderr, "mtlb-top: trying again: %s\n", err->text);
	batch->lost = true;
	return true;
}

static int run(struct batch *batch, struct err *err)
{
	struct source_wish wish = wish_of(batch->options);
	int code = 0;

	while (!code && (!batch->options->count || batch->printed < batch->options->count)) {
		struct timespec began;

		clock_gettime(CLOCK_MONOTONIC, &began);
		code = batch->source->next(batch->source, &wish, &batch->sample, err);
		if (!code) {
			batch->lost = false;
			code = take_sample(batch, err);
		} else if (may_wait(batch, code, err)) {
			code = 0;
		}
		if (!code && !batch->source->paced && batch->printed != batch->options->count)
			pause_until(&began, batch->options->every);
	}
	return code == -ENODATA ? 0 : code;
}

int batch_run(const struct options *options, struct source *source, struct record *record,
	      struct err *err)
{
	struct batch batch = {.options = options, .source = source, .record = record};
	int code;

	state_init(&batch.state);
	batch.state.panel = options->panel;
	code = run(&batch, err);
	list_fini(&batch.list);
	board_fini(&batch.board);
	sample_fini(&batch.sample);
	return code;
}
