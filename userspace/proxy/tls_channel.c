// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tls_channel.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "seen.h"
#include "worker.h"

#define RECORD 16384 /* bytes of one, at most */

/* --- below TLS: the socket ---------------------------------------------------------------------
 */

static int take(BIO *bio, char *to, int room)
{
	struct tls *tls = BIO_get_data(bio);
	struct channel *channel = tls->channel;
	ssize_t n;

	BIO_clear_retry_flags(bio);
	if (!channel->can_read) {
		if (!tls->ended)
			BIO_set_retry_read(bio);
		return tls->ended ? 0 : -1;
	}
	do
		n = recv(channel->fd.fd, to, (size_t)room, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno != EAGAIN) {
		channel->error = -errno;
		return -1;
	}
	/* Less than there is room for was all. */
	if (n <= 0 || (n < room && !channel->hung_up))
		channel->can_read = false;
	if (n < 0)
		BIO_set_retry_read(bio);
	tls->ended = tls->ended || !n;
	return (int)n;
}

/* -EAGAIN: some wait still. */
static int flush(struct tls *tls)
{
	struct channel *channel = tls->channel;
	ssize_t n;

	while (buffer_length(tls->records)) {
		if (!channel->can_write)
			return -EAGAIN;
		n = send(channel->fd.fd, buffer_at(tls->records), buffer_length(tls->records),
			 channel_flags(channel));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return channel_fail(channel, errno);
		if (n < 0)
			channel_full(channel);
		else
			buffer_consume(tls->records, (size_t)n);
	}
	buffer_drop(channel->buffers, &tls->records);
	return 0;
}

/* What the socket does not take is kept, as far as there is room. */
static int give(BIO *bio, const char *bytes, int length)
{
	struct tls *tls = BIO_get_data(bio);
	struct channel *channel = tls->channel;
	ssize_t n = 0;
	size_t rest, room;

	BIO_clear_retry_flags(bio);
	if (flush(tls) != -EAGAIN && channel->can_write && !channel->error)
		n = send(channel->fd.fd, bytes, (size_t)length, channel_flags(channel));
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		channel_fail(channel, errno);
	if (channel->error)
		return -1;
	n = n < 0 ? 0 : n;
	if (n == length)
		return length;
	channel_full(channel);
	if (!tls->records && !(tls->records = buffer_take(channel->buffers))) {
		channel_fail(channel, ENOMEM);
		return -1;
	}
	buffer_pack(tls->records);
	rest = (size_t)(length - n);
	room = buffer_room(tls->records);
	rest = rest < room ? rest : room;
	memcpy(tls->records->bytes + tls->records->end, bytes + n, rest);
	tls->records->end += (uint32_t)rest;
	n += (ssize_t)rest;
	if (n)
		return (int)n;
	BIO_set_retry_write(bio);
	return -1;
}

int tls_precede(struct channel *channel, const char *bytes, size_t length)
{
	struct tls *tls = channel->tls;

	if (!tls->records && !(tls->records = buffer_take(channel->buffers)))
		return -ENOMEM;
	if (buffer_room(tls->records) < length)
		return -ENOBUFS;
	memcpy(tls->records->bytes + tls->records->end, bytes, length);
	tls->records->end += (uint32_t)length;
	return 0;
}

static long control(BIO *bio, int command, long number, void *pointer)
{
	const struct tls *tls = BIO_get_data(bio);

	(void)number;
	(void)pointer;
	if (command == BIO_CTRL_EOF)
		return tls->ended;
	return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *tls_channel_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "channel");

	if (!method)
		return NULL;
	BIO_meth_set_read(method, take);
	BIO_meth_set_write(method, give);
	BIO_meth_set_ctrl(method, control);
	return method;
}

/* --- above it ----------------------------------------------------------------------------------
 */

int tls_channel_open(struct channel *channel, BIO_METHOD *method, SSL *ssl, struct tls **ret_tls)
{
	struct tls *tls = calloc(1, sizeof(*tls));
	BIO *bio = tls ? BIO_new(method) : NULL;

	if (!bio) {
		free(tls);
		SSL_free(ssl);
		return -ENOMEM;
	}
	tls->ssl = ssl;
	tls->channel = channel;
	BIO_set_data(bio, tls);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	SSL_set_app_data(ssl, tls);
	channel->tls = *ret_tls = tls;
	return 0;
}

