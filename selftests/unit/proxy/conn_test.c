// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/proxy/conn*.c: requests and answers of every kind, and how either side can fail. */
#include "proxy_fixture.h"

#define GET "GET /a?b=c HTTP/1.1\r\nHost: acme.example\r\n\r\n"

static void test_request_and_answer(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	say(client, "GET /a?b=c HTTP/1.1\r\nHost: acme.example\r\nX-Forwarded-For: 1.2.3.4\r\n"
		    "Forwarded: for=1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\nConnection: close, X-Hop\r\n"
		    "X-Hop: 1\r\nX-Own: kept\r\n\r\n");
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	assert_string_equal(backend->data,
			    "GET /a?b=c HTTP/1.1\r\nHost: acme.example\r\nX-Own: kept\r\n"
			    "X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: http\r\n"
			    "X-Forwarded-Host: acme.example\r\n"
			    "Forwarded: for=198.51.100.7;host=\"acme.example\";proto=http\r\n\r\n");
	say(backend, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nKeep-Alive: 1\r\n"
		     "Connection: keep-alive\r\n\r\nhello");
	expect_end(client);
	assert_string_equal(client->data, "HTTP/1.1 200 OK\r\nConnection: close\r\n"
					  "Content-Length: 5\r\n\r\nhello");
	peer_free(client);
	peer_free(backend);
}

static void test_trusted_client(void **state)
{
	struct peer *client, *backend;

	(void)state;
	use_image("198.51.100.0/24", NULL);
	client = client_new();
	say(client, "GET / HTTP/1.1\r\nHost: acme.example\r\nX-Forwarded-For: 1.2.3.4\r\n"
		    "X-Forwarded-Proto: https\r\nX-Forwarded-Host: other.example\r\n"
		    "Forwarded: for=1.2.3.4\r\n\r\n");
	backend = backend_accept(0);
	expect_text(backend, "X-Forwarded-For: 1.2.3.4, 198.51.100.7\r\n"
			     "X-Forwarded-Proto: https\r\nX-Forwarded-Host: other.example\r\n"
			     "Forwarded: for=1.2.3.4, for=198.51.100.7;host=\"acme.example\"");
	peer_free(client);
	peer_free(backend);
}

