/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A certificate and what belongs to it, from the bytes of its files (PEM) to what OpenSSL works
 * with; and what can be told of it before anybody is shown it. Pure.
 */
#ifndef MTLB_MODEL_L7_CERTIFICATE_H
#define MTLB_MODEL_L7_CERTIFICATE_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "../../base/err.h"

enum certificate_part {
	CERTIFICATE_CHAIN, /* its own first, then those of issuers */
	CERTIFICATE_KEY,
	CERTIFICATE_CLIENT_CA, /* issuers of the other side's certificates; need not be there */
	CERTIFICATE_OCSP,      /* DER; need not be there */
	CERTIFICATE_PARTS
};

struct certificate_bytes {
	const char *at; /* NULL: there are none */
	size_t length;
};

struct certificate {
	X509 *leaf;
	STACK_OF(X509) * chain; /* without the leaf */
	EVP_PKEY *key;
	X509_STORE *client_ca;		       /* NULL: there is none */
	STACK_OF(X509_NAME) * client_ca_names; /* the same, as they are called */
	unsigned char *ocsp;		       /* NULL: there is none */
	int ocsp_length;
	time_t ocsp_until; /* then it is out of date */
};

/* Issuers may come alone, for a pool that shows nothing: then there is no leaf. 0; -EINVAL: err
 * says what is wrong, and *ret_wrong with which part; -ENOMEM. */
int certificate_parse(const struct certificate_bytes parts[CERTIFICATE_PARTS],
		      struct certificate *ret_certificate, enum certificate_part *ret_wrong,
		      struct err *err);
void certificate_fini(struct certificate *certificate);

/* Whether clients accept it for this name, or for all of "*.acme.example". */
bool certificate_covers(const struct certificate *certificate, const char *name);

/* Below 0: it is not valid yet; above: it has expired. */
int certificate_age(const struct certificate *certificate, time_t now);

#endif
