// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "way.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../bpf/abi/probe.h"

static struct mtlb_probe *table;

int way_prepare(void)
{
	void *memory = mmap(NULL, MTLB_PROBES * sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED,
			    PROBES_TABLE_FD, 0);
	int error = memory == MAP_FAILED ? errno : 0;

	if (error == EBADF)
		return 0; /* no probe will need it, or it is told that it cannot be made */
	close(PROBES_TABLE_FD);
	if (error)
		return -error;
	table = memory;
	return 0;
}

/* From the source, if one is given, and from a port that is known before the first packet. */
static int bind_source(const struct probes_probe *probe, int fd)
{
	struct sockaddr_storage here;
	socklen_t length;

	if (addr_is_zero(&probe->source)) {
		length = addr_to_sockaddr(&probe->address, 0, &here);
		if (here.ss_family == AF_INET)
			((struct sockaddr_in *)&here)->sin_addr.s_addr = htonl(INADDR_ANY);
		else
			((struct sockaddr_in6 *)&here)->sin6_addr = in6addr_any;
	} else {
		length = addr_to_sockaddr(&probe->source, 0, &here);
	}
	return bind(fd, (struct sockaddr *)&here, length) ? -errno : 0;
}

static int find_row(int fd, uint32_t *ret_at)
{
	struct sockaddr_storage here;
	socklen_t length = sizeof(here), type_length = sizeof(int);
	uint16_t port;
	int type;

	if (getsockname(fd, (struct sockaddr *)&here, &length) ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_length))
		return -errno;
	/* both have it at the same place */
	port = ntohs(((struct sockaddr_in *)&here)->sin_port);
	*ret_at = mtlb_probe_at(here.ss_family == AF_INET6, type == SOCK_DGRAM, port);
	return 0;
}

int way_take(struct way *way, const struct probes_probe *probe, int fd)
{
	uint32_t at = 0;
	int error;

	way_release(way);
	if (!probe->member)
		return 0;
	if (!table)
		return -ENOTSUP;
	error = bind_source(probe, fd) ?: find_row(fd, &at);
	if (error)
		return error;
	__atomic_store_n(&table[at].member, probe->member, __ATOMIC_RELEASE);
	way->at = at + 1;
	return 0;
}

void way_release(struct way *way)
{
	if (way->at)
		__atomic_store_n(&table[way->at - 1].member, 0, __ATOMIC_RELEASE);
	way->at = 0;
}
