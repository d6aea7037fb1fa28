/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A worker in this process, with clients and backends that are played by the test over real TCP
 * connections. Nothing sleeps: run_until() runs the worker's loop until a condition holds.
 */
#ifndef SELFTESTS_UNIT_PROXY_FIXTURE_H
#define SELFTESTS_UNIT_PROXY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userspace/model/l7/build.h"
#include "userspace/proxy/conn.h"

#define MS	    1000000ULL
#define DEADLINE    20000 /* rounds of a millisecond: a machine under load is slow, not wrong */
#define BACKENDS    2
#define DATA_MAX    (8 << 20)
#define CLIENT_TEXT "198.51.100.7"

struct peer {
	int fd;
	char *data; /* what it got, with a NUL behind it */
	size_t length;
	bool ended, reset;
};

static struct loop *loop;
static struct worker worker;
static struct worker_limits limits;
static int listening[BACKENDS];
static uint16_t ports[BACKENDS];
static bool (*wanted)(void *context);
static void *wanted_context;
static unsigned rounds;
static const char *in_front; /* who begins connections of the listener by saying whose they are */
static bool held;

static inline void look(struct loop_timer *timer)
{
	held = wanted(wanted_context);
	if (held || ++rounds > DEADLINE)
		loop_stop(loop);
	else
		loop_timer_set(loop, timer, MS);
}

static inline void run_until(bool (*condition)(void *context), void *context)
{
	struct loop_timer timer = {.fire = look};

	wanted = condition;
	wanted_context = context;
	rounds = 0;
	loop_timer_set(loop, &timer, 0);
	assert_int_equal(loop_run(loop), 0);
	loop_timer_cancel(loop, &timer);
	if (!held)
		print_error("waited in vain\n");
	assert_true(held);
}

/* peers */

static inline struct peer *peer_new(int fd)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	assert_non_null(peer);
	peer->fd = fd;
	peer->data = calloc(1, DATA_MAX + 1);
	assert_non_null(peer->data);
	return peer;
}

static inline void peer_free(struct peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	free(peer->data);
	free(peer);
}

static inline void peer_pull(struct peer *peer)
{
	ssize_t n;

	while ((n = recv(peer->fd, peer->data + peer->length, DATA_MAX - peer->length,
			 MSG_DONTWAIT)) > 0)
		peer->length += (size_t)n;
	peer->ended = peer->ended || !n;
	peer->reset = peer->reset || (n < 0 && errno == ECONNRESET);
	peer->data[peer->length] = 0;
}

struct expected {
	struct peer *peer;
	const char *text;
	size_t length;
};

static inline bool has_text(void *context)
{
	struct expected *expected = context;

	peer_pull(expected->peer);
	return strstr(expected->peer->data, expected->text);
}

static inline bool has_length(void *context)
{
	struct expected *expected = context;

	peer_pull(expected->peer);
	return expected->peer->length >= expected->length;
}

static inline bool has_ended(void *context)
{
	struct expected *expected = context;

	peer_pull(expected->peer);
	return expected->peer->ended || expected->peer->reset;
}

static inline void expect_text(struct peer *peer, const char *text)
{
	run_until(has_text, &(struct expected){.peer = peer, .text = text});
}

static inline void expect_length(struct peer *peer, size_t length)
{
	run_until(has_length, &(struct expected){.peer = peer, .length = length});
}

static inline void expect_end(struct peer *peer)
{
	run_until(has_ended, &(struct expected){.peer = peer});
}

/* What it got so far is done with. */
static inline void peer_clear(struct peer *peer)
{
	peer->length = 0;
	peer->data[0] = 0;
}

struct outgoing {
	struct peer *peer;
	const char *bytes;
	size_t length, sent;
};

static inline bool went(void *context)
{
	struct outgoing *outgoing = context;
	ssize_t n = send(outgoing->peer->fd, outgoing->bytes + outgoing->sent,
			 outgoing->length - outgoing->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0)
		outgoing->sent += (size_t)n;
	return outgoing->sent == outgoing->length;
}

static inline void say_bytes(struct peer *peer, const char *bytes, size_t length)
{
	run_until(went, &(struct outgoing){.peer = peer, .bytes = bytes, .length = length});
}

static inline void say(struct peer *peer, const char *text)
{
	say_bytes(peer, text, strlen(text));
}

/* So many bytes of a body: backends are asked when 8 KB of one, or all of it, have come. */
#define FIRST_OF_BODY 8192
static inline void say_body(struct peer *peer, size_t length)
{
	char *bytes = malloc(length);

	assert_non_null(bytes);
	memset(bytes, 'b', length);
	say_bytes(peer, bytes, length);
	free(bytes);
}