void tls_channel_close(struct channel *channel)
{
	struct tls *tls = channel->tls;

	if (!tls->done && tls->worker)
		seen_handshake(tls->worker, tls->tenant, tls->shed ? SEEN_SHED : SEEN_FAILED);
	SSL_free(tls->ssl);
	free(tls->client_cert);
	buffer_drop(channel->buffers, &tls->records);
	free(tls);
	channel->tls = NULL;
}

static void note_handshake(struct tls *tls)
{
	if (tls->done || !SSL_is_init_finished(tls->ssl))
		return;
	tls->done = true;
	if (!tls->worker)
		return;
	tls_client_note(tls);
	seen_handshake(tls->worker, tls->tenant,
		       SSL_session_reused(tls->ssl) == 1 ? SEEN_RESUMED : SEEN_FULL);
}

static ssize_t failed(struct tls *tls, int result)
{
	struct channel *channel = tls->channel;
	int why = SSL_get_error(tls->ssl, result);

	if (!channel->error && (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE))
		return -EAGAIN;
	if (!channel->error && why == SSL_ERROR_ZERO_RETURN) {
		channel->ended = true;
		return 0;
	}
	ERR_clear_error();
	return channel_fail(channel, channel->error ? -channel->error : EPROTO);
}

ssize_t tls_fill(struct channel *channel, char *to, size_t room)
{
	struct tls *tls = channel->tls;
	ssize_t n = flush(tls);

	if (n < 0 && n != -EAGAIN)
		return n;
	ERR_clear_error();
	n = SSL_read(tls->ssl, to, room > INT_MAX ? INT_MAX : (int)room);
	note_handshake(tls);
	return n > 0 ? n : failed(tls, (int)n);
}

static ssize_t write_record(struct tls *tls, const char *bytes, size_t length)
{
	int n;

	if (tls->records)
		return -EAGAIN;
	ERR_clear_error();
	n = SSL_write(tls->ssl, bytes, length < RECORD ? (int)length : RECORD);
	if (n <= 0)
		return failed(tls, n) ?: channel_fail(tls->channel, EPIPE);
	tls->channel->sent += (uint64_t)n;
	return n;
}

/* What follows a head goes with it, into one record. Returns how much that is. */
static size_t join(struct buffer *out, const char *bytes, size_t length)
{
	size_t queued = buffer_length(out), room;

	if (!queued || queued >= RECORD || !length)
		return 0;
	if (length > RECORD - queued)
		length = RECORD - queued;
	if (buffer_room(out) < length)
		buffer_pack(out);
	room = buffer_room(out);
	length = length < room ? length : room;
	memcpy(out->bytes + out->end, bytes, length);
	out->end += (uint32_t)length;
	return length;
}

ssize_t tls_send(struct channel *channel, const char *bytes, size_t length)
{
	struct tls *tls = channel->tls;
	ssize_t n = flush(tls);
	size_t joined;

	if (n < 0)
		return n;
	joined = join(channel->out, bytes, length);
	while (channel_pending(channel)) {
		n = write_record(tls, buffer_at(channel->out), channel_pending(channel));
		if (n < 0)
			return n == -EAGAIN && joined ? (ssize_t)joined : n;
		buffer_consume(channel->out, (size_t)n);
	}
	buffer_drop(channel->buffers, &channel->out);
	if (!length)
		return tls->records ? -EAGAIN : 0;
	if (joined == length)
		return (ssize_t)joined;
	n = write_record(tls, bytes + joined, length - joined);
	if (n < 0)
		return n == -EAGAIN && joined ? (ssize_t)joined : n;
	return (ssize_t)joined + n;
}

/* A body without another end must not look whole when it is not: only who is done says so. */
void tls_shut(struct channel *channel)
{
	struct tls *tls = channel->tls;

	if (!tls->done || channel->error)
		return;
	ERR_clear_error();
	SSL_shutdown(tls->ssl);
	ERR_clear_error();
}
