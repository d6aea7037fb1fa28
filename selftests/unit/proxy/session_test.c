// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/proxy/session.c: who comes back to whom, and whose word for it counts. */
#include "proxy_fixture.h"

#include "userspace/proxy/session.h"

#define MEMBERS 4

static enum image_session kind;
static const char *session_name;
static unsigned drained; /* a bit for each member */
static uint8_t secret[16];

static void add_sessions(struct build *build, uint32_t tenant)
{
	const struct build_route route = {
		.tenant = tenant, .name = "kept", .session = kind, .session_name = session_name};
	const struct build_match match = {.type = BUILD_PREFIX, .path = "/kept"};
	static const char *const names[] = {"left", "right"};
	uint32_t pools[2];

	build_secret(build, secret);
	for (unsigned p = 0; p < 2; p++) {
		const struct build_pool settings = {.tenant = tenant, .name = names[p]};

		pools[p] = build_pool(build, &settings);
		for (unsigned i = 0; i < MEMBERS / 2; i++) {
			unsigned number = p * MEMBERS / 2 + i;
			struct build_member member = {
				.port = ports[number % BACKENDS],
				.weight = 1,
				.state = drained & 1U << number ? IMAGE_DRAIN : IMAGE_ACTIVE};

			assert_int_equal(addr_parse("127.0.0.1", &member.address), 0);
			build_member(build, &member);
		}
	}
	build_route(build, &route);
	build_backend(build, pools[0], 1);
	build_backend(build, pools[1], 1);
	build_match(build, &match);
}

static void open_sessions(enum image_session session, const char *name)
{
	kind = session;
	session_name = name;
	worker.random = 1;
	use_image(NULL, add_sessions);
}

struct asked {
	int number, fd;
};

static bool somebody_is_asked(void *context)
{
	struct asked *asked = context;

	for (asked->number = 0; asked->number < BACKENDS; asked->number++) {
		asked->fd =
			accept4(listening[asked->number], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (asked->fd >= 0)
			return true;
	}
	return false;
}

/* Which backend got a request with this header: on a connection of its own. The cookie that is set,
 * if one is, is put into ret_cookie as a header. */
static int ask(const char *header, char *ret_cookie, size_t size)
{
	struct peer *client = client_new(), *backend;
	char text[512];
	const char *set;
	struct asked asked = {.fd = -1};

	snprintf(text, sizeof(text), "GET /kept HTTP/1.1\r\nHost: acme.example\r\n%s\r\n", header);
	say(client, text);
	run_until(somebody_is_asked, &asked);
	backend = peer_new(asked.fd);
	expect_text(backend, "\r\n\r\n");
	say(backend, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
	expect_text(client, "\r\n\r\nok");
	set = strstr(client->data, "Set-Cookie: ");
	ret_cookie[0] = 0;
	if (set)
		snprintf(ret_cookie, size, "Cookie: a=b; %.*s; c=d\r\n",
			 (int)strcspn(set + 12, ";"), set + 12);
	if (set)
		assert_non_null(strstr(set, "; Path=/; HttpOnly; SameSite=Lax\r\n"));
	peer_free(client);
	peer_free(backend);
	return asked.number;
}

static void test_cookie_pins(void **state)
{
	char cookie[128], again[128];
	unsigned seen = 0;

	(void)state;
	open_sessions(IMAGE_SESSION_COOKIE, "lb");
	for (int round = 0; round < 8; round++) {
		int first = ask("", cookie, sizeof(cookie));

		seen |= 1U << first;
		assert_non_null(strstr(cookie, "lb="));
		for (int i = 0; i < 6; i++) {
			assert_int_equal(ask(cookie, again, sizeof(again)), first);
			assert_string_equal(again, ""); /* it has it already */
		}
	}
	assert_int_equal(seen, 3); /* and not all were the same */
}

/* It outlives a reload, and reaches a member that is drained and gets nothing else. */
static void test_cookie_reaches_drained(void **state)
{
	char cookie[128], again[128];
	int first;

	(void)state;
	open_sessions(IMAGE_SESSION_COOKIE, "lb");
	first = ask("", cookie, sizeof(cookie));
	drained = first ? 10 : 5; /* in both pools those at this port */
	open_sessions(IMAGE_SESSION_COOKIE, "lb");
	for (int i = 0; i < 6; i++) {
		assert_int_equal(ask(cookie, again, sizeof(again)), first);
		assert_int_equal(ask("", again, sizeof(again)), !first);
	}
	drained = 0;
}

static void is_no_session(const char *header)
{
	char again[128];

	ask(header, again, sizeof(again));
	assert_non_null(strstr(again, "lb="));
}

static void test_cookie_of_nobody(void **state)
{
	char cookie[128], other[128], written[256];
	struct h1_writer writer = {.buffer = written, .size = sizeof(written)};

	(void)state;
	open_sessions(IMAGE_SESSION_COOKIE, "lb");
	ask("", cookie, sizeof(cookie));
	for (size_t i = 0; i < 32; i++) { /* each digit counts */
		char *digit = strstr(cookie, "lb=") + 3 + i;
		char was = *digit;

		*digit = was == '0' ? '1' : '0';
		is_no_session(cookie);
		*digit = was;
	}
	is_no_session("Cookie: lb=\r\n");
	is_no_session("Cookie: lb\r\n");
	is_no_session("Cookie: =;;lb;;\r\n");
	is_no_session("Cookie: xlb=00000000000000000000000000000000\r\n");
	is_no_session("Cookie: lb=0000000000000000000000000000000g\r\n");
	/* what another pool's would be */
	session_write(worker.routing, 2, 1, 1, &writer);
	written[writer.used - 2] = 0;
	snprintf(other, sizeof(other), "Cookie: %.*s\r\n", (int)strcspn(written + 12, ";"),
		 written + 12);
	is_no_session(other);
	/* another secret, another cookie */
	secret[3] ^= 1;
	open_sessions(IMAGE_SESSION_COOKIE, "lb");
	is_no_session(cookie);
	secret[3] ^= 1;
	/* and none of it tells where the backend is */
	snprintf(other, sizeof(other), "%u", ports[0]);
	assert_null(strstr(cookie, other));
}

static void test_header(void **state)
{
	char header[64], ignored[128];
	unsigned seen = 0;

	(void)state;
	open_sessions(IMAGE_SESSION_HEADER, "x-user");
	for (int user = 0; user < 12; user++) {
		int first;

		snprintf(header, sizeof(header), "X-User: %d\r\n", user);
		first = ask(header, ignored, sizeof(ignored));
		seen |= 1U << first;
		for (int i = 0; i < 3; i++)
			assert_int_equal(ask(header, ignored, sizeof(ignored)), first);
		assert_string_equal(ignored, "");
	}
	assert_int_equal(seen, 3);
}

static void test_source(void **state)
{
	char ignored[128];
	int first;

	(void)state;
	open_sessions(IMAGE_SESSION_SOURCE, NULL);
	first = ask("", ignored, sizeof(ignored));
	for (int i = 0; i < 10; i++)
		assert_int_equal(ask("", ignored, sizeof(ignored)), first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proxy_test(test_cookie_pins),	   proxy_test(test_cookie_reaches_drained),
		proxy_test(test_cookie_of_nobody), proxy_test(test_header),
		proxy_test(test_source),
	};

	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
