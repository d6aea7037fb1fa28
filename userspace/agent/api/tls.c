// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tls.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int check_pair(const struct tls *tls)
{
	gnutls_datum_t cert = {(unsigned char *)tls->cert, (unsigned int)strlen(tls->cert)};
	gnutls_datum_t key = {(unsigned char *)tls->key, (unsigned int)strlen(tls->key)};
	gnutls_certificate_credentials_t credentials;
	int code = gnutls_certificate_allocate_credentials(&credentials);

	if (code < 0)
		return code;
	code = gnutls_certificate_set_x509_key_mem(credentials, &cert, &key, GNUTLS_X509_FMT_PEM);
	gnutls_certificate_free_credentials(credentials);
	return code;
}

static int check_ca(const struct tls *tls)
{
	gnutls_datum_t ca = {(unsigned char *)tls->client_ca, (unsigned int)strlen(tls->client_ca)};
	gnutls_x509_trust_list_t list;
	int code = gnutls_x509_trust_list_init(&list, 0);

	if (code < 0)
		return code;
	code = gnutls_x509_trust_list_add_trust_mem(list, &ca, NULL, GNUTLS_X509_FMT_PEM, 0, 0);
	gnutls_x509_trust_list_deinit(list, 1);
	return code ? code : GNUTLS_E_NO_CERTIFICATE_FOUND;
}

static int read_text(const char *path, char **ret_text, struct err *err)
{
	gnutls_datum_t data;
	int code = gnutls_load_file(path, &data);

	if (code < 0)
		return err_set(err, -ENOENT, "cannot read %s: %s", path,
			       errno ? strerror(errno) : gnutls_strerror(code));
	*ret_text = strndup((const char *)data.data, data.size);
	gnutls_free(data.data);
	return *ret_text ? 0 : err_set(err, -ENOMEM, "out of memory");
}

int tls_read(struct tls *tls, const char *cert, const char *key, const char *client_ca,
	     struct err *err)
{
	int code;

	*tls = (struct tls){};
	code = read_text(cert, &tls->cert, err);
	code = code ?: read_text(key, &tls->key, err);
	if (!code && client_ca)
		code = read_text(client_ca, &tls->client_ca, err);
	if (!code && check_pair(tls) < 0)
		code = err_set(err, -EINVAL,
			       "api.certFile %s and api.keyFile %s: %s; both must be PEM, and the "
			       "key that of the first certificate",
			       cert, key, gnutls_strerror(check_pair(tls)));
	if (!code && client_ca && check_ca(tls) <= 0)
		code = err_set(err, -EINVAL, "api.clientCaFile %s holds no certificate (PEM)",
			       client_ca);
	if (code)
		tls_fini(tls);
	return code;
}

void tls_fini(struct tls *tls)
{
	if (tls->key)
		explicit_bzero(tls->key, strlen(tls->key));
	free(tls->cert);
	free(tls->key);
	free(tls->client_ca);
	*tls = (struct tls){};
}

static int read_name(const gnutls_datum_t *der, char *ret_name, size_t size)
{
	gnutls_x509_crt_t certificate;
	size_t length = size;
	int code = gnutls_x509_crt_init(&certificate);

	if (code < 0)
		return code;
	code = gnutls_x509_crt_import(certificate, der, GNUTLS_X509_FMT_DER);
	if (code >= 0)
		code = gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0,
						     ret_name, &length);
	gnutls_x509_crt_deinit(certificate);
	/* one with a NUL in it would be read as another */
	return code >= 0 && strlen(ret_name) == length ? 0 : -1;
}

int tls_common_name(struct MHD_Connection *connection, char *ret_name, size_t size)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	gnutls_session_t session = info ? info->tls_session : NULL;
	const gnutls_datum_t *chain;
	unsigned int status, count;

	if (!session || gnutls_certificate_verify_peers2(session, &status) < 0 || status)
		return -ENOENT;
	chain = gnutls_certificate_get_peers(session, &count);
	return chain && count && !read_name(&chain[0], ret_name, size) ? 0 : -ENOENT;
}
