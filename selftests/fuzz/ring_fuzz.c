// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A ring of any bytes, with any positions: its reader stays within it, and ends. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../userspace/inspect/ring.h"

#define SIZE 512

struct input {
	uint64_t consumer, producer, at;
	uint8_t data[SIZE];
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input *input = calloc(1, sizeof(*input));
	uint8_t *bytes = malloc(2 * SIZE),
		buffer[64]; /* bytes of their own: one too many is seen */
	struct ring_record record;

	if (!input || !bytes)
		abort();
	memcpy(input, data, size < sizeof(*input) ? size : sizeof(*input));
	memcpy(bytes, input->data, SIZE);
	memcpy(bytes + SIZE, input->data, SIZE);
	struct ring ring = {.consumer = &input->consumer,
			    .producer = &input->producer,
			    .data = bytes,
			    .size = SIZE,
			    .at = input->at};

	for (int i = 0; i < 4 * SIZE; i++)
		if (ring_next(&ring, buffer, sizeof(buffer), &record) != 1)
			break;
	ring_waiting(&ring);
	free(bytes);
	free(input);
	return 0;
}
