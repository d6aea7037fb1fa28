// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A client that makes TLS handshakes, one after the other and each a full one, for as long as it is
 * told, and says how many there were. For bench/l7.sh; alone it has nobody to ask.
 *
 *   shake ADDRESS PORT NAME SECONDS
 */
#include "measure.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

static bool shake(SSL_CTX *context, const struct sockaddr_in *to, const char *name)
{
	struct linger none = {.l_onoff = 1};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SSL *ssl = SSL_new(context);
	bool good = ssl && fd >= 0 && !connect(fd, (const struct sockaddr *)to, sizeof(*to)) &&
		    SSL_set_fd(ssl, fd) && SSL_set_tlsext_host_name(ssl, name) &&
		    SSL_connect(ssl) == 1 && !SSL_session_reused(ssl);

	/* ports are not to wait for what is over */
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	SSL_free(ssl);
	close(fd);
	return good;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	unsigned long count = 0;
	double until;

	/* make bench runs all that is here */
	if (argc == 1)
		return 0;
	if (argc != 5 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1 || !context) {
		fprintf(stderr, "shake ADDRESS PORT NAME SECONDS\n");
		return 2;
	}
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	for (until = measure_wall_s() + atof(argv[4]); measure_wall_s() < until; count++) {
		if (!shake(context, &to, argv[3])) {
			fprintf(stderr, "shake: handshake %lu failed\n", count + 1);
			return 1;
		}
	}
	printf("%lu\n", count);
	SSL_CTX_free(context);
	return 0;
}