static void test_connections_are_kept(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	say(client, GET);
	backend = backend_accept(0);
	for (int i = 0; i < 3; i++) {
		expect_text(backend, "\r\n\r\n");
		peer_clear(backend);
		say(backend, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
		expect_text(client, "\r\n\r\nok");
		peer_clear(client);
		say(client, GET);
	}
	expect_text(backend, "\r\n\r\n");
	assert_true(nobody_waits(0));
	assert_int_equal(worker.counts.requests, 4);
	peer_free(client);
	peer_free(backend);
}

static void test_pipelining(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	say(client, "GET /1 HTTP/1.1\r\nHost: acme.example\r\n\r\n"
		    "POST /2 HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 3\r\n\r\nabc"
		    "GET /3 HTTP/1.1\r\nHost: acme.example\r\n\r\n");
	backend = backend_accept(0);
	expect_text(backend, "GET /1 ");
	expect_text(backend, "\r\n\r\n");
	assert_null(strstr(backend->data, "/2"));
	say(backend, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
	expect_text(backend, "POST /2 ");
	expect_text(backend, "\r\n\r\nabc");
	say(backend, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2");
	expect_text(backend, "GET /3 ");
	say(backend, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n3");
	expect_text(client, "\r\n\r\n3");
	assert_true(strstr(client->data, "\r\n\r\n1HTTP"));
	assert_true(strstr(client->data, "\r\n\r\n2HTTP"));
	peer_free(client);
	peer_free(backend);
}

static void test_chunks_both_ways(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	say(client, "POST / HTTP/1.1\r\nHost: acme.example\r\nTransfer-Encoding: chunked\r\n\r\n"
		    "3;extension=1\r\nabc\r\n");
	backend = backend_accept(0);
	expect_text(backend, "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
	say(client, "2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n");
	expect_text(backend, "2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n");
	say(backend, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
	expect_text(client, "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
	peer_clear(backend);
	say(client, GET);
	expect_text(backend, "GET /a"); /* on the same connection */
	peer_free(client);
	peer_free(backend);
}

static void test_body_until_close(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	say(client, GET);
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	say(backend, "HTTP/1.0 200 OK\r\n\r\nuntil the end");
	peer_free(backend);
	expect_text(client, "0\r\n\r\n");
	assert_string_equal(client->data, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
					  "d\r\nuntil the end\r\n0\r\n\r\n");
	peer_free(client);

	client = client_new();
	say(client, "GET / HTTP/1.0\r\nHost: acme.example\r\nConnection: keep-alive\r\n\r\n");
	backend = backend_accept(0);
	expect_text(backend, "GET / HTTP/1.1\r\n");
	say(backend, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
	expect_end(client);
	assert_string_equal(client->data, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc");
	peer_free(client);
	peer_free(backend);
}

static void test_answers_without_body(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\nContent-Length: 700\r\n\r\n",
	};
	struct peer *client = client_new(), *backend;

	(void)state;
	say(client, "HEAD / HTTP/1.1\r\nHost: acme.example\r\n\r\n");
	backend = backend_accept(0);
	expect_text(backend, "HEAD / ");
	say(backend, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
	expect_text(client, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
	for (int i = 0; i < 2; i++) {
		peer_clear(client);
		peer_clear(backend);
		say(client, GET);
		expect_text(backend, "\r\n\r\n");
		say(backend, answers[i]);
		expect_text(client, answers[i]);
	}
	peer_free(client);
	peer_free(backend);
}

static void test_continue(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	say(client, "PUT / HTTP/1.1\r\nHost: acme.example\r\nExpect: 100-continue\r\n"
		    "Content-Length: 4\r\n\r\n");
	backend = backend_accept(0);
	expect_text(backend, "Expect: 100-continue\r\n");
	say(backend, "HTTP/1.1 100 Continue\r\n\r\n");
	expect_text(client, "HTTP/1.1 100 Continue\r\n\r\n");
	say(client, "body");
	expect_text(backend, "\r\n\r\nbody");
	say(backend, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
	expect_text(client, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
	peer_free(client);
	peer_free(backend);
}

/* The rest of the body would be taken for the next request. */
static void test_answer_before_the_body(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	say(client, "PUT / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 9000\r\n\r\nGET /");
	say_body(client, FIRST_OF_BODY);
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\nGET /bb");
	say(backend, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
	expect_end(client);
	assert_string_equal(client->data, "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n"
					  "Content-Length: 2\r\n\r\nno");
	expect_end(backend);
	peer_free(client);
	peer_free(backend);
}

static void test_websocket(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	say(client, "GET / HTTP/1.1\r\nHost: acme.example\r\nConnection: Upgrade\r\n"
		    "Upgrade: WebSocket\r\n\r\n");
	backend = backend_accept(0);
	expect_text(backend, "\r\nConnection: upgrade\r\nUpgrade: websocket\r\n");
	say(backend, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
		     "Upgrade: websocket\r\n\r\nfirst");
	expect_text(client, "Upgrade: websocket\r\n\r\nfirst");
	say(client, "from the client");
	expect_text(backend, "\r\n\r\nfrom the client");
	say(backend, ", from the backend");
	expect_text(client, "first, from the backend");
	shutdown(client->fd, SHUT_WR);
	expect_end(backend);
	say(backend, ", the last");
	expect_text(client, ", the last");
	peer_free(backend);
	expect_end(client);
	peer_free(client);
}

static void test_upgrades_that_are_not_passed_on(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	say(client,
	    "GET / HTTP/1.1\r\nHost: acme.example\r\nConnection: Upgrade, HTTP2-Settings\r\n"
	    "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n");
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	assert_null(strstr(backend->data, "pgrade"));
	assert_null(strstr(backend->data, "HTTP2"));
	say(backend, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
		     "Upgrade: h2c\r\n\r\n");
	expect_text(client, "HTTP/1.1 502 ");
	peer_free(client);
	peer_free(backend);
}

/* what is refused */

static void expect_refusal(const char *request, const char *status, bool closes)
{
	struct peer *client = client_new();

	say(client, request);
	expect_text(client, status);
	expect_text(client, "}\n");
	assert_non_null(strstr(client->data, "Content-Type: application/problem+json\r\n"));
	assert_true(!!strstr(client->data, "Connection: close\r\n") == closes);
	if (closes) {
		shutdown(client->fd, SHUT_WR);
		expect_end(client);
	}
	peer_free(client);
}

static void test_refusals(void **state)
{
	static const char line[] = "GET /", head[] = "GET / HTTP/1.1\r\nHost: acme.example\r\nX: ";
	static char large[20000];

	(void)state;
	expect_refusal("GET / HTTP/1.1\r\nHost: other.example\r\n\r\n", "HTTP/1.1 404 ", false);
	expect_refusal("GET / HTTP/1.1\r\nHost : acme.example\r\n\r\n", "HTTP/1.1 400 ", true);
	expect_refusal("GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 400 ", true);
	expect_refusal("GET / HTTP/2.0\r\nHost: acme.example\r\n\r\n", "HTTP/1.1 505 ", true);
	expect_refusal("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", "HTTP/1.1 405 ", true);
	expect_refusal("POST / HTTP/1.1\r\nHost: other.example\r\nContent-Length: 5\r\n\r\nabcde",
		       "HTTP/1.1 404 ", true);
	expect_refusal("GET / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 1\r\n"
		       "Transfer-Encoding: chunked\r\n\r\n",
		       "HTTP/1.1 400 ", true);
	memset(large, 'a', 9000);
	memcpy(large, line, strlen(line));
	expect_refusal(large, "HTTP/1.1 414 ", true);
	memset(large, 'a', sizeof(large) - 1);
	memcpy(large, head, strlen(head));
	expect_refusal(large, "HTTP/1.1 431 ", true);
	assert_true(nobody_waits(0));
}

static void test_bad_chunks(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	say(client, "POST / HTTP/1.1\r\nHost: acme.example\r\nTransfer-Encoding: chunked\r\n\r\n"
		    "3\r\nabcd\r\n");
	backend = backend_accept(0);
	expect_text(client, "HTTP/1.1 400 ");
	expect_end(backend);
	assert_null(strstr(backend->data, "0\r\n\r\n"));
	peer_free(client);
	peer_free(backend);
}

/* Extensions are not passed on, so they must not come without end. */
static void test_flood_of_extensions(void **state)
{
	struct peer *client = client_new(), *backend;
	char chunk[280];
	int sent = 0;

	(void)state;
	snprintf(chunk, sizeof(chunk), "1;%0250d\r\nx\r\n", 0);
	say(client, "POST / HTTP/1.1\r\nHost: acme.example\r\nTransfer-Encoding: chunked\r\n\r\n");
	backend = backend_accept(0);
	while (sent < 400 && !client->length) {
		say(client, chunk);
		peer_pull(client);
		peer_pull(backend);
		sent++;
	}
	expect_text(client, "HTTP/1.1 400 ");
	assert_in_range(sent, 200, 399);
	expect_end(backend);
	peer_free(client);
	peer_free(backend);
}

static void test_backend_answers_nonsense(void **state)
{
	static const char *const answers[] = {
		"SSH-2.0-OpenSSH\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n",
	};

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct peer *client = client_new(), *backend;

		say(client, GET);
		backend = backend_accept(0);
		expect_text(backend, "\r\n\r\n");
		say(backend, answers[i]);
		expect_text(client, "HTTP/1.1 502 ");
		expect_end(backend);
		peer_free(client);
		peer_free(backend);
	}
}

/* Neither side of a body that is cut off may look whole. */
static void test_body_that_is_cut_off(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	say(client, GET);
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	say(backend, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
	expect_text(client, "abc");
	peer_free(backend);
	expect_end(client);
	assert_true(client->reset);
	peer_free(client);

	client = client_new();
	say(client, "POST / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 9000\r\n\r\nabc");
	say_body(client, FIRST_OF_BODY);
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\nabcbb");
	peer_free(client);
	expect_end(backend);
	peer_free(backend);
}

/* bodies that are long */

static void play_long_bodies(bool splice)
{
	size_t length = 5 << 20;
	char *bytes = malloc(length), head[128];
	struct peer *client, *backend;
	size_t head_length;

	worker.limits.splice = splice;
	assert_non_null(bytes);
	for (size_t i = 0; i < length; i++)
		bytes[i] = (char)(i * 2654435761U >> 13);
	client = client_new();
	snprintf(head, sizeof(head),
		 "PUT / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: %zu\r\n\r\n", length);
	say(client, head);
	say_bytes(client, bytes, FIRST_OF_BODY);
	backend = backend_accept(0);
	expect_length(backend, FIRST_OF_BODY);
	expect_text(backend, "\r\n\r\n");
	head_length = (size_t)(strstr(backend->data, "\r\n\r\n") + 4 - backend->data);
	/* what the worker cannot pass on waits in sockets, so both ends have to be served */
	for (size_t sent = FIRST_OF_BODY; sent < length; sent += 65536) {
		size_t some = length - sent < 65536 ? length - sent : 65536;

		say_bytes(client, bytes + sent, some);
		expect_length(backend, head_length + sent / 2);
	}
	expect_length(backend, head_length + length);
	assert_memory_equal(backend->data + head_length, bytes, length);
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", length);
	say(backend, head);
	expect_text(client, head);
	for (size_t sent = 0; sent < length; sent += 65536) {
		size_t some = length - sent < 65536 ? length - sent : 65536;

		say_bytes(backend, bytes + sent, some);
		expect_length(client, sent / 2);
	}
	expect_length(client, strlen(head) + length);
	assert_memory_equal(client->data + strlen(head), bytes, length);
	assert_true(!worker.pipes.count == !splice);
	peer_clear(backend);
	say(client, GET);
	expect_text(backend, "GET /a"); /* on the same connection */
	peer_free(client);
	peer_free(backend);
	free(bytes);
}

static void test_long_bodies_are_copied(void **state)
{
	(void)state;
	play_long_bodies(false);
}

static void test_long_bodies_are_spliced(void **state)
{
	(void)state;
	play_long_bodies(true);
}

/* time limits */

static bool something_came(void *context)
{
	(void)context;
	return worker.conns && buffer_length(worker.conns->down.in);
}

static void test_slow_head(void **state)
{
	struct peer *client = client_new();

	(void)state;
	say(client, "GET / HTTP/1.1\r\nHo");
	run_until(something_came, NULL);
	worker.limits.head = 100 * MS;
	say(client, "st:"); /* does not help */
	expect_text(client, "HTTP/1.1 408 ");
	peer_free(client);
	client = client_new(); /* says nothing at all */
	expect_end(client);
	assert_int_equal(client->length, 0);
	peer_free(client);
}

static void test_slow_body(void **state)
{
	struct peer *client, *backend;

	(void)state;
	worker.limits.body = 100 * MS;
	client = client_new();
	say(client, "PUT / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 9000\r\n\r\n");
	say_body(client, FIRST_OF_BODY);
	backend = backend_accept(0);
	expect_text(client, "HTTP/1.1 408 ");
	expect_end(backend);
	peer_free(client);
	peer_free(backend);
}

static void test_silent_backend(void **state)
{
	struct peer *client, *backend;

	(void)state;
	worker.limits.reply = 100 * MS;
	client = client_new();
	say(client, GET);
	backend = backend_accept(0);
	expect_text(client, "HTTP/1.1 504 ");
	expect_end(backend);
	peer_free(client);
	peer_free(backend);
}

static void test_idle_client(void **state)
{
	struct peer *client, *backend;

	(void)state;
	worker.limits.idle = 100 * MS;
	client = client_new();
	say(client, GET);
	backend = backend_accept(0);
	say(backend, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	expect_text(client, "\r\n\r\nok");
	expect_end(client);
	assert_int_equal(worker.conn_count, 0);
	assert_int_equal(worker.buffers.used, 0);
	peer_free(client);
	peer_free(backend);
}

/* an idle connection holds no buffer */
static bool nothing_is_held(void *context)
{
	(void)context;
	return !worker.buffers.used;
}

static void test_idle_costs_no_buffer(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	assert_true(sizeof(struct conn) <= 2048);
	say(client, GET);
	backend = backend_accept(0);
	say(backend, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	expect_text(client, "\r\n\r\nok");
	run_until(nothing_is_held, NULL);
	assert_int_equal(worker.conn_count, 1);
	assert_int_equal(worker.upstreams.idle, 1);
	peer_free(client);
	peer_free(backend);
}

/* Its backends hang; another tenant would have the rest. */
static void test_half_is_the_most(void **state)
{
	struct peer *clients[3], *backends[2];

	(void)state;
	worker.limits.conns = 4;
	for (int i = 0; i < 2; i++) {
		clients[i] = client_new();
		say(clients[i], GET);
		backends[i] = backend_accept(0);
	}
	clients[2] = client_new();
	say(clients[2], GET);
	expect_text(clients[2], "HTTP/1.1 503 ");
	expect_text(clients[2], "}\n");
	say(backends[1], "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	expect_text(clients[1], "ok");
	peer_clear(clients[2]);
	peer_clear(backends[1]);
	say(clients[2], GET);
	expect_text(backends[1], "GET /a");
	for (int i = 0; i < 3; i++)
		peer_free(clients[i]);
	for (int i = 0; i < 2; i++)
		peer_free(backends[i]);
}

/* reload and drain */

static void test_reload_during_a_request(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	say(client, GET);
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	use_image(NULL, NULL); /* the bytes of the old one are gone with it */
	say(backend, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	expect_text(client, "\r\n\r\nok");
	peer_clear(backend);
	say(client, GET);
	expect_text(backend, "GET /a"); /* by the connection of before */
	peer_free(client);
	peer_free(backend);
}

static void test_drain(void **state)
{
	struct peer *idle = client_new(), *client = client_new(), *backend;

	(void)state;
	say(idle, "GET / HTTP/1.1\r\nHost: other.example\r\n\r\n");
	expect_text(idle, "}\n");
	say(client, GET);
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	worker_drain(&worker);
	expect_end(idle);
	say(backend, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	expect_end(client);
	assert_string_equal(client->data,
			    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
	peer_free(idle);
	peer_free(client);
	peer_free(backend);
}

/* It is here, though the worker was not told of it yet. */
static void test_drain_with_a_request(void **state)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: other.example\r\n\r\n";
	struct peer *client = client_new();

	(void)state;
	say(client, request);
	expect_text(client, "}\n");
	peer_clear(client);
	assert_int_equal(send(client->fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	worker_drain(&worker);
	expect_end(client);
	assert_false(client->reset);
	assert_non_null(strstr(client->data, "Connection: close\r\n"));
	assert_non_null(strstr(client->data, "}\n"));
	peer_free(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proxy_test(test_request_and_answer),
		proxy_test(test_trusted_client),
		proxy_test(test_connections_are_kept),
		proxy_test(test_pipelining),
		proxy_test(test_chunks_both_ways),
		proxy_test(test_body_until_close),
		proxy_test(test_answers_without_body),
		proxy_test(test_continue),
		proxy_test(test_answer_before_the_body),
		proxy_test(test_websocket),
		proxy_test(test_upgrades_that_are_not_passed_on),
		proxy_test(test_refusals),
		proxy_test(test_bad_chunks),
		proxy_test(test_flood_of_extensions),
		proxy_test(test_backend_answers_nonsense),
		proxy_test(test_body_that_is_cut_off),
		proxy_test(test_long_bodies_are_copied),
		proxy_test(test_long_bodies_are_spliced),
		proxy_test(test_slow_head),
		proxy_test(test_slow_body),
		proxy_test(test_silent_backend),
		proxy_test(test_idle_client),
		proxy_test(test_idle_costs_no_buffer),
		proxy_test(test_half_is_the_most),
		proxy_test(test_reload_during_a_request),
		proxy_test(test_drain),
		proxy_test(test_drain_with_a_request),
	};

	return cmocka_run_group_tests_name("conn", tests, NULL, NULL);
}
