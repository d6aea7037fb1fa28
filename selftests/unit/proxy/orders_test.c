// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * sys/pass.c, wire/handover.c, proxy/orders.c: this test is mtlbd, and the worker runs in this
 * process. What mtlbd would never send ends the worker, and leaves no descriptor behind.
 */
#include "proxy_fixture.h"

#include "userspace/proxy/orders.h"
#include "userspace/sys/pass.h"
#include "userspace/wire/handover.h"

static int mtlbd;
static struct orders *orders;
static struct handover_message heard;

static int orders_begin(void **state)
{
	int pair[2];

	if (proxy_begin(state) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
		return -1;
	mtlbd = pair[0];
	return orders_new(&worker, pair[1], &orders);
}

static int orders_end(void **state)
{
	if (mtlbd >= 0)
		close(mtlbd);
	orders_free(orders);
	return proxy_end(state);
}

static bool is_heard(void *context)
{
	const uint32_t *type = context;
	int fd;

	while (pass_receive(mtlbd, &heard, sizeof(heard), &fd) > 0) {
		assert_int_equal(handover_check(&heard, sizeof(heard)), 0);
		assert_int_equal(fd, -1);
		if (heard.type == *type)
			return true;
	}
	return false;
}

static void expect(uint32_t type)
{
	run_until(is_heard, &type);
}

static void tell(struct handover_message order, int fd)
{
	order.version = HANDOVER_VERSION;
	assert_int_equal(pass_send(mtlbd, &order, sizeof(order), fd), 0);
}

static unsigned descriptors(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void test_it_is_alive(void **state)
{
	(void)state;
	expect(HANDOVER_HELLO);
	expect(HANDOVER_ALIVE);
	assert_int_equal(heard.counts.connections, 0);
}

static void test_a_bad_image_is_refused(void **state)
{
	unsigned before = descriptors();
	int fd = memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	(void)state;
	tell((struct handover_message){.type = HANDOVER_IMAGE, .generation = 7}, fd);
	expect(HANDOVER_REFUSED);
	assert_int_equal(heard.generation, 7);
	assert_non_null(strstr(heard.text, "sealed"));
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_WRITE), 0);
	tell((struct handover_message){.type = HANDOVER_IMAGE, .generation = 8}, fd);
	expect(HANDOVER_REFUSED);
	tell((struct handover_message){.type = HANDOVER_IMAGE, .generation = 9}, -1);
	expect(HANDOVER_REFUSED);
	close(fd);
	assert_non_null(worker.routing); /* the one before is still in use */
	assert_int_equal(descriptors(), before);
}

