// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "version.h"

#include <stdio.h>

#include "../../userspace/base/version.h"
#include "command.h"
#include "output.h"

int version_print(const struct options *options)
{
	json_t *json;

	if (!options->json) {
		printf("mtlb %s\n", version_text);
		return EXIT_OK;
	}
	json = json_pack("{s:s}", "version", version_text);
	output_json(options, json);
	json_decref(json);
	return EXIT_OK;
}

static int run(const struct call *call)
{
	return command_expect_args(call, 0) ? EXIT_ERROR : version_print(call->options);
}

const struct noun version_noun = {
	.name = "version",
	.help = "which mtlb this is; `mtlb node` says which agent runs",
	.args = "",
	.run = run,
};
