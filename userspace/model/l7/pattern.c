// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>

#include "pattern.h"

#define OPTIONS                                                                           \
	(PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C | \
	 PCRE2_NO_AUTO_CAPTURE | PCRE2_DOLLAR_ENDONLY)
/* A tenth of a millisecond or so; an honest one takes some hundred steps. */
#define STEPS_MAX 10000
#define HEAP_MAX  256 /* KiB */

struct image_compiled {
	pcre2_match_context *limits;
	pcre2_match_data *data;
	uint32_t count;
	pcre2_code *codes[];
};

static pcre2_code *compile(const char *text, size_t length, int *ret_error, size_t *ret_offset)
{
	return pcre2_compile((PCRE2_SPTR)text, length, OPTIONS, ret_error, ret_offset, NULL);
}

int pattern_check(const char *text, size_t length, char *ret_why, size_t why_size,
		  size_t *ret_offset)
{
	int error;
	pcre2_code *code = compile(text, length, &error, ret_offset);

	if (code) {
		pcre2_code_free(code);
		return 0;
	}
	if (error == PCRE2_ERROR_NOMEMORY)
		return -ENOMEM;
	pcre2_get_error_message(error, (PCRE2_UCHAR *)ret_why, why_size);
	return -EINVAL;
}

static int compile_one(struct image *image, uint32_t index, struct err *err)
{
	struct image_text text = image->patterns[index].text;
	size_t offset;
	int error;

	image->compiled->codes[index] =
		compile(image_string(image, text), text.length, &error, &offset);
	if (image->compiled->codes[index])
		return 0;
	if (error == PCRE2_ERROR_HEAP_FAILED || error == PCRE2_ERROR_NOMEMORY)
		return -ENOMEM;
	return err_set(err, -EINVAL, "pattern %u of the image cannot be compiled", index);
}

int pattern_compile_all(struct image *image, struct err *err)
{
	uint32_t count = image->patterns_count;
	struct image_compiled *compiled;
	int error = 0;

	if (!count)
		return 0;
	compiled = calloc(1, sizeof(*compiled) + count * sizeof(compiled->codes[0]));
	if (!compiled)
		return -ENOMEM;
	image->compiled = compiled;
	compiled->count = count;
	compiled->limits = pcre2_match_context_create(NULL);
	compiled->data = pcre2_match_data_create(1, NULL);
	if (!compiled->limits || !compiled->data)
		error = -ENOMEM;
	if (compiled->limits) {
		pcre2_set_match_limit(compiled->limits, STEPS_MAX);
		pcre2_set_depth_limit(compiled->limits, STEPS_MAX);
		pcre2_set_heap_limit(compiled->limits, HEAP_MAX);
	}
	for (uint32_t i = 0; !error && i < count; i++)
		error = compile_one(image, i, err);
	if (error)
		pattern_free_all(image);
	return error;
}

void pattern_free_all(struct image *image)
{
	struct image_compiled *compiled = image->compiled;

	if (!compiled)
		return;
	for (uint32_t i = 0; i < compiled->count; i++)
		pcre2_code_free(compiled->codes[i]);
	pcre2_match_data_free(compiled->data);
	pcre2_match_context_free(compiled->limits);
	free(compiled);
	image->compiled = NULL;
}

int pattern_match(const struct image *image, uint32_t pattern, const char *at, size_t length)
{
	int found = pcre2_match(image->compiled->codes[pattern], (PCRE2_SPTR)at, length, 0, 0,
				image->compiled->data, image->compiled->limits);

	if (found == PCRE2_ERROR_NOMATCH)
		return 0;
	return found < 0 ? -ELOOP : 1;
}
