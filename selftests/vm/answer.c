// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A UDP server for the guest, and its client: busybox has neither. The server binds to one address,
 * so that it answers from the address that was asked, and says its name and what it was told. The
 * client asks each question from a port of its own, and prints one answer a line. Or it sends what
 * is on stdin as one datagram, whatever that is.
 *
 *   answer serve ADDRESS PORT NAME
 *   answer ask ADDRESS PORT COUNT
 *   answer send ADDRESS PORT
 */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define TEXT_MAX 1024

static const struct timeval patience = {.tv_sec = 5};

static int fail(const char *what)
{
	fprintf(stderr, "answer: %s: %s\n", what, strerror(errno));
	return 1;
}

static struct addrinfo *find(const char *address, const char *port)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				       .ai_socktype = SOCK_DGRAM};
	struct addrinfo *found;
	int error = getaddrinfo(address, port, &hints, &found);

	if (error) {
		fprintf(stderr, "answer: %s port %s: %s\n", address, port, gai_strerror(error));
		exit(1);
	}
	return found;
}

static int serve(const struct addrinfo *at, const char *name)
{
	int fd = socket(at->ai_family, at->ai_socktype, 0);

	if (fd < 0 || bind(fd, at->ai_addr, at->ai_addrlen))
		return fail("bind");
	for (;;) {
		struct sockaddr_storage from;
		socklen_t size = sizeof(from);
		char told[TEXT_MAX], text[2 * TEXT_MAX];
		ssize_t length =
			recvfrom(fd, told, sizeof(told) - 1, 0, (struct sockaddr *)&from, &size);

		if (length < 0)
			return fail("recvfrom");
		told[length] = '\0';
		length = snprintf(text, sizeof(text), "%s %s", name, told);
		if (sendto(fd, text, (size_t)length, 0, (struct sockaddr *)&from, size) < 0)
			return fail("sendto");
	}
}

/* One question: what came back, or that nothing did. */
static int ask_once(const struct addrinfo *whom, int number)
{
	char text[TEXT_MAX], answer[2 * TEXT_MAX];
	int fd = socket(whom->ai_family, whom->ai_socktype, 0);
	ssize_t length;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		return fail("socket");
	/* Connected: an answer from another address than the one that was asked does not count. */
	if (connect(fd, whom->ai_addr, whom->ai_addrlen))
		return fail("connect");
	length = snprintf(text, sizeof(text), "question %d", number);
	if (send(fd, text, (size_t)length, 0) < 0)
		return fail("send");
	length = recv(fd, answer, sizeof(answer) - 1, 0);
	close(fd);
	if (length < 0)
		return fail("recv");
	answer[length] = '\0';
	printf("%s\n", answer);
	return 0;
}

static int send_input(const struct addrinfo *whom)
{
	char text[TEXT_MAX];
	size_t length = fread(text, 1, sizeof(text), stdin);
	int fd = socket(whom->ai_family, whom->ai_socktype, 0);

	if (fd < 0 || sendto(fd, text, length, 0, whom->ai_addr, whom->ai_addrlen) < 0)
		return fail("sendto");
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 3 ? argv[1] : "";
	int failed = 0;

	if (argc == 5 && !strcmp(verb, "serve"))
		return serve(find(argv[2], argv[3]), argv[4]);
	if (argc == 4 && !strcmp(verb, "send"))
		return send_input(find(argv[2], argv[3]));
	if (argc != 5 || strcmp(verb, "ask")) {
		fprintf(stderr, "usage: answer serve ADDRESS PORT NAME | ask ADDRESS PORT COUNT | "
				"send ADDRESS PORT\n");
		return 2;
	}
	for (int number = 1; number <= atoi(argv[4]); number++)
		failed |= ask_once(find(argv[2], argv[3]), number);
	return failed;
}
