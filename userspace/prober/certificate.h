/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose certificates are taken, and what is wrong with one that is not, in a sentence.
 */
#ifndef MTLB_PROBER_CERTIFICATE_H
#define MTLB_PROBER_CERTIFICATE_H

#include <stddef.h>

#include <openssl/ssl.h>

#include "../wire/probes.h"

/* Makes ssl take no certificate but one for the question's host, or else the address, by somebody
 * in its ca. 0, -EINVAL: ca is none, -ENOMEM.
 */
int certificate_demand(SSL *ssl, const struct probes_probe *probe);

/* What OpenSSL found (X509_V_*) and a handshake has failed for; X509_V_OK: it was the name. */
void certificate_tell(const struct probes_probe *probe, long found, char *text, size_t size);

#endif
