// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "certificate.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

/* The last one asked for: most checks that come after each other are of one pool. */
static struct {
	char *text;
	size_t length;
	X509_STORE *store;
} last;

/* How many were added; a negative errno. */
static int add_all(X509_STORE *store, BIO *bio)
{
	X509 *certificate;
	int count = 0;

	while ((certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		int added = X509_STORE_add_cert(store, certificate);

		X509_free(certificate);
		if (!added)
			return -ENOMEM;
		count++;
	}
	/* its end, where no line begins another one, is an error as well */
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		count = -EINVAL;
	ERR_clear_error();
	return count;
}

static int read_store(const char *text, size_t length, X509_STORE **ret_store)
{
	BIO *bio = BIO_new_mem_buf(text, (int)length);
	X509_STORE *store = X509_STORE_new();
	int count = bio && store ? add_all(store, bio) : -ENOMEM;

	BIO_free(bio);
	if (count > 0) {
		*ret_store = store;
		return 0;
	}
	X509_STORE_free(store);
	return count ?: -EINVAL;
}

/* The store is ours, until the next question of another one. */
static int find_store(const char *text, size_t length, X509_STORE **ret_store)
{
	X509_STORE *store;
	char *copy;
	int error;

	if (last.store && last.length == length && memcmp(last.text, text, length) == 0) {
		*ret_store = last.store;
		return 0;
	}
	error = read_store(text, length, &store);
	if (error)
		return error;
	copy = malloc(length);
	if (!copy) {
		X509_STORE_free(store);
		return -ENOMEM;
	}
	memcpy(copy, text, length);
	free(last.text);
	X509_STORE_free(last.store);
	last.text = copy;
	last.length = length;
	last.store = store;
	*ret_store = store;
	return 0;
}

static bool set_name(X509_VERIFY_PARAM *wanted, const struct probes_probe *probe)
{
	char address[ADDR_TEXT_MAX];

	if (probe->question.length[PROBE_TEXT_HOST])
		return X509_VERIFY_PARAM_set1_host(wanted, probe->question.text[PROBE_TEXT_HOST],
						   0);
	return X509_VERIFY_PARAM_set1_ip_asc(wanted, addr_format(&probe->address, address));
}

int certificate_demand(SSL *ssl, const struct probes_probe *probe)
{
	X509_VERIFY_PARAM *wanted = SSL_get0_param(ssl);
	X509_STORE *store = NULL;
	int error = find_store(probe->question.text[PROBE_TEXT_CA],
			       probe->question.length[PROBE_TEXT_CA], &store);

	if (error)
		return error;
	/* one between the root and the backend will do, as with libcurl */
	X509_VERIFY_PARAM_set_flags(wanted, X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (!set_name(wanted, probe) || !SSL_set1_verify_cert_store(ssl, store))
		return -ENOMEM;
	SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	return 0;
}

static void tell_name(const struct probes_probe *probe, char *text, size_t size)
{
	char address[ADDR_TEXT_MAX];
	const char *name = probe->question.length[PROBE_TEXT_HOST]
				   ? probe->question.text[PROBE_TEXT_HOST]
				   : addr_format(&probe->address, address);

	snprintf(text, size, "the certificate is not for %.90s", name);
}

void certificate_tell(const struct probes_probe *probe, long found, char *text, size_t size)
{
	const char *what = NULL;

	switch (found) {
	case X509_V_OK:
	case X509_V_ERR_UNSPECIFIED: /* libcurl's, that compares names by itself */
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		tell_name(probe, text, size);
		return;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		what = " expired";
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		what = " is not valid yet";
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		what = " is by nobody in health.ca";
		break;
	}
	snprintf(text, size, "the certificate%s%s", what ? what : ": ",
		 what ? "" : X509_verify_cert_error_string(found));
}
