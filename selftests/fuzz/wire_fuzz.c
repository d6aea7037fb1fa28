// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the prober and mtlbd are told by each other, and the prober by a gRPC server: a message that
 * is taken is taken whole, its texts lie within it and end, and what it says can be printed.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/wire/grpc_health.h"
#include "userspace/wire/probes.h"

#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static void check_probe(const struct probes_probe *probe)
{
	struct probe_question *copy = probe_copy_question(&probe->question);

	REQUIRE(copy && probe_same_question(copy, &probe->question));
	for (int i = 0; i < PROBE_TEXTS; i++)
		REQUIRE(copy->length[i] <= PROBE_TEXT_MAX && copy->text[i][copy->length[i]] == 0);
	REQUIRE(probe->kind > PROBE_NONE && probe->kind < PROBE_KINDS);
	REQUIRE(probe->interval_ms && probe->timeout_ms && probe->jitter <= 100 &&
		probe->proxy_protocol <= 2);
	free(copy);
}

static void check_result(const struct probes_result *result)
{
	size_t length = strnlen(result->error, sizeof(result->error));

	REQUIRE(length < sizeof(result->error) && result->outcome < PROBES_OUTCOMES);
	for (size_t i = 0; i < length; i++)
		REQUIRE(result->error[i] >= ' ' && result->error[i] < 0x7f);
}

static void read_message(const uint8_t *bytes, size_t length)
{
	struct probes_reader reader;
	struct probes_result result;
	struct probes_probe probe;
	uint32_t id;
	int more = 1;

	switch (probes_open(&reader, bytes, length)) {
	case PROBES_SET:
		while ((more = probes_next_probe(&reader, &probe)) > 0)
			check_probe(&probe);
		break;
	case PROBES_REMOVE:
		while ((more = probes_next_removal(&reader, &id)) > 0)
			;
		break;
	case PROBES_RESULTS:
		while ((more = probes_next_result(&reader, &result)) > 0)
			check_result(&result);
		break;
	default:
		return;
	}
	REQUIRE(more == 0 || more == -EBADMSG);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const char *status = NULL;

	read_message(bytes, length);
	if (!grpc_health_read(bytes, length, &status))
		REQUIRE(status && status[0]);
	return 0;
}
