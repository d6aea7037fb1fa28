// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * icmp: an echo request (RFC 792, RFC 4443), and the reply to it. All attempts share a raw socket
 * of each family, which is opened before the prober gives up its rights; a sequence number says
 * whose a reply is, and a secret of each attempt that it is one.
 */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../base/log.h"
#include "../wire/echo.h"
#include "kinds.h"

#define RAW_ICMP_FILTER 1 /* ICMP_FILTER of linux/icmp.h, which its own header hides */
#define TAKEN_AT_ONCE	64

struct ping {
	uint16_t sequence;
	uint8_t secret[ECHO_SECRET];
};

static struct loop_fd sockets[2]; /* of IPv4, of IPv6 */
static int failures[2];		  /* why there is none, a negative errno */
static struct attempt *running[65536];
static uint16_t last_sequence, id;

static bool is_from(const struct sockaddr_storage *from, const struct addr *address)
{
	struct sockaddr_storage wanted;

	addr_to_sockaddr(address, 0, &wanted);
	if (wanted.ss_family != from->ss_family)
		return false;
	if (from->ss_family == AF_INET)
		return ((const struct sockaddr_in *)from)->sin_addr.s_addr ==
		       ((const struct sockaddr_in *)&wanted)->sin_addr.s_addr;
	return memcmp(&((const struct sockaddr_in6 *)from)->sin6_addr,
		      &((const struct sockaddr_in6 *)&wanted)->sin6_addr,
		      sizeof(struct in6_addr)) == 0;
}

static void take_reply(const struct echo *echo, const struct sockaddr_storage *from)
{
	struct attempt *attempt = running[ntohs(echo->sequence)];
	const struct ping *ping = attempt ? attempt->own : NULL;

	if (echo->id != id || !ping)
		return;
	if (memcmp(echo->secret, ping->secret, ECHO_SECRET) == 0 &&
	    is_from(from, &attempt->probe->address))
		attempt_pass(attempt);
}

static void ready(struct loop_fd *fd, uint32_t events)
{
	uint8_t bytes[512];

	(void)events;
	for (int i = 0; i < TAKEN_AT_ONCE; i++) {
		struct sockaddr_storage from;
		socklen_t size = sizeof(from);
		struct echo echo;
		ssize_t n = recvfrom(fd->fd, bytes, sizeof(bytes), MSG_DONTWAIT,
				     (struct sockaddr *)&from, &size);

		if (n < 0)
			return;
		if (echo_read(bytes, (size_t)n, from.ss_family == AF_INET, &echo))
			take_reply(&echo, &from);
	}
}

/* Only replies wake us up. */
static int filter(int fd, bool ipv4)
{
	struct icmp6_filter wanted;
	uint32_t refused = ~(1U << ICMP_ECHOREPLY);

	if (ipv4)
		return setsockopt(fd, SOL_RAW, RAW_ICMP_FILTER, &refused, sizeof(refused)) ? -errno
											   : 0;
	ICMP6_FILTER_SETBLOCKALL(&wanted);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &wanted);
	return setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &wanted, sizeof(wanted)) ? -errno : 0;
}

static int open_socket(struct loop *loop, int which)
{
	bool ipv4 = which == 0;
	int fd = socket(ipv4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
			ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	int error;

	if (fd < 0)
		return -errno;
	sockets[which] = (struct loop_fd){.fd = fd, .ready = ready};
	error = filter(fd, ipv4);
	return error ?: loop_fd_set(loop, &sockets[which], EPOLLIN);
}

int icmp_prepare(struct loop *loop)
{
	if (getrandom(&id, sizeof(id), 0) < 0)
		return -errno;
	for (int which = 0; which < 2; which++)
		failures[which] = open_socket(loop, which);
	return 0;
}

static int ask(struct attempt *attempt, const struct ping *ping)
{
	bool ipv4 = addr_is_ipv4(&attempt->probe->address);
	int which = ipv4 ? 0 : 1;
	struct sockaddr_storage there;
	socklen_t length = addr_to_sockaddr(&attempt->probe->address, 0, &there);
	struct echo echo;

	echo_write(ipv4, id, ping->sequence, ping->secret, &echo);
	if (sendto(sockets[which].fd, &echo, sizeof(echo), 0, (struct sockaddr *)&there, length) <
	    0)
		return -errno;
	return 0;
}

static int start(struct attempt *attempt)
{
	int which = addr_is_ipv4(&attempt->probe->address) ? 0 : 1, error;
	struct ping *ping;

	if (failures[which]) {
		attempt_fault(attempt, "a raw socket for pings: %s; mtlbd needs CAP_NET_RAW",
			      strerror(-failures[which]));
		return 0;
	}
	ping = calloc(1, sizeof(*ping));
	if (!ping)
		return -ENOMEM;
	attempt->own = ping;
	attempt->phase = "without a reply";
	ping->sequence = ++last_sequence;
	if (running[ping->sequence]) {
		attempt_fault(attempt, "more pings at a time than there are numbers for them");
		return 0;
	}
	running[ping->sequence] = attempt;
	error = getrandom(ping->secret, ECHO_SECRET, 0) < 0 ? -errno : ask(attempt, ping);
	if (error)
		attempt_fail_errno(attempt, error);
	return 0;
}

static void stop(struct attempt *attempt)
{
	struct ping *ping = attempt->own;

	if (ping && running[ping->sequence] == attempt)
		running[ping->sequence] = NULL;
	free(ping);
}

const struct attempt_kind icmp_kind = {.start = start, .stop = stop};
