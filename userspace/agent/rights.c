// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "rights.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "../base/log.h"
#include "../sys/sandbox.h"

static const struct {
	int capability;
	const char *name;
	const char *without; /* what does not work then; NULL: nothing does */
} needed[] = {
	{CAP_BPF, "CAP_BPF", NULL},
	{CAP_NET_ADMIN, "CAP_NET_ADMIN", NULL},
	{CAP_PERFMON, "CAP_PERFMON", NULL}, /* the verifier trusts pointers of those who have it */
	{CAP_NET_RAW, "CAP_NET_RAW", "health checks of type icmp"},
	{CAP_SETUID, "CAP_SETUID", "health checks by a user of their own"},
	{CAP_SETGID, "CAP_SETGID", "health checks by a user of their own"},
	{CAP_SETPCAP, "CAP_SETPCAP", "health checks by a process without rights"},
	{CAP_KILL, "CAP_KILL", "ending a process of health checks that hangs"},
	{CAP_CHOWN, "CAP_CHOWN", "an API socket that others may use"},
	{CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH", "reading configuration files of other users"},
	{CAP_NET_BIND_SERVICE, "CAP_NET_BIND_SERVICE",
	 "an API, or a listener, on a port below 1024"},
};

#define COUNT (sizeof(needed) / sizeof(needed[0]))

static size_t place_of(int capability)
{
	size_t i = 0;

	while (needed[i].capability != capability)
		i++;
	return i;
}

static int tell_missing(const int *missing, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		size_t at = place_of(missing[i]);

		if (!needed[at].without)
			return err_set(
				err, -EPERM,
				"this process has not %s, without which no XDP program can be "
				"loaded: start it as root, or grant it (systemd: "
				"CapabilityBoundingSet=; docker: --cap-add)",
				needed[at].name);
		log_warn("agent", "without %s there is no %s: grant it, or do without",
			 needed[at].name, needed[at].without);
	}
	return 0;
}

int rights_limit(struct err *err)
{
	int capabilities[COUNT], missing[COUNT], error;
	size_t count;

	for (size_t i = 0; i < COUNT; i++)
		capabilities[i] = needed[i].capability;
	count = sandbox_missing(capabilities, COUNT, missing);
	error = tell_missing(missing, count, err);
	if (error)
		return error;
	error = sandbox_keep(capabilities, COUNT);
	if (error)
		return err_set(err, error, "cannot give up rights that are not needed: %s",
			       strerror(-error));
	error = sandbox_filter_service();
	return error ? err_set(err, error, "cannot limit the system calls: %s", strerror(-error))
		     : 0;
}
