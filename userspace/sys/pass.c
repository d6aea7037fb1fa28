// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "pass.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* More than one would be a mistake of the other side; there is room to see it. */
#define FDS_MAX 2

union control {
	char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	struct cmsghdr align;
};

int pass_send(int socket, const void *message, size_t length, int fd)
{
	struct iovec part = {.iov_base = (void *)(uintptr_t)message, .iov_len = length};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	union control control = {};
	struct cmsghdr *item;
	ssize_t n;

	if (fd >= 0) {
		header.msg_control = control.bytes;
		header.msg_controllen = CMSG_SPACE(sizeof(int));
		item = CMSG_FIRSTHDR(&header);
		item->cmsg_level = SOL_SOCKET;
		item->cmsg_type = SCM_RIGHTS;
		item->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(item), &fd, sizeof(fd));
	}
	do
		n = sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	return errno == ENOBUFS ? -EAGAIN : -errno;
}

static size_t take_fds(struct msghdr *header, int fds[FDS_MAX])
{
	size_t count = 0;

	for (struct cmsghdr *item = CMSG_FIRSTHDR(header); item; item = CMSG_NXTHDR(header, item)) {
		if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS)
			continue;
		count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(item), count * sizeof(int));
	}
	return count;
}

ssize_t pass_receive(int socket, void *message, size_t size, int *ret_fd)
{
	struct iovec part = {.iov_base = message, .iov_len = size};
	union control control;
	struct msghdr header = {.msg_iov = &part,
				.msg_iovlen = 1,
				.msg_control = control.bytes,
				.msg_controllen = sizeof(control.bytes)};
	int fds[FDS_MAX];
	size_t count;
	ssize_t n;

	*ret_fd = -1;
	do
		n = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	count = take_fds(&header, fds);
	if (count <= 1 && !(header.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		*ret_fd = count ? fds[0] : -1;
		return n;
	}
	while (count)
		close(fds[--count]);
	return -EPROTO;
}
