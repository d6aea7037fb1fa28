// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tls_server.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>
#include <time.h>

#include "../model/l7/hash.h"
#include "../model/l7/sni.h"
#include "conn.h"
#include "pace.h"
#include "tls_backend.h"
#include "tls_channel.h"

#define PARSED_MOST 1024
#define LIFETIME_S  (8 * 3600) /* of tickets: less than their keys live */

/* --- the name ----------------------------------------------------------------------------------
 */

/* RFC 6066, 3: a list of names, of which there is one kind. False: it is none. */
static bool read_name(SSL *ssl, struct tls *tls)
{
	const unsigned char *at;
	size_t length, name;

	tls->name_length = 0;
	if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &at, &length))
		return true;
	if (length < 5 || (size_t)(at[0] << 8 | at[1]) != length - 2 || at[2])
		return false;
	name = (size_t)(at[3] << 8 | at[4]);
	if (name != length - 5 || !name || name > TLS_NAME_MAX)
		return false;
	for (size_t i = 0; i < name; i++)
		tls->name[i] = hash_lower((char)at[5 + i]);
	tls->name[name] = 0;
	tls->name_length = (uint8_t)name;
	return !memchr(tls->name, 0, name);
}

/* A session belongs to the tenant, and to the name that it was made for (RFC 6066, 3). */
static bool bind_session(SSL *ssl, const struct tls *tls, const struct image *image,
			 uint32_t tenant)
{
	struct image_text owner = image->tenants[tenant].name;
	unsigned char digest[EVP_MAX_MD_SIZE];
	char text[512 + TLS_NAME_MAX + 3 * IMAGE_DIGEST_SIZE], ca[2 * IMAGE_DIGEST_SIZE + 1] = "";
	unsigned size;
	int length;

	for (size_t i = 0; tls->client_auth && i < IMAGE_DIGEST_SIZE; i++)
		snprintf(ca + 2 * i, 3, "%02x", tls->client_ca[i]);
	length = snprintf(text, sizeof(text), "%u:%.*s:%s:%u:%s", owner.length,
			  (int)(owner.length < 512 ? owner.length : 511),
			  image_string(image, owner), tls->name, tls->client_auth, ca);

	return length > 0 &&
	       EVP_Digest(text, (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1,
			  digest, &size, EVP_sha256(), NULL) &&
	       SSL_set_session_id_context(ssl, digest, SSL_MAX_SID_CTX_LENGTH);
}

static int refuse(int *ret_alert, int alert)
{
	*ret_alert = alert;
	return SSL_CLIENT_HELLO_ERROR;
}

static bool ask_client(SSL *ssl, const struct image_certificate *entry,
		       const struct certificate *certificate)
{
	bool required = entry->client_auth == IMAGE_CLIENT_AUTH_REQUIRED;
	STACK_OF(X509_NAME) * names;

	if (entry->client_auth == IMAGE_CLIENT_AUTH_NONE)
		return true;
	names = certificate->client_ca ? SSL_dup_CA_list(certificate->client_ca_names) : NULL;
	if (!names || !SSL_set1_verify_cert_store(ssl, certificate->client_ca)) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return false;
	}
	SSL_set0_CA_list(ssl, names);
	SSL_set_verify(ssl, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
		       NULL);
	return true;
}

static int show(SSL *ssl, struct tls *tls, const struct routing *routing, uint32_t index,
		int *ret_alert)
{
	const struct image_certificate *entry = &routing->image.certificates[index];
	const struct certificate *certificate =
		parsed_find(&tls->worker->tls.parsed, routing->vault, entry->digest);

	tls->client_auth = entry->client_auth;
	memcpy(tls->client_ca, entry->client_ca, sizeof(tls->client_ca));
	if (!certificate || !bind_session(ssl, tls, &routing->image, entry->tenant) ||
	    !SSL_use_cert_and_key(ssl, certificate->leaf, certificate->key, certificate->chain,
				  1) ||
	    !ask_client(ssl, entry, certificate))
		return refuse(ret_alert, SSL_AD_INTERNAL_ERROR);
	if (certificate->ocsp && certificate->ocsp_until > time(NULL))
		memcpy(tls->stapled, entry->digest, sizeof(tls->stapled));
	return SSL_CLIENT_HELLO_SUCCESS;
}

/* RFC 6066, 8: for clients that ask; what is out of date is left out. */
static int staple(SSL *ssl, void *context)
{
	static const uint8_t none[IMAGE_DIGEST_SIZE];
	const struct tls *tls = SSL_get_app_data(ssl);
	const struct certificate *certificate = NULL;
	unsigned char *copy;

	(void)context;
	if (memcmp(tls->stapled, none, sizeof(none)) != 0)
		certificate = parsed_find(&tls->worker->tls.parsed, NULL, tls->stapled);
	if (!certificate || !certificate->ocsp)
		return SSL_TLSEXT_ERR_NOACK;
	copy = OPENSSL_memdup(certificate->ocsp, (size_t)certificate->ocsp_length);
	if (!copy)
		return SSL_TLSEXT_ERR_NOACK;
	SSL_set_tlsext_status_ocsp_resp(ssl, copy, certificate->ocsp_length);
	return SSL_TLSEXT_ERR_OK;
}

