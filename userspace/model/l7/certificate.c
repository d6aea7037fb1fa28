// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "certificate.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define CHAIN_MAX 16
/* Some name below a wildcard, that no certificate has by chance. */
#define ANY_LABEL "mtlb-any-label"

/* No password is asked for. */
static int no_password(char *to, int size, int writing, void *context)
{
	(void)to;
	(void)size;
	(void)writing;
	(void)context;
	return -1;
}

static BIO *open_bytes(struct certificate_bytes bytes)
{
	return bytes.at && bytes.length && bytes.length < INT_MAX
		       ? BIO_new_mem_buf(bytes.at, (int)bytes.length)
		       : NULL;
}

static int take_chain(BIO *bio, struct certificate *to, struct err *err)
{
	X509 *one = bio ? PEM_read_bio_X509(bio, NULL, no_password, NULL) : NULL;

	to->leaf = one;
	if (!one)
		return err_set(err, -EINVAL, "has no certificate in PEM");
	to->chain = sk_X509_new_null();
	if (!to->chain)
		return -ENOMEM;
	while ((one = PEM_read_bio_X509(bio, NULL, no_password, NULL))) {
		if (sk_X509_num(to->chain) < CHAIN_MAX && sk_X509_push(to->chain, one))
			continue;
		X509_free(one);
		return err_set(err, -EINVAL, "has more than %d certificates of issuers", CHAIN_MAX);
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return err_set(err, -EINVAL, "has a broken certificate behind %d good ones",
			       1 + sk_X509_num(to->chain));
	return 0;
}

static int take_key(BIO *bio, struct certificate *to, struct err *err)
{
	to->key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
	if (!to->key)
		return err_set(err, -EINVAL,
			       "has no private key in PEM (one with a password is not taken)");
	if (!X509_check_private_key(to->leaf, to->key))
		return err_set(err, -EINVAL,
			       "is not the key of the certificate; give both of one pair");
	return 0;
}

int certificate_parse(const struct certificate_bytes parts[CERTIFICATE_PARTS],
		      struct certificate *ret_certificate, enum certificate_part *ret_wrong,
		      struct err *err)
{
	BIO *chain = open_bytes(parts[CERTIFICATE_CHAIN]),
	    *key = open_bytes(parts[CERTIFICATE_KEY]);
	struct certificate certificate = {};
	int error;

	ERR_clear_error();
	*ret_wrong = CERTIFICATE_CHAIN;
	error = take_chain(chain, &certificate, err);
	if (!error) {
		*ret_wrong = CERTIFICATE_KEY;
		error = take_key(key, &certificate, err);
	}
	BIO_free(chain);
	BIO_free(key);
	ERR_clear_error();
	if (error)
		certificate_fini(&certificate);
	else
		*ret_certificate = certificate;
	return error;
}

void certificate_fini(struct certificate *certificate)
{
	X509_free(certificate->leaf);
	sk_X509_pop_free(certificate->chain, X509_free);
	EVP_PKEY_free(certificate->key);
	*certificate = (struct certificate){};
}

bool certificate_covers(const struct certificate *certificate, const char *name)
{
	char below[300];

	if (*name == '*') {
		snprintf(below, sizeof(below), ANY_LABEL "%s", name + 1);
		name = below;
	}
	return X509_check_host(certificate->leaf, name, strlen(name),
			       X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
}

int certificate_age(const struct certificate *certificate, time_t now)
{
	if (X509_cmp_time(X509_get0_notBefore(certificate->leaf), &now) > 0)
		return -1;
	return X509_cmp_time(X509_get0_notAfter(certificate->leaf), &now) < 0;
}
