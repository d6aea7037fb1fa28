// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "upstream.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls_backend.h"
#include "tls_channel.h"

/* Of members that were used without anybody saying where to count. */
static struct tally_pool uncounted;

void upstream_address_of(const struct sockaddr *from, struct addr *ret_address, uint16_t *ret_port)
{
	const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)from;
	const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)from;

	*ret_address = (struct addr){};
	if (from->sa_family == AF_INET6) {
		memcpy(ret_address->byte, &ipv6->sin6_addr, 16);
		*ret_port = ntohs(ipv6->sin6_port);
	} else {
		ret_address->byte[10] = ret_address->byte[11] = 0xff;
		memcpy(ret_address->byte + 12, &ipv4->sin_addr, 4);
		*ret_port = ntohs(ipv4->sin_port);
	}
}

/* members */

struct upstream_member *upstream_member_find(struct upstreams *upstreams, uint64_t key)
{
	struct upstream_member *member;

	HASH_FIND(hh, upstreams->members, &key, sizeof(key), member);
	if (member)
		member->refs++;
	return member;
}

struct upstream_member *upstream_member_get(struct upstreams *upstreams, uint64_t key,
					    const struct sockaddr *address)
{
	struct upstream_member *member = upstream_member_find(upstreams, key);

	if (member)
		return member;
	member = calloc(1, sizeof(*member));
	if (!member)
		return NULL;
	member->key = key;
	member->refs = 1;
	member->tally = &uncounted;
	if (address->sa_family == AF_INET6)
		member->address.ipv6 = *(const struct sockaddr_in6 *)address;
	else
		member->address.ipv4 = *(const struct sockaddr_in *)address;
	HASH_ADD(hh, upstreams->members, key, sizeof(member->key), member);
	return member;
}

static void forget(struct upstreams *upstreams, struct upstream_member *member)
{
	if (member->refs || member->connections)
		return;
	HASH_DEL(upstreams->members, member);
	free(member);
}

void upstream_member_put(struct upstreams *upstreams, struct upstream_member *member)
{
	struct upstream *idle, *next;

	if (--member->refs)
		return;
	member->refs++; /* until its connections are closed */
	for (idle = member->idle; idle; idle = next) {
		next = idle->next;
		upstream_close(idle);
	}
	member->refs--;
	forget(upstreams, member);
}

void upstreams_fini(struct upstreams *upstreams)
{
	struct upstream_member *member, *next;

	HASH_ITER (hh, upstreams->members, member, next) {
		member->refs = 1;
		upstream_member_put(upstreams, member);
	}
}

/* waiting */

static void leave_idle(struct upstream *upstream)
{
	struct upstream_member *member = upstream->member;

	if (upstream->previous)
		upstream->previous->next = upstream->next;
	else
		*upstream->list = upstream->next;
	if (upstream->next)
		upstream->next->previous = upstream->previous;
	upstream->next = upstream->previous = NULL;
	member->idle_count--;
	tally_less(&member->tally->connections_idle);
	upstream->owner->idle--;
	wheel_cancel(upstream->owner->wheel, &upstream->timer);
}

static void idle_too_long(struct wheel_timer *timer)
{
	upstream_close(timer->context);
}

static void end_trial(struct upstream *upstream)
{
	if (upstream->on_trial)
		upstream->on_trial = upstream->member->on_trial = false;
}

void upstream_release(struct upstream *upstream, struct upstream **kept)
{
	struct upstreams *owner = upstream->owner;
	struct upstream_member *member = upstream->member;

	/* what nobody asked for has come, or it is going away, or nobody will ask it any more */
	if (!member->refs || member->idle_count >= owner->idle_most || upstream->channel.error ||
	    upstream->channel.hung_up || buffer_length(upstream->channel.in) ||
	    channel_pending(&upstream->channel) || tls_backend_has_more(&upstream->channel)) {
		upstream_close(upstream);
		return;
	}
	member->requests--;
	tally_less(&member->tally->requests_open);
	end_trial(upstream);
	upstream->user = NULL;
	upstream->reused = true;
	channel_rest(&upstream->channel);
	upstream->list = upstream->told ? kept : &member->idle;
	upstream->previous = NULL;
	upstream->next = *upstream->list;
	if (upstream->next)
		upstream->next->previous = upstream;
	*upstream->list = upstream;
	member->idle_count++;
	tally_one(&member->tally->connections_idle);
	owner->idle++;
	wheel_set(owner->wheel, &upstream->timer, loop_now(owner->loop) + owner->idle_ns);
}

/* Whatever comes while it waits, there was no question: it is an end, or the beginning of an answer
 * that would be taken for that to the next request. */