/* Before the worker does anything else: a new client is looked at for the first time after that. */
static inline void say_at_once(struct peer *peer, const char *text)
{
	assert_int_equal(send(peer->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* What is counted, once the worker has come to it. */
struct counted {
	const uint64_t *count;
	uint64_t number;
};

static inline bool is_counted(void *context)
{
	const struct counted *counted = context;

	return *counted->count == counted->number;
}

static inline void expect_count(const uint64_t *count, uint64_t number)
{
	run_until(is_counted, &(struct counted){count, number});
}

/* backends */

static inline int listen_on_loopback(uint16_t *ret_port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	/* as mtlbd's */
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static inline int connect_on_loopback(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				      .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

struct coming {
	int listening, fd;
};

static inline bool came(void *context)
{
	struct coming *coming = context;

	coming->fd = accept4(coming->listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	return coming->fd >= 0;
}

static inline struct peer *backend_accept(int number)
{
	struct coming coming = {.listening = listening[number], .fd = -1};

	run_until(came, &coming);
	return peer_new(coming.fd);
}

static inline bool nobody_waits(int number)
{
	return accept4(listening[number], NULL, NULL, SOCK_CLOEXEC) < 0 && errno == EAGAIN;
}

static inline void backend_down(int number)
{
	close(listening[number]);
	listening[number] = -1;
}

/* clients */

static inline struct peer *client_new(void)
{
	uint16_t port;
	int passive = listen_on_loopback(&port);
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				      .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), accepted;
	struct addr peer;

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	accepted = accept4(passive, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(accepted >= 0);
	close(passive);
	assert_int_equal(addr_parse(CLIENT_TEXT, &peer), 0);
	assert_int_equal(conn_new(&worker, NULL, accepted, &peer, 40000), 0);
	return peer_new(fd);
}

/* The loop tells of the newest client. */
static inline bool newest_is_told_of(void *context)
{
	(void)context;
	return worker.conns && worker.conns->down.fd.added;
}

/* the worker */

static inline uint32_t add_pool(struct build *build, uint32_t tenant, const char *name,
				unsigned members)
{
	const struct build_pool settings = {.tenant = tenant, .name = name};
	uint32_t pool = build_pool(build, &settings);

	for (unsigned i = 0; i < members; i++) {
		struct build_member member = {.port = ports[i], .weight = 1};

		assert_int_equal(addr_parse("127.0.0.1", &member.address), 0);
		build_member(build, &member);
	}
	return pool;
}

static inline void add_route(struct build *build, uint32_t tenant, const char *name,
			     const char *path, uint32_t pool)
{
	const struct build_route route = {.tenant = tenant, .listener = 0, .name = name};
	const struct build_match match = {.type = BUILD_PREFIX, .path = path};

	build_route(build, &route);
	build_backend(build, pool, 1);
	build_match(build, &match);
}

/*
 * acme.example: / by the first backend, /two by both. trust: whose word of clients counts.
 * change may add more.
 */
static inline int make_image(const char *trust,
			     void (*change)(struct build *build, uint32_t tenant))
{
	struct build *build = build_new(1, 1);
	struct prefix trusted, proxies;
	struct addr address;
	struct build_listener listener = {.name = "web",
					  .addresses = &address,
					  .address_count = 1,
					  .port = 80,
					  .protocol = IMAGE_HTTP};
	struct err err = {};
	void *bytes;
	uint32_t tenant;
	int fd;
	size_t size;

	assert_non_null(build);
	assert_int_equal(addr_parse("192.0.2.1", &address), 0);
	if (trust) {
		assert_int_equal(prefix_parse(trust, &trusted), 0);
		listener.trusted = &trusted;
		listener.trusted_count = 1;
	}
	if (in_front) {
		assert_int_equal(prefix_parse(in_front, &proxies), 0);
		listener.proxies = &proxies;
		listener.proxy_count = 1;
	}
	build_listener(build, &listener);
	tenant = build_tenant(build, "acme", 7, 1);
	build_domain(build, tenant, "acme.example");
	add_route(build, tenant, "all", "/", add_pool(build, tenant, "one", 1));
	add_route(build, tenant, "two", "/two", add_pool(build, tenant, "two", 2));
	if (change)
		change(build, tenant);
	if (build_finish(build, &bytes, &size, &err))
		fail_msg("%s", err.text);
	build_free(build);
	fd = memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
	free(bytes);
	return fd;
}

static inline void use_image(const char *trust,
			     void (*change)(struct build *build, uint32_t tenant))
{
	int fd = make_image(trust, change);
	struct routing *routing;
	struct err err = {};

	if (routing_open(&worker.upstreams, fd, &routing, &err))
		fail_msg("%s", err.text);
	close(fd);
	worker_use(&worker, routing);
}

static inline int proxy_begin(void **state)
{
	(void)state;
	limits = worker_limits_default;
	for (int i = 0; i < BACKENDS; i++)
		listening[i] = listen_on_loopback(&ports[i]);
	if (loop_new(&loop) || worker_init(&worker, loop, &limits))
		return -1;
	use_image(NULL, NULL);
	return 0;
}

static inline int proxy_end(void **state)
{
	(void)state;
	worker_fini(&worker);
	loop_free(loop);
	for (int i = 0; i < BACKENDS; i++)
		if (listening[i] >= 0)
			close(listening[i]);
	/* what was taken was given back */
	return worker.buffers.used || worker.pipes.count || worker.upstreams.connections ? -1 : 0;
}

#define proxy_test(name) cmocka_unit_test_setup_teardown(name, proxy_begin, proxy_end)

#endif
