// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The list that frames.py makes of the tests' sources, while make runs. */
#include "host.h"

const char *const host_frames[] = {
#define FRAME(text) text,
#include <selftests/frames.def>
#undef FRAME
};

const size_t host_frame_count = sizeof(host_frames) / sizeof(*host_frames);