static bool admit(struct tls *tls, uint32_t tenant)
{
	struct worker *worker = tls->worker;
	const struct image_tenant *of = &worker->routing->image.tenants[tenant];

	tls->tenant = seen_row(worker, tenant);
	tls->shed = !pace_admit(&worker->pace[tls->tenant - worker->tally.tenants],
				of->max_handshakes, loop_now(worker->loop));
	return !tls->shed;
}

static int said_hello(SSL *ssl, int *ret_alert, void *context)
{
	struct tls *tls = SSL_get_app_data(ssl);
	const struct routing *routing = tls->worker->routing;
	uint32_t certificate;

	(void)context;
	if (!routing || !read_name(ssl, tls))
		return refuse(ret_alert, SSL_AD_DECODE_ERROR);
	if (!tls->name_length)
		return refuse(ret_alert, SSL_AD_MISSING_EXTENSION);
	certificate = sni_find(&routing->image, (struct route_text){tls->name, tls->name_length});
	if (certificate == IMAGE_NONE) {
		tls->worker->tls.counts.unknown_names++;
		return refuse(ret_alert, SSL_AD_UNRECOGNIZED_NAME);
	}
	/* before anything is done that costs more than the look-up */
	if (!admit(tls, routing->image.certificates[certificate].tenant))
		return refuse(ret_alert, SSL_AD_INTERNAL_ERROR);
	return show(ssl, tls, routing, certificate, ret_alert);
}

/* Who offers none of ours is told so (RFC 7301, 3.2). */
static int choose_protocol(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_length,
			   const unsigned char *offered, unsigned length, void *context)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *name;

	(void)ssl;
	(void)context;
	if (SSL_select_next_proto(&name, ret_length, ours, sizeof(ours) - 1, offered, length) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*ret_name = name;
	return SSL_TLSEXT_ERR_OK;
}

/* --- what is shared ----------------------------------------------------------------------------
 */

static bool set_up(SSL_CTX *context)
{
	SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
					     SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					  SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(context, 1);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(context, LIFETIME_S);
	SSL_CTX_set_client_hello_cb(context, said_hello, NULL);
	SSL_CTX_set_tlsext_status_cb(context, staple);
	SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
	return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) &&
	       SSL_CTX_set_cipher_list(context, TLS_CIPHERS) &&
	       SSL_CTX_set1_groups_list(context, TLS_GROUPS) &&
	       SSL_CTX_set_num_tickets(context, 1) &&
	       SSL_CTX_set_tlsext_ticket_key_evp_cb(context, tls_ticket_key);
}

int tls_server_prepare(void)
{
	struct tls_shared shared = {};
	unsigned char byte;
	int error;

	if (!OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) || RAND_bytes(&byte, 1) != 1)
		return -ENOMEM;
	error = tls_server_init(&shared);
	tls_server_fini(&shared);
	return error;
}

int tls_server_init(struct tls_shared *shared)
{
	*shared = (struct tls_shared){
		.parsed.most = PARSED_MOST, .resume.most = TLS_RESUME_BYTES, .tickets.count = 1};
	shared->context = SSL_CTX_new(TLS_server_method());
	shared->method = tls_channel_method();
	if (shared->context && shared->method && set_up(shared->context) &&
	    !tls_backend_init(shared) &&
	    RAND_priv_bytes((unsigned char *)&shared->tickets.keys[0],
			    sizeof(shared->tickets.keys[0])) == 1)
		return 0;
	tls_server_fini(shared);
	return -ENOMEM;
}

void tls_server_fini(struct tls_shared *shared)
{
	parsed_fini(&shared->parsed);
	tls_resume_fini(&shared->resume);
	SSL_CTX_free(shared->context);
	SSL_CTX_free(shared->backends);
	BIO_meth_free(shared->method);
	OPENSSL_cleanse(&shared->tickets, sizeof(shared->tickets));
	shared->context = shared->backends = NULL;
	shared->method = NULL;
}

int tls_server_accept(struct worker *worker, struct listener *listener, struct channel *channel)
{
	uint32_t index = listener ? listener->index : 0;
	SSL *ssl = SSL_new(worker->tls.context);
	struct tls *tls;
	int error;

	if (!ssl)
		return -ENOMEM;
	if (worker->routing->image.listeners[index].tls13)
		SSL_set_min_proto_version(ssl, TLS1_3_VERSION);
	error = tls_channel_open(channel, worker->tls.method, ssl, &tls);
	if (error)
		return error;
	tls->worker = worker;
	tls->listener = listener;
	SSL_set_accept_state(ssl);
	return 0;
}
