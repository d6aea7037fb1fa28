// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The access log: a line for each request, JSON whatever clients send, and no tenant's flood pushes
 * out another one's lines. */
#include "proxy_fixture.h"

#include <jansson.h>
#include <signal.h>

#include "userspace/proxy/line.h"
#include "userspace/wire/trace.h"

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define PARENT	  "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static int reading;
static char said[1 << 20];
static size_t said_length;

static void open_log(uint32_t sample, bool query)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	reading = ends[0];
	said_length = 0;
	assert_int_equal(
		access_log_open(&worker.log, ends[1], sample, query, worker.tally.tenants_count),
		0);
}

static void pull(void)
{
	ssize_t n = read(reading, said + said_length, sizeof(said) - said_length - 1);

	said_length += n > 0 ? (size_t)n : 0;
	said[said_length] = 0;
}

static bool has_lines(void *context)
{
	size_t lines = 0;

	pull();
	for (const char *at = said; (at = strchr(at, '\n')); at++)
		lines++;
	return lines >= *(size_t *)context;
}

/* The last one of so many. */
static json_t *line_of(size_t number)
{
	char *at = said, *end;
	json_t *read;

	run_until(has_lines, &number);
	while (--number)
		at = strchr(at, '\n') + 1;
	end = strchr(at, '\n');
	read = json_loadb(at, (size_t)(end - at), 0, NULL);
	assert_non_null(read);
	return read;
}

static const char *text(const json_t *line, const char *key)
{
	return json_string_value(json_object_get(line, key));
}

