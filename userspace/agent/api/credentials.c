// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "credentials.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "tls.h"

static void read_peer(const struct sockaddr *peer, struct http_credentials *ret)
{
	struct addr addr = {};

	if (peer->sa_family == AF_INET) {
		addr.byte[10] = addr.byte[11] = 0xff;
		memcpy(&addr.byte[12], &((const struct sockaddr_in *)peer)->sin_addr, 4);
	} else {
		memcpy(addr.byte, &((const struct sockaddr_in6 *)peer)->sin6_addr, 16);
	}
	addr_format(&addr, ret->peer);
}

void credentials_read(struct MHD_Connection *connection, struct http_credentials *ret)
{
	const union MHD_ConnectionInfo *info;
	const char *header;
	struct ucred cred;
	socklen_t length = sizeof(cred);

	*ret = (struct http_credentials){.uid = (uid_t)-1};
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (info && info->client_addr &&
	    (info->client_addr->sa_family == AF_INET || info->client_addr->sa_family == AF_INET6)) {
		read_peer(info->client_addr, ret);
		if (!tls_common_name(connection, ret->name, sizeof(ret->name)))
			ret->common_name = ret->name;
	} else {
		info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		if (info &&
		    getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &cred, &length) == 0) {
			ret->local = true;
			ret->uid = cred.uid;
			snprintf(ret->peer, sizeof(ret->peer), "uid %u", cred.uid);
		}
	}
	header = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");
	if (header && !strncasecmp(header, "Bearer ", 7))
		ret->bearer = header + 7 + strspn(header + 7, " ");
}
