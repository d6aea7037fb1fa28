// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Clients that show certificates (mutual TLS): who they are, and for which hosts that counts. */
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "../model/l7/sni.h"
#include "tls_channel.h"
#include "tls_server.h"

#define SUBJECT_MAX 1024

/* RFC 2253, in ASCII: quotes and control characters are escaped. */
static size_t write_subject(X509 *cert, char *to, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *at;
	long length = 0;

	if (bio && X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253) >= 0)
		length = BIO_get_mem_data(bio, &at);
	if (length <= 0 || (size_t)length >= size)
		length = 0;
	else
		memcpy(to, at, (size_t)length);
	to[length] = 0;
	BIO_free(bio);
	return (size_t)length;
}

void tls_client_note(struct tls *tls)
{
	X509 *cert = SSL_get0_peer_certificate(tls->ssl);
	char text[SUBJECT_MAX + 2 * EVP_MAX_MD_SIZE + 32], subject[SUBJECT_MAX];
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	size_t length;

	if (!cert || !tls->client_auth || SSL_get_verify_result(tls->ssl) != X509_V_OK ||
	    !X509_digest(cert, EVP_sha256(), hash, &size))
		return;
	length = (size_t)sprintf(text, "Hash=");
	for (unsigned i = 0; i < size; i++)
		length += (size_t)sprintf(text + length, "%02x", hash[i]);
	if (write_subject(cert, subject, sizeof(subject)))
		sprintf(text + length, ";Subject=\"%s\"", subject);
	tls->client_cert = strdup(text);
}

static const struct image_certificate *wanted_for(const struct image *image, struct route_text host)
{
	uint32_t index = host.at ? sni_find(image, host) : IMAGE_NONE;

	return index == IMAGE_NONE ? NULL : &image->certificates[index];
}

/* Else a host that wants certificates could be reached by way of one that does not. */
bool tls_client_fits(const struct tls *tls, const struct image *image, struct route_text host)
{
	const struct image_certificate *wanted = wanted_for(image, host);

	if (!wanted || wanted->client_auth == IMAGE_CLIENT_AUTH_NONE)
		return true;
	return wanted->client_auth == tls->client_auth &&
	       !memcmp(wanted->client_ca, tls->client_ca, sizeof(tls->client_ca));
}

const char *tls_client_told(const struct tls *tls, const struct image *image,
			    struct route_text host)
{
	const struct image_certificate *wanted = wanted_for(image, host);

	return wanted && wanted->client_auth != IMAGE_CLIENT_AUTH_NONE ? tls->client_cert : NULL;
}
