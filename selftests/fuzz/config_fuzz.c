// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Bytes to configuration: one text, checked as config_load() checks a file. What is refused must be
 * refused in printable lines; what is accepted must be sorted and consistent, and so must its
 * plan, and compile.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/model/diff.h"
#include "userspace/model/l7/compile.h"
#include "userspace/model/l7/image.h"
#include "userspace/model/load.h"

#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static void check_plan(const struct config *config)
{
	struct state nothing = {};
	struct plan plan;
	char text[512];

	REQUIRE(plan_make(&config->state, &config->state, &plan) == 0);
	REQUIRE(plan.count == 0);
	plan_fini(&plan);
	REQUIRE(plan_make(&nothing, &config->state, &plan) == 0);
	for (size_t i = 0; i < plan.count; i++)
		REQUIRE(op_format(&plan.ops[i], text, sizeof(text))[0] == '+');
	plan_fini(&plan);
	REQUIRE(plan_make(&config->state, &nothing, &plan) == 0);
	for (size_t i = 0; i < plan.count; i++)
		REQUIRE(op_format(&plan.ops[i], text, sizeof(text))[0] == '-');
	plan_fini(&plan);
}

/* What the checks let through is an image that workers open. */
static void check_image(const struct config *config)
{
	static const uint8_t secret[16];
	struct image image;
	void *bytes;
	size_t size;

	REQUIRE(!compile_image(config, NULL, 1, 1, secret, &bytes, &size, NULL));
	REQUIRE(!image_open(bytes, size, &image, NULL));
	image_close(&image);
	free(bytes);
}

static void check_errors(const struct config_errors *errors)
{
	REQUIRE(errors->count > 0 && errors->count <= ERRORS_SHOWN + 1);
	for (size_t i = 0; i < errors->count; i++) {
		char text[2048];

		config_error_format(&errors->list[i], text, sizeof(text));
		REQUIRE(strchr(text, '\n') == NULL && strchr(text, 0x1b) == NULL);
		REQUIRE(errors->list[i].line >= 0 && errors->list[i].column >= 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct load load = {};
	struct load_secret secret;
	struct config_errors errors;
	struct config config;

	REQUIRE(load_text(&load, "fuzz.yaml", (const char *)data, size) == 0);
	REQUIRE(load_check(&load, "fuzz", &config, &secret) == 0);
	if (errors_finish(&load.errors, "fuzz", &errors) == 0) {
		check_plan(&config);
		check_image(&config);
	} else {
		check_errors(&errors);
	}
	config_errors_fini(&errors);
	config_fini(&config);
	load_fini(&load);
	return 0;
}