/* Both have been asked once, and their connections are kept. */
static void ask_for_two(struct peer *client, int number)
{
	struct peer *backend;

	say(client, "GET /two HTTP/1.1\r\nHost: acme.example\r\n\r\n");
	backend = backend_accept(number);
	expect_text(backend, "\r\n\r\n");
	say(backend, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
	expect_text(client, "\r\n\r\nok");
	peer_free(backend);
	peer_clear(client);
}

/* A byte of memory is all that it takes. Members of "two" come behind that of "one". */
static void test_states_of_members(void **state)
{
	int image = make_image(NULL, NULL),
	    states = memfd_create("states", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	uint8_t one = 1, none = 0;
	unsigned before = descriptors();
	struct peer *client;

	(void)state;
	assert_int_equal(ftruncate(states, 3), 0);
	tell((struct handover_message){.type = HANDOVER_STATES}, states);
	tell((struct handover_message){.type = HANDOVER_IMAGE, .generation = 2}, image);
	expect(HANDOVER_REFUSED); /* it could shrink */
	assert_non_null(strstr(heard.text, "states"));
	assert_int_equal(fcntl(states, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	tell((struct handover_message){.type = HANDOVER_STATES}, states);
	tell((struct handover_message){.type = HANDOVER_IMAGE, .generation = 3}, image);
	expect(HANDOVER_TAKEN);
	assert_int_equal(heard.generation, 3);
	assert_int_equal(descriptors(), before);
	client = client_new();
	assert_int_equal(pwrite(states, &one, 1, 1), 1);
	for (int i = 0; i < 3; i++)
		ask_for_two(client, 1);
	assert_int_equal(pwrite(states, &none, 1, 1), 1);
	assert_int_equal(pwrite(states, &one, 1, 2), 1);
	for (int i = 0; i < 3; i++)
		ask_for_two(client, 0);
	assert_int_equal(pwrite(states, &one, 1, 1), 1);
	say(client, "GET /two HTTP/1.1\r\nHost: acme.example\r\n\r\n");
	expect_text(client, "HTTP/1.1 503 ");
	peer_free(client);
	close(states);
	close(image);
}

static void fragile(struct build *build, uint32_t tenant)
{
	const struct build_pool settings = {.tenant = tenant, .name = "fragile", .eject_after = 2};
	struct build_member member = {.port = ports[1], .weight = 1};
	uint32_t pool = build_pool(build, &settings);

	assert_int_equal(addr_parse("127.0.0.1", &member.address), 0);
	build_member(build, &member);
	add_route(build, tenant, "fragile", "/fragile", pool);
}

static void test_what_was_ejected_is_told(void **state)
{
	static const uint8_t no_secret[16];
	struct addr address;
	struct peer *client;

	(void)state;
	use_image(NULL, fragile);
	backend_down(1);
	for (int i = 0; i < 2; i++) {
		client = client_new();
		say(client, "GET /fragile HTTP/1.1\r\nHost: acme.example\r\n\r\n");
		expect_text(client, "HTTP/1.1 502 ");
		peer_free(client);
	}
	expect(HANDOVER_EJECTED);
	assert_int_equal(addr_parse("127.0.0.1", &address), 0);
	assert_int_equal(heard.ejected.key,
			 build_member_key(no_secret, "acme", "fragile", &address, ports[1]));
	assert_int_equal(heard.ejected.failures, 2);
}

static void test_listening(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct handover_message order = {.type = HANDOVER_LISTEN, .id = 5, .name = "web"};
	struct peer *client, *backend;
	uint16_t port;
	int fd = listen_on_loopback(&port), connected;

	(void)state;
	tell(order, fd);
	close(fd);
	address.sin_port = htons(port);
	connected = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(connected, (struct sockaddr *)&address, sizeof(address)), 0);
	client = peer_new(connected);
	say(client, "GET / HTTP/1.1\r\nHost: acme.example\r\n\r\n");
	backend = backend_accept(0);
	expect_text(backend, "X-Forwarded-For: 127.0.0.1\r\n");
	say(backend, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	expect_text(client, "\r\n\r\nok");
	/* its connections stay when it goes */
	tell((struct handover_message){.type = HANDOVER_UNLISTEN, .id = 5}, -1);
	peer_clear(client);
	peer_clear(backend);
	say(client, "GET / HTTP/1.1\r\nHost: acme.example\r\n\r\n");
	expect_text(backend, "\r\n\r\n");
	say(backend, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nagain");
	expect_text(client, "again");
	connected = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(connected, (struct sockaddr *)&address, sizeof(address)), -1);
	close(connected);
	peer_free(client);
	peer_free(backend);
}

/* Connections of two that were killed, from a socket each: each end is told of. */
static void test_heirs(void **state)
{
	unsigned before = descriptors();
	int pairs[2][2];

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pairs[i]),
				 0);
		tell((struct handover_message){.type = HANDOVER_HEIRS, .id = i + 4}, pairs[i][0]);
		close(pairs[i][0]);
	}
	for (uint32_t i = 2; i; i--) {
		close(pairs[i - 1][1]);
		expect(HANDOVER_INHERITED);
		assert_int_equal(heard.id, i + 3);
	}
	assert_int_equal(descriptors(), before);
	tell((struct handover_message){.type = HANDOVER_HEIRS}, -1); /* is told of, no more */
	expect(HANDOVER_ALIVE);
}

/* It stops the loop by itself. */
static void expect_error(int error)
{
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(orders_error(orders), error);
}

static void test_mtlbd_goes(void **state)
{
	(void)state;
	close(mtlbd);
	mtlbd = -1;
	expect_error(0);
}

static void test_what_is_no_message(void **state)
{
	(void)state;
	assert_int_equal(pass_send(mtlbd, "hello", 5, -1), 0);
	expect_error(-EPROTO); /* of another version */
}

static void test_message_that_is_cut_off(void **state)
{
	struct handover_message order = {.version = HANDOVER_VERSION, .type = HANDOVER_DRAIN};
	unsigned before = descriptors();

	(void)state;
	assert_int_equal(pass_send(mtlbd, &order, sizeof(order) - 1, listening[0]), 0);
	expect_error(-EINVAL);
	assert_int_equal(descriptors(), before);
}

static void test_drained(void **state)
{
	(void)state;
	tell((struct handover_message){.type = HANDOVER_DRAIN}, -1);
	expect_error(0);
	assert_true(worker.draining);
}

#define orders_case(name) cmocka_unit_test_setup_teardown(name, orders_begin, orders_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		orders_case(test_it_is_alive),
		orders_case(test_a_bad_image_is_refused),
		orders_case(test_states_of_members),
		orders_case(test_what_was_ejected_is_told),
		orders_case(test_listening),
		orders_case(test_heirs),
		orders_case(test_mtlbd_goes),
		orders_case(test_what_is_no_message),
		orders_case(test_message_that_is_cut_off),
		orders_case(test_drained),
	};

	return cmocka_run_group_tests_name("orders", tests, NULL, NULL);
}
