// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "h1.h"

static const struct {
	unsigned status;
	const char *name, *sentence;
} errors[] = {
#define H1_ERROR(name, status, sentence) {status, #name, sentence},
#include "h1_errors.def"
#undef H1_ERROR
};

/* The row, or -1 for what is no error of a head. */
static int row(int error)
{
	if (error >= -H1_ERROR_BASE || error <= -H1_ERROR_END)
		return -1;
	return -error - H1_ERROR_BASE - 1;
}

unsigned h1_error_status(int error)
{
	return row(error) < 0 ? 400 : errors[row(error)].status;
}

const char *h1_error_name(int error)
{
	return row(error) < 0 ? "unknown" : errors[row(error)].name;
}

const char *h1_error_sentence(int error)
{
	return row(error) < 0 ? "No refusal of a head." : errors[row(error)].sentence;
}