static void ready(struct loop_fd *fd, uint32_t events)
{
	struct upstream *upstream = fd->context;

	channel_note(&upstream->channel, events);
	if (upstream->user)
		upstream->owner->ready(upstream->user, upstream, events);
	else if (events & ~(uint32_t)EPOLLOUT)
		upstream_close(upstream);
}

/* making */

static int open_socket(const union upstream_address *address)
{
	int one = 1,
	    fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t length =
		address->any.sa_family == AF_INET6 ? sizeof(address->ipv6) : sizeof(address->ipv4);
	int error;

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (!connect(fd, &address->any, length) || errno == EINPROGRESS)
		return fd;
	error = -errno;
	close(fd);
	return error;
}

static int make(struct upstreams *upstreams, struct upstream_member *member,
		const struct tls_backend *tls, struct upstream **ret_upstream)
{
	struct upstream *upstream = calloc(1, sizeof(*upstream));
	int fd, error;

	if (!upstream)
		return -ENOMEM;
	fd = open_socket(&member->address);
	error = fd < 0 ? fd
		       : channel_connecting(&upstream->channel, upstreams->loop, upstreams->buffers,
					    fd, ready, upstream);
	if (error) {
		if (fd >= 0)
			close(fd);
		free(upstream);
		return error;
	}
	if (tls)
		error = tls_backend_open(tls, &upstream->channel, member);
	if (error) {
		channel_close(&upstream->channel);
		free(upstream);
		return error;
	}
	upstream->owner = upstreams;
	upstream->member = member;
	upstream->tls_key = tls ? tls->key : 0;
	upstream->timer = (struct wheel_timer){.fire = idle_too_long, .context = upstream};
	member->connections++;
	tally_one(&member->tally->connections_open);
	upstreams->connections++;
	*ret_upstream = upstream;
	return 0;
}

/* A client has as many as there are members that it was sent to: few. */
static struct upstream *kept_for(struct upstream *kept, const struct upstream_member *member)
{
	while (kept && kept->member != member)
		kept = kept->next;
	return kept;
}

/* What was made before its pool was changed is of no use. */
static struct upstream *find_idle(const struct upstream_member *member,
				  struct upstream *const *kept, const struct tls_backend *tls)
{
	uint64_t key = tls ? tls->key : 0;

	for (;;) {
		struct upstream *found = kept ? kept_for(*kept, member) : member->idle;

		if (!found || found->tls_key == key)
			return found;
		upstream_close(found);
	}
}

int upstream_take(struct upstreams *upstreams, struct upstream_member *member,
		  struct upstream *const *kept, const struct tls_backend *tls, void *user,
		  bool fresh, struct upstream **ret_upstream)
{
	struct upstream *upstream = fresh ? NULL : find_idle(member, kept, tls);
	int error = 0;

	if (upstream)
		leave_idle(upstream);
	else
		error = make(upstreams, member, tls, &upstream);
	if (error)
		return error;
	upstream->user = user;
	upstream->on_trial = member->ejected_until && !member->on_trial;
	member->on_trial |= upstream->on_trial;
	member->requests++;
	tally_one(&member->tally->requests_open);
	*ret_upstream = upstream;
	return 0;
}

static int check_socket(const struct upstream *upstream)
{
	socklen_t length = sizeof(int);
	int error = 0;

	if (!upstream->channel.can_write)
		return 0;
	if (getsockopt(upstream->channel.fd.fd, SOL_SOCKET, SO_ERROR, &error, &length))
		error = errno;
	return error ? -error : 1;
}

static int shake(struct upstream *upstream)
{
	struct upstream_member *member = upstream->member;
	int done = tls_backend_handshake(&upstream->channel, &member->address.any);

	if (done > 0) {
		tally_one(&member->tally->tls_handshakes);
		if (tls_backend_resumed(&upstream->channel))
			tally_one(&member->tally->tls_resumed);
	}
	return done;
}

int upstream_check(struct upstream *upstream)
{
	int connected = 1;

	if (upstream->connected)
		return 1;
	if (!upstream->reached)
		connected = check_socket(upstream);
	upstream->reached = connected > 0;
	if (upstream->reached && upstream->channel.tls)
		connected = shake(upstream);
	upstream->connected = connected > 0;
	return connected;
}

void upstream_close(struct upstream *upstream)
{
	struct upstreams *owner = upstream->owner;
	struct upstream_member *member = upstream->member;

	end_trial(upstream);
	if (upstream->user) {
		member->requests--;
		tally_less(&member->tally->requests_open);
	} else {
		leave_idle(upstream);
		if (upstream->channel.tls)
			tls_shut(&upstream->channel);
	}
	channel_close(&upstream->channel);
	member->connections--;
	tally_less(&member->tally->connections_open);
	owner->connections--;
	free(upstream);
	forget(owner, member);
}
