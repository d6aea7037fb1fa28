// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tls: connect, and make a TLS handshake. Whose certificate it is, is asked only when a ca is
 * given: otherwise that is for those to verify who trust the backend with something.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "certificate.h"
#include "connection.h"
#include "kinds.h"

struct tls {
	struct connection connection;
	struct loop_fd fd; /* of the connection, once it is made */
	SSL *ssl;
};

static SSL_CTX *context;

int tls_prepare(void)
{
	if (!context)
		context = SSL_CTX_new(TLS_client_method());
	if (!context)
		return -ENOMEM;
	SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	return 0;
}

static void fail(struct attempt *attempt)
{
	const struct tls *tls = attempt->own;
	unsigned long error = ERR_peek_last_error();
	const char *reason = error ? ERR_reason_error_string(error) : NULL;
	long found = SSL_get_verify_result(tls->ssl);

	ERR_clear_error();
	if (attempt->probe->question.length[PROBE_TEXT_CA] && found != X509_V_OK) {
		char why[PROBES_ERROR_MAX];

		certificate_tell(attempt->probe, found, why, sizeof(why));
		attempt_fail(attempt, "%s", why);
		return;
	}
	attempt_fail(attempt, "TLS handshake: %s",
		     reason ? reason : "the connection was closed in the middle of it");
}

static void go_on(struct attempt *attempt)
{
	struct tls *tls = attempt->own;
	int result, error = 0;

	ERR_clear_error();
	errno = 0;
	result = SSL_connect(tls->ssl);
	if (result == 1) {
		attempt_pass(attempt);
		return;
	}
	switch (SSL_get_error(tls->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		error = loop_fd_set(attempt->loop, &tls->fd, EPOLLIN);
		break;
	case SSL_ERROR_WANT_WRITE:
		error = loop_fd_set(attempt->loop, &tls->fd, EPOLLOUT);
		break;
	case SSL_ERROR_SYSCALL:
		if (errno) {
			attempt_fail_errno(attempt, -errno);
			return;
		}
		/* fall through */
	default:
		fail(attempt);
		return;
	}
	if (error)
		attempt_fail_errno(attempt, error);
}

static void ready(struct loop_fd *fd, uint32_t events)
{
	(void)events;
	go_on(fd->context);
}

static void made(struct attempt *attempt, int error)
{
	struct tls *tls = attempt->own;
	const struct probe_question *question = &attempt->probe->question;

	if (error) {
		attempt_fail_errno(attempt, error);
		return;
	}
	attempt->phase = "in the TLS handshake";
	loop_fd_remove(attempt->loop, &tls->connection.fd);
	tls->fd = (struct loop_fd){.fd = tls->connection.fd.fd, .ready = ready, .context = attempt};
	tls->ssl = SSL_new(context);
	if (!tls->ssl || !SSL_set_fd(tls->ssl, tls->fd.fd) ||
	    (question->length[PROBE_TEXT_HOST] &&
	     !SSL_set_tlsext_host_name(tls->ssl, question->text[PROBE_TEXT_HOST]))) {
		attempt_fail_errno(attempt, -ENOMEM);
		return;
	}
	error = question->length[PROBE_TEXT_CA] ? certificate_demand(tls->ssl, attempt->probe) : 0;
	if (error == -EINVAL)
		attempt_fault(attempt, "health.ca is no certificate in PEM, or a broken one");
	else if (error)
		attempt_fail_errno(attempt, error);
	else
		go_on(attempt);
}

static int start(struct attempt *attempt)
{
	struct tls *tls = calloc(1, sizeof(*tls));

	if (!tls)
		return -ENOMEM;
	attempt->own = tls;
	connection_open(&tls->connection, attempt, made);
	return 0;
}

static void stop(struct attempt *attempt)
{
	struct tls *tls = attempt->own;

	loop_fd_remove(attempt->loop, &tls->fd);
	SSL_free(tls->ssl);
	connection_close(&tls->connection);
	free(tls);
}

const struct attempt_kind tls_kind = {.start = start, .stop = stop};
