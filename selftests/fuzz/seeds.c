// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Writes the fuzzers' first inputs: every frame that the tests of the program are written with, and
 * conversations by the grammar of selftests/host. `seeds PIPELINE PARSE`: a directory for each.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "selftests/host/grammar.h"
#include "selftests/host/host.h"

#define CONVERSATIONS 200
#define TURNS	      8

static FILE *create(const char *directory, const char *kind, size_t number)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s-%zu", directory, kind, number);
	file = fopen(path, "w");
	if (!file) {
		fprintf(stderr, "seeds: %s: %s\n", path, strerror(errno));
		exit(1);
	}
	return file;
}

/* As pipeline_fuzz.c reads it. */
static void put_packet(FILE *file, int how, int when, const struct frame *frame)
{
	fputc(how, file);
	fputc(when, file);
	fputc((int)(frame->length & 0xff), file);
	fputc((int)(frame->length >> 8), file);
	fwrite(frame->byte, 1, frame->length, file);
}

static void put_frame(const char *pipeline, const char *parse, size_t number)
{
	static struct frame frame;
	FILE *file = create(parse, "frame", number);

	grammar_build(&frame, host_frames[number]);
	fwrite(frame.byte, 1, frame.length, file);
	fclose(file);
	file = create(pipeline, "frame", number);
	put_packet(file, 0, 0, &frame);
	fclose(file);
}

static void put_conversation(const char *pipeline, size_t number)
{
	static struct frame frame;
	struct dice dice = {number};
	FILE *file = create(pipeline, "talk", number);
	char text[GRAMMAR_TEXT];

	for (int i = 0; i < TURNS; i++) {
		grammar_sentence(&dice, text);
		grammar_build(&frame, text);
		put_packet(file, (int)dice_throw(&dice, 8), (int)dice_throw(&dice, 256), &frame);
	}
	fclose(file);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: seeds PIPELINE-DIRECTORY PARSE-DIRECTORY\n");
		return 2;
	}
	mkdir(argv[1], 0777);
	mkdir(argv[2], 0777);
	for (size_t i = 0; i < host_frame_count; i++)
		put_frame(argv[1], argv[2], i);
	for (size_t i = 0; i < CONVERSATIONS; i++)
		put_conversation(argv[1], i);
	return 0;
}
