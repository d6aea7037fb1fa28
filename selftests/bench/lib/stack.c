// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "stack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#define NAMESPACE "/proc/thread-self/ns/net"
#define ALWAYS	  "2"

static int always_cookies(void)
{
	int fd = open("/proc/sys/net/ipv4/tcp_syncookies", O_WRONLY | O_CLOEXEC);
	int error = fd < 0 || write(fd, ALWAYS, 1) != 1 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return error;
}

static int listen_on(uint16_t port, int *ret_listener)
{
	const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	*ret_listener = fd;
	if (bind(fd, (const struct sockaddr *)&any, sizeof(any)) || listen(fd, 128))
		return -errno;
	return 0;
}

int stack_open(struct stack *stack, uint16_t port)
{
	int error = 0, left;

	*stack = (struct stack){
		.home = open(NAMESPACE, O_RDONLY | O_CLOEXEC), .there = -1, .listener = -1};
	if (stack->home < 0 || unshare(CLONE_NEWNET)) {
		error = -errno;
		stack_close(stack);
		return error;
	}
	stack->there = open(NAMESPACE, O_RDONLY | O_CLOEXEC);
	if (stack->there < 0)
		error = -errno;
	error = error ?: always_cookies();
	error = error ?: listen_on(port, &stack->listener);
	left = stack_leave(stack);
	error = error ?: left;
	if (error)
		stack_close(stack);
	return error;
}

int stack_enter(const struct stack *stack)
{
	return setns(stack->there, CLONE_NEWNET) ? -errno : 0;
}

int stack_leave(const struct stack *stack)
{
	return setns(stack->home, CLONE_NEWNET) ? -errno : 0;
}

void stack_close(struct stack *stack)
{
	const int fds[] = {stack->listener, stack->there, stack->home};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	*stack = (struct stack){-1, -1, -1};
}