static json_int_t number(const json_t *line, const char *key)
{
	json_t *value = json_object_get(line, key);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static void a_line_says_what_was(void **state)
{
	const char *request =
		"GET /a%20b?secret=1 HTTP/1.1\r\nHost: acme.example\r\ntraceparent: " PARENT
		"\r\ntracestate: x=y\r\n\r\n";
	struct peer *client, *backend;
	json_t *line;

	(void)state;
	open_log(1, false);
	client = client_new();
	say(client, request);
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	/* nobody trusts this client: the trace begins here */
	assert_null(strstr(backend->data, "0af7651916cd43dd8448eb211c80319c"));
	assert_null(strstr(backend->data, "tracestate"));
	assert_non_null(strstr(backend->data, "\r\ntraceparent: 00-"));
	say(backend, OK_ANSWER);
	expect_text(client, "hello");
	line = line_of(1);
	assert_string_equal(text(line, "tenant"), "acme");
	assert_string_equal(text(line, "route"), "all");
	assert_string_equal(text(line, "pool"), "one");
	assert_string_equal(text(line, "host"), "acme.example");
	assert_string_equal(text(line, "method"), "GET");
	assert_string_equal(text(line, "path"), "/a%20b");
	assert_string_equal(text(line, "client"), CLIENT_TEXT);
	assert_null(json_object_get(line, "query"));
	assert_null(json_object_get(line, "refused"));
	assert_int_equal(number(line, "status"), 200);
	assert_int_equal(number(line, "bytesIn"), strlen(request));
	assert_int_equal(number(line, "bytesOut"), client->length);
	assert_int_equal(number(line, "retries"), 0);
	assert_non_null(strstr(text(line, "member"), "127.0.0.1:"));
	assert_non_null(strstr(backend->data, text(line, "trace")));
	assert_true(json_is_real(json_object_get(line, "seconds")));
	assert_true(json_is_real(json_object_get(line, "connectSeconds")));
	assert_true(json_is_real(json_object_get(line, "firstByteSeconds")));
	assert_int_equal(worker.tally.tenants[1].lines, 1);
	json_decref(line);
	peer_free(client);
	peer_free(backend);
	close(reading);
}

static void a_trusted_peers_trace_goes_on(void **state)
{
	struct peer *client, *backend;
	json_t *line;

	(void)state;
	use_image("198.51.100.0/24", NULL);
	open_log(1, false);
	client = client_new();
	say(client, "GET / HTTP/1.1\r\nHost: acme.example\r\ntraceparent: " PARENT
		    "\r\ntracestate: x=y\r\n\r\n");
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	assert_non_null(strstr(backend->data, "traceparent: 00-0af7651916cd43dd8448eb211c80319c-"));
	assert_null(strstr(backend->data, "b7ad6b7169203331")); /* the parent is this worker */
	assert_non_null(strstr(backend->data, "tracestate: x=y"));
	say(backend, OK_ANSWER);
	expect_text(client, "hello");
	line = line_of(1);
	assert_string_equal(text(line, "trace"), "0af7651916cd43dd8448eb211c80319c");
	json_decref(line);
	peer_free(client);
	peer_free(backend);
	close(reading);
}

static void who_takes_no_part_changes_nothing(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	say(client, "GET / HTTP/1.1\r\nHost: acme.example\r\ntraceparent: " PARENT "\r\n\r\n");
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	assert_non_null(strstr(backend->data, "traceparent: " PARENT));
	peer_free(backend);
	peer_free(client);
}

static void refusals_have_lines(void **state)
{
	struct peer *client;
	json_t *line;

	(void)state;
	open_log(1, true);
	client = client_new();
	say(client, "GET /x?a=1 HTTP/1.1\r\nHost: other.example\r\n\r\n");
	expect_text(client, "404");
	line = line_of(1);
	assert_int_equal(number(line, "status"), 404);
	assert_string_equal(text(line, "refused"), "no_route");
	assert_string_equal(text(line, "query"), "a=1");
	assert_null(json_object_get(line, "tenant"));
	json_decref(line);
	say(client, "no request at all\r\n\r\n");
	line = line_of(2);
	assert_string_equal(text(line, "refused"), "bad_request");
	json_decref(line);
	peer_free(client);
	close(reading);
}

static void one_of_so_many(void **state)
{
	struct peer *client;
	size_t two = 2;

	(void)state;
	open_log(3, false);
	client = client_new();
	for (int i = 0; i < 6; i++) {
		say(client, "GET / HTTP/1.1\r\nHost: other.example\r\n\r\n");
		expect_text(client, "404");
		peer_clear(client);
	}
	run_until(has_lines, &two);
	assert_int_equal(worker.tally.tenants[0].lines, 2);
	peer_free(client);
	close(reading);
}

/* Nobody reads: one floods, and another one's line is there when somebody reads again. */
static void a_flood_leaves_room(void **state)
{
	static char flood[1000], line[] = "the other one's\n";
	unsigned put = 0;

	(void)state;
	open_log(1, false);
	memset(flood, 'f', sizeof(flood) - 1);
	flood[sizeof(flood) - 1] = '\n';
	while (access_log_put(&worker.log, 1, flood, sizeof(flood)))
		assert_true(++put < 10000);
	assert_true(put > ACCESS_LOG_ROOM / 2 / sizeof(flood));
	for (int i = 0; i < 1000; i++)
		assert_true(access_log_put(&worker.log, 2, line, strlen(line)));
	assert_false(access_log_put(&worker.log, 1, flood, sizeof(flood)));
	assert_false(access_log_put(&worker.log, worker.tally.tenants_count, line, 1));
	access_log_close(&worker.log);
	close(reading);
}

/* Who reads goes away: the worker does not mind. */
static void nobody_reads(void **state)
{
	struct peer *client;

	(void)state;
	open_log(1, false);
	close(reading);
	signal(SIGPIPE, SIG_IGN);
	client = client_new();
	for (int i = 0; i < 3; i++) {
		say(client, "GET / HTTP/1.1\r\nHost: other.example\r\n\r\n");
		expect_text(client, "404");
		peer_clear(client);
	}
	peer_free(client);
}

static void any_bytes_are_json(void **state)
{
	char bytes[256], all[2048];
	struct line line = {.at = all, .size = sizeof(all)};
	json_t *read;

	(void)state;
	for (int i = 0; i < 256; i++)
		bytes[i] = (char)i;
	line_raw(&line, "{", 1);
	line_text(&line, "a", bytes, 256, 256);
	line_text(&line, "b", "longer than that", 16, 6);
	line_null(&line, "c");
	line_raw(&line, "}", 1);
	read = json_loadb(all, line.used, JSON_ALLOW_NUL, NULL);
	assert_non_null(read);
	/* byte for byte, as characters of Latin-1, two bytes of UTF-8 from 128 on */
	assert_int_equal(json_string_length(json_object_get(read, "a")), 128 + 2 * 128);
	assert_string_equal(text(read, "b"), "longer");
	assert_true(json_is_null(json_object_get(read, "c")));
	json_decref(read);
	/* no room: nothing, rather than half of it */
	line = (struct line){.at = all, .size = 20};
	line_text(&line, "a", bytes, 100, 100);
	line_number(&line, "b", UINT64_MAX);
	line_number(&line, "c", 1);
	assert_int_equal(line.used, strlen("\"c\":1"));
}

static void traces_are_of_one_form(void **state)
{
	static const char *const bad[] = {
		"",
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
		"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
		"00-00000000000000000000000000000000-b7ad6b7169203331-01",
		"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
		"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.more",
		"00-0af7651916cd43dd8448eb211c80319cxb7ad6b7169203331-01",
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333g-01",
	};
	const char *later = "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03-more";
	const uint64_t none[2] = {0, 0};
	char id[TRACE_ID_LENGTH], written[TRACE_PARENT_LENGTH + 1];
	uint8_t flags = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(trace_parse((struct h1_text){bad[i], strlen(bad[i])}, id, &flags));
	assert_true(trace_parse((struct h1_text){PARENT, strlen(PARENT)}, id, &flags));
	assert_int_equal(flags, 1);
	assert_true(trace_parse((struct h1_text){later, strlen(later)}, id, &flags));
	assert_int_equal(flags, 3);
	trace_format(id, 0xb7ad6b7169203331, 1, written);
	assert_string_equal(written, PARENT);
	trace_begin(none, id);
	trace_format(id, 0, 0, written);
	assert_true(trace_parse((struct h1_text){written, strlen(written)}, id, &flags));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proxy_test(a_line_says_what_was),
		proxy_test(a_trusted_peers_trace_goes_on),
		proxy_test(who_takes_no_part_changes_nothing),
		proxy_test(refusals_have_lines),
		proxy_test(one_of_so_many),
		proxy_test(a_flood_leaves_room),
		proxy_test(nobody_reads),
		cmocka_unit_test(any_bytes_are_json),
		cmocka_unit_test(traces_are_of_one_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
