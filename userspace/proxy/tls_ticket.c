// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Session tickets (RFC 5077), with the keys that all workers have. */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "tls_server.h"
#include "tls_channel.h"
#include "worker.h"

void tls_server_use_tickets(struct tls_shared *shared, const struct handover_tickets *tickets)
{
	shared->tickets = *tickets;
}

static bool set_mac(EVP_MAC_CTX *mac, const struct handover_ticket_key *key)
{
	const OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)key->mac,
						  sizeof(key->mac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA256", 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, parameters);
}

static int make(const struct handover_tickets *tickets, unsigned char name[16], unsigned char *iv,
		EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	const struct handover_ticket_key *key = &tickets->keys[0];

	if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1 ||
	    !EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv) ||
	    !set_mac(mac, key))
		return -1;
	memcpy(name, key->name, sizeof(key->name));
	return 1;
}

/* 2: with a key that is going out of use, and the client gets another one. */
static int take(const struct handover_tickets *tickets, const unsigned char name[16],
		const unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	for (uint32_t i = 0; i < tickets->count; i++) {
		const struct handover_ticket_key *key = &tickets->keys[i];

		if (memcmp(name, key->name, sizeof(key->name)) != 0)
			continue;
		if (!EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv) ||
		    !set_mac(mac, key))
			return -1;
		return i ? 2 : 1;
	}
	return 0;
}

int tls_ticket_key(SSL *ssl, unsigned char name[16], unsigned char *iv, EVP_CIPHER_CTX *cipher,
		   EVP_MAC_CTX *mac, int encrypt)
{
	const struct tls *tls = SSL_get_app_data(ssl);
	const struct handover_tickets *tickets = &tls->worker->tls.tickets;

	return encrypt ? make(tickets, name, iv, cipher, mac)
		       : take(tickets, name, iv, cipher, mac);
}
