// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "handover.h"

#include <errno.h>
#include <string.h>

int handover_check(const struct handover_message *message, size_t length)
{
	if (length < sizeof(message->version))
		return -EINVAL;
	if (message->version != HANDOVER_VERSION)
		return -EPROTO;
	if (length != sizeof(*message) || !message->type || message->type >= HANDOVER_TYPES)
		return -EINVAL;
	if (message->type == HANDOVER_LISTEN && !memchr(message->name, 0, sizeof(message->name)))
		return -EINVAL;
	if (message->type == HANDOVER_REFUSED && !memchr(message->text, 0, sizeof(message->text)))
		return -EINVAL;
	if (message->type == HANDOVER_TICKETS &&
	    (!message->tickets.count || message->tickets.count > HANDOVER_TICKETS_MAX))
		return -EINVAL;
	return 0;
}
