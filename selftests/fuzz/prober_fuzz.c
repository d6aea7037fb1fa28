// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What backends answer the prober: the first byte says which kind. A ping's reply is one only when
 * its secret can be in it; an answer of HTTP gets a verdict that holds however it is cut, and says
 * why; a gRPC call ends, or goes on; of what a script says, a line that can be printed is kept.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/prober/grpc_call.h"
#include "userspace/prober/http_answer.h"
#include "userspace/prober/script_line.h"
#include "userspace/wire/echo.h"

#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static void take_ping(const uint8_t *bytes, size_t length, bool ipv4)
{
	struct echo echo;

	if (!echo_read(bytes, length, ipv4, &echo))
		return;
	REQUIRE(length >= sizeof(echo) + (ipv4 ? 20 : 0));
	REQUIRE(memmem(bytes, length, echo.secret, sizeof(echo.secret)));
}

/* Lines as libcurl gives them, each with its end; a body in pieces of that many bytes. */
static struct http_answer take_answer(const struct probe_question *question, const char *bytes,
				      size_t length, size_t piece)
{
	struct http_answer answer = {.question = question};
	bool more = true;
	long status = 0;

	while (more && length) {
		const char *end = memchr(bytes, '\n', length);
		size_t line = end ? (size_t)(end - bytes) + 1 : length;

		if (line >= 12 && memcmp(bytes, "HTTP/", 5) == 0)
			status =
				(bytes[9] - '0') * 100L + (bytes[10] - '0') * 10L + bytes[11] - '0';
		more = http_answer_header(&answer, bytes, line, status);
		bytes += line;
		length -= line;
		if (line <= 2 && status >= 200)
			break;
	}
	while (more && length) {
		size_t now = length < piece ? length : piece;

		more = http_answer_body(&answer, bytes, now) == 0;
		bytes += now;
		length -= now;
	}
	http_answer_fini(&answer);
	return answer;
}

static void take_http(const uint8_t *bytes, size_t length, bool with_body)
{
	struct probe_question question = {.status_first = 200, .status_last = 299};
	struct http_answer whole, cut;

	question.text[PROBE_TEXT_HEADER] = "x-ready: yes";
	question.length[PROBE_TEXT_HEADER] = 12;
	question.text[PROBE_TEXT_BODY] = "well";
	question.length[PROBE_TEXT_BODY] = with_body ? 4 : 0;
	whole = take_answer(&question, (const char *)bytes, length, length);
	cut = take_answer(&question, (const char *)bytes, length, 3);
	REQUIRE(whole.verdict == cut.verdict && !strcmp(whole.why, cut.why));
	REQUIRE((whole.verdict == HTTP_BAD) == (whole.why[0] != 0));
	REQUIRE(strnlen(whole.why, sizeof(whole.why)) < sizeof(whole.why));
}

static void take_grpc(const uint8_t *bytes, size_t length)
{
	enum grpc_call_state state = GRPC_CALL_OPEN;
	char why[PROBES_ERROR_MAX] = "";
	struct grpc_call call;
	uint8_t out[4096];

	REQUIRE(!grpc_call_init(&call, "orders.example", "orders", 6));
	REQUIRE(grpc_call_send(&call, out, sizeof(out)) > 0);
	while (length && state == GRPC_CALL_OPEN) {
		size_t now = length < 512 ? length : 512;

		state = grpc_call_take(&call, bytes, now, why, sizeof(why));
		bytes += now;
		length -= now;
		if (state == GRPC_CALL_OPEN && grpc_call_send(&call, out, sizeof(out)) < 0)
			break;
	}
	REQUIRE((state == GRPC_CALL_BAD) == (why[0] != 0));
	REQUIRE(call.answer_length <= sizeof(call.answer));
	grpc_call_fini(&call);
}

static void take_line(const uint8_t *bytes, size_t length)
{
	struct script_line whole = {}, cut = {};

	script_line_take(&whole, (const char *)bytes, length);
	for (size_t i = 0; i < length; i++)
		script_line_take(&cut, (const char *)bytes + i, 1);
	REQUIRE(!strcmp(whole.text, cut.text) && whole.ended == cut.ended);
	REQUIRE(strlen(whole.text) == whole.length);
	for (size_t i = 0; i < whole.length; i++)
		REQUIRE(whole.text[i] >= ' ' && whole.text[i] <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	if (!length)
		return 0;
	switch (bytes[0] % 6) {
	case 0:
	case 1:
		take_ping(bytes + 1, length - 1, bytes[0] % 6);
		break;
	case 2:
	case 3:
		take_http(bytes + 1, length - 1, bytes[0] % 6 == 3);
		break;
	case 4:
		take_grpc(bytes + 1, length - 1);
		break;
	default:
		take_line(bytes + 1, length - 1);
	}
	return 0;
}
