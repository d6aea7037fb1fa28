// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Captures and hexadecimal digits are read within their bytes, and give a frame or a reason. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../userspace/inspect/capture.h"

static void check(size_t length, const struct err *err)
{
	if (length > SYNTH_FRAME_MAX || !length != (*err->text != 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t frame[SYNTH_FRAME_MAX];
	struct err err = {};

	check(capture_hex((const char *)data, size, frame, &err), &err);
	err = (struct err){};
	check(capture_pcap(data, size, 1 + (size ? data[size - 1] % 4 : 0), frame, &err), &err);
	return 0;
}
