// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Writes the fuzzers' first inputs: every frame that the tests of the program are written with,
 * conversations by the grammar of selftests/host, and what smugglers send. `seeds DIRECTORY` makes
 * a directory NAME_fuzz.seeds for each in there.
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

static const char *root;

static FILE *create(const char *fuzzer, const char *kind, size_t number)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s_fuzz.seeds", root, fuzzer);
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/%s_fuzz.seeds/%s-%zu", root, fuzzer, kind, number);
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

static void put_frame(size_t number)
{
	static struct frame frame;
	FILE *file = create("parse", "frame", number);

	grammar_build(&frame, host_frames[number]);
	fwrite(frame.byte, 1, frame.length, file);
	fclose(file);
	file = create("pipeline", "frame", number);
	put_packet(file, 0, 0, &frame);
	fclose(file);
}

static void put_conversation(size_t number)
{
	static struct frame frame;
	struct dice dice = {number};
	FILE *file = create("pipeline", "talk", number);
	char text[GRAMMAR_TEXT];

	for (int i = 0; i < TURNS; i++) {
		grammar_sentence(&dice, text);
		grammar_build(&frame, text);
		put_packet(file, (int)dice_throw(&dice, 8), (int)dice_throw(&dice, 256), &frame);
	}
	fclose(file);
}

/* As h1_fuzz.c reads it: what it is to be taken for, how it is cut, the bytes. */
static void put_head(int kind, const char *bytes, size_t length)
{
	static size_t number;
	FILE *file = create("h1", "head", number++);

	fputc(kind, file);
	fputc(6, file);
	fwrite(bytes, 1, length, file);
	fclose(file);
}

static void put_heads(void)
{
#define REFUSED(error, bytes, why) put_head(0, bytes, sizeof(bytes) - 1);
#include "selftests/l7/smuggling/requests.def"
#undef REFUSED
#define REFUSED(error, bytes, why) put_head(1, bytes, sizeof(bytes) - 1);
#include "selftests/l7/smuggling/responses.def"
#undef REFUSED
}

/* As chunk_fuzz.c reads it: how it is cut, the bytes. */
static void put_body(const char *bytes, size_t length)
{
	static size_t number;
	FILE *file = create("chunk", "body", number++);

	fputc(6, file);
	fwrite(bytes, 1, length, file);
	fclose(file);
}

static void put_bodies(void)
{
	static const char good[] = "5;a=\"b\"\r\nhello\r\n06\r\n world\r\n0\r\nA: b\r\n\r\n";

	put_body(good, sizeof(good) - 1);
#define REFUSED(error, bytes, why) put_body(bytes, sizeof(bytes) - 1);
#include "selftests/l7/smuggling/chunked.def"
#undef REFUSED
}

static void put_proxy_header(const char *bytes, size_t length)
{
	static size_t number;
	FILE *file = create("proxy_header", "header", number++);

	fwrite(bytes, 1, length, file);
	fclose(file);
}

static void put_proxy_headers(void)
{
	static const char v4[] = "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n";
	static const char v6[] = "PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n";
	static const char unknown[] = "PROXY UNKNOWN\r\n";
	static const char binary[] =
		"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x1e\xc0\0\2\1\xc0\0\2\2\0\1\0\2"
		"\2\0\5a.com\3\0\4abcd\4\0\0";

	put_proxy_header(v4, sizeof(v4) - 1);
	put_proxy_header(v6, sizeof(v6) - 1);
	put_proxy_header(unknown, sizeof(unknown) - 1);
	put_proxy_header(binary, sizeof(binary) - 1);
}

static void put_bytes(const char *fuzzer, const char *bytes, size_t length)
{
	static size_t number;
	FILE *file = create(fuzzer, "bytes", number++);

	fwrite(bytes, 1, length, file);
	fclose(file);
}

/* Paths; a ClientHello in one record, and in two. */
static void put_targets(void)
{
	static const char path[] = "/a/./%62%2fc/../d;e=f/%c3%a9//g/";
	static const char whole[] = "\x16\3\1\0\x4c\1\0\0\x48\3\3"
				    "01234567890123456789012345678901"
				    "\0\0\2\x13\1\1\0\0\x1d"
				    "\0\0\0\x0e\0\x0c\0\0\x09"
				    "a.example"
				    "\0\x10\0\x07\0\5\2h2\1x";
	static const char cut[] = "\x16\3\1\0\1\1\x16\3\1\0\x2d\0\0\x2a\3\3"
				  "01234567890123456789012345678901"
				  "\0\0\2\x13\1\1\0\0\0";

	put_bytes("uri", path, sizeof(path) - 1);
	put_bytes("hello", whole, sizeof(whole) - 1);
	put_bytes("hello", cut, sizeof(cut) - 1);
}

/* As prober_fuzz.c reads it: the kind, and an answer. */
static void put_answer(int kind, const char *bytes, size_t length)
{
	static size_t number;
	FILE *file = create("prober", "answer", number++);

	fputc(kind, file);
	fwrite(bytes, 1, length, file);
	fclose(file);
}

#define ANSWER(kind, bytes) put_answer(kind, bytes, sizeof(bytes) - 1)

static void put_answers(void)
{
	ANSWER(0, "\x81\0\xc0\xde\0\1\0\7sixteen bytes ok");
	ANSWER(1, "\x45\0\0\x2c\0\0\0\0\x40\1\0\0\x0a\0\0\1\x0a\0\0\2\0\0\xc0\xde\0\1\0\7"
		  "sixteen bytes ok");
	for (int kind = 2; kind < 4; kind++) {
		ANSWER(kind, "HTTP/1.1 200 OK\r\nX-Ready:  yes \r\nServer: a\r\n\r\nall is well");
		ANSWER(kind, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nx-ready: "
			     "yes\r\n\r\n");
		ANSWER(kind, "HTTP/1.1 503 Service Unavailable\r\nx-ready: no\r\n\r\nwe");
	}
	/* SETTINGS; HEADERS with :status 200; DATA with SERVING, the stream's end */
	ANSWER(4, "\0\0\0\4\0\0\0\0\0"
		  "\0\0\1\1\4\0\0\0\1\x88"
		  "\0\0\7\0\1\0\0\0\1\0\0\0\0\2\x08\1");
	ANSWER(4, "\0\0\0\4\0\0\0\0\0\0\0\1\1\5\0\0\0\1\x8d"); /* and 404 alone */
	ANSWER(4, "\0\0\x08\7\0\0\0\0\0\0\0\0\0\0\0\0\2");     /* GOAWAY */
	ANSWER(5, "\n \tno database\x1b[2J\r\nmore\n");
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: seeds DIRECTORY\n");
		return 2;
	}
	root = argv[1];
	for (size_t i = 0; i < host_frame_count; i++)
		put_frame(i);
	for (size_t i = 0; i < CONVERSATIONS; i++)
		put_conversation(i);
	put_heads();
	put_bodies();
	put_proxy_headers();
	put_targets();
	put_answers();
	return 0;
}
