// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "certificate.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
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

static int take_client_ca(BIO *bio, struct certificate *to, struct err *err)
{
	X509 *one;
	int count = 0;

	to->client_ca = X509_STORE_new();
	to->client_ca_names = sk_X509_NAME_new_null();
	if (!bio || !to->client_ca || !to->client_ca_names)
		return bio ? -ENOMEM : err_set(err, -EINVAL, "is empty");
	for (; (one = PEM_read_bio_X509(bio, NULL, no_password, NULL)); count++) {
		X509_NAME *name = X509_NAME_dup(X509_get_subject_name(one));
		bool good = name && X509_STORE_add_cert(to->client_ca, one) &&
			    sk_X509_NAME_push(to->client_ca_names, name);

		X509_free(one);
		if (good)
			continue;
		X509_NAME_free(name);
		return -ENOMEM;
	}
	if (!count || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return err_set(err, -EINVAL, "has no certificate in PEM, or a broken one");
	return 0;
}

/* What is said of the certificate itself; NULL: nothing is. */
static OCSP_SINGLERESP *find_said(OCSP_BASICRESP *basic, X509 *leaf)
{
	for (int i = 0; i < OCSP_resp_count(basic); i++) {
		OCSP_SINGLERESP *said = OCSP_resp_get0(basic, i);
		ASN1_INTEGER *serial = NULL;

		OCSP_id_get0_info(NULL, NULL, NULL, &serial,
				  (OCSP_CERTID *)(uintptr_t)OCSP_SINGLERESP_get0_id(said));
		if (serial && !ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf)))
			return said;
	}
	return NULL;
}

static int judge_ocsp(OCSP_BASICRESP *basic, struct certificate *to, struct err *err)
{
	OCSP_SINGLERESP *said = basic ? find_said(basic, to->leaf) : NULL;
	ASN1_GENERALIZEDTIME *until = NULL;
	struct tm tm;

	if (!said)
		return err_set(err, -EINVAL, "says nothing of this certificate");
	if (OCSP_single_get0_status(said, NULL, NULL, NULL, &until) != V_OCSP_CERTSTATUS_GOOD)
		return err_set(err, -EINVAL, "says that the certificate is not good");
	if (!until || !ASN1_TIME_to_tm(until, &tm))
		return err_set(err, -EINVAL, "does not say until when it holds");
	to->ocsp_until = timegm(&tm);
	return 0;
}

static int take_ocsp(struct certificate_bytes bytes, struct certificate *to, struct err *err)
{
	const unsigned char *at = (const unsigned char *)bytes.at;
	OCSP_RESPONSE *response =
		bytes.length < INT_MAX ? d2i_OCSP_RESPONSE(NULL, &at, (long)bytes.length) : NULL;
	OCSP_BASICRESP *basic = NULL;
	int error = 0;

	if (!response || OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
		error = err_set(err, -EINVAL, "is no answer of OCSP in DER");
	if (!error) {
		basic = OCSP_response_get1_basic(response);
		error = judge_ocsp(basic, to, err);
	}
	if (!error) {
		to->ocsp = OPENSSL_memdup(bytes.at, bytes.length);
		to->ocsp_length = (int)bytes.length;
		error = to->ocsp ? 0 : -ENOMEM;
	}
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(response);
	return error;
}

static int take_client_ca_bytes(struct certificate_bytes bytes, struct certificate *to,
				struct err *err)
{
	BIO *bio = open_bytes(bytes);
	int error;

	ERR_clear_error();
	error = take_client_ca(bio, to, err);
	BIO_free(bio);
	return error;
}

static int take_pair(const struct certificate_bytes parts[CERTIFICATE_PARTS],
		     struct certificate *to, enum certificate_part *ret_wrong, struct err *err)
{
	BIO *chain = open_bytes(parts[CERTIFICATE_CHAIN]),
	    *key = open_bytes(parts[CERTIFICATE_KEY]);
	int error;

	*ret_wrong = CERTIFICATE_CHAIN;
	error = take_chain(chain, to, err);
	if (!error) {
		*ret_wrong = CERTIFICATE_KEY;
		error = take_key(key, to, err);
	}
	BIO_free(chain);
	BIO_free(key);
	return error;
}

static bool are_issuers_alone(const struct certificate_bytes parts[CERTIFICATE_PARTS])
{
	return !parts[CERTIFICATE_CHAIN].at && !parts[CERTIFICATE_KEY].at &&
	       !parts[CERTIFICATE_OCSP].at && parts[CERTIFICATE_CLIENT_CA].at;
}

int certificate_parse(const struct certificate_bytes parts[CERTIFICATE_PARTS],
		      struct certificate *ret_certificate, enum certificate_part *ret_wrong,
		      struct err *err)
{
	struct certificate certificate = {};
	int error = 0;

	ERR_clear_error();
	if (!are_issuers_alone(parts))
		error = take_pair(parts, &certificate, ret_wrong, err);
	if (!error && parts[CERTIFICATE_CLIENT_CA].at) {
		*ret_wrong = CERTIFICATE_CLIENT_CA;
		error = take_client_ca_bytes(parts[CERTIFICATE_CLIENT_CA], &certificate, err);
	}
	if (!error && parts[CERTIFICATE_OCSP].at) {
		*ret_wrong = CERTIFICATE_OCSP;
		error = take_ocsp(parts[CERTIFICATE_OCSP], &certificate, err);
	}
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
	X509_STORE_free(certificate->client_ca);
	sk_X509_NAME_pop_free(certificate->client_ca_names, X509_NAME_free);
	OPENSSL_free(certificate->ocsp);
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
