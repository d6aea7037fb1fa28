/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a checked configuration to the image that workers map.
 */
#ifndef MTLB_MODEL_L7_COMPILE_H
#define MTLB_MODEL_L7_COMPILE_H

#include "../config.h"
#include "image.h"

struct compile_digest {
	uint8_t all[IMAGE_DIGEST_SIZE], client_ca[IMAGE_DIGEST_SIZE];
};

/* What is in the files of certificates, which the configuration only names. */
struct compile_digests {
	/* Of the certificate of this number, in the order of tenants in config->state and of each
	 * one's wanted_secret(); NULL: it cannot be used. */
	const struct compile_digest *(*of)(const void *context, size_t number);
	const void *context;
};

/* What sessions and keys are made with: of the configuration's own (node.hashSecretFile), or else
 * of these random bytes. */
void compile_secret(const struct config *config, const uint8_t random[16], uint8_t ret_secret[16]);

/*
 * digests: of certificates; NULL: there are none to be shown. Listeners have the numbers that they
 * have in config, tenants those of config->state. seed, generation, *ret_image, err: as for
 * build.h; secret as compile_secret() makes it. 0, -ENOMEM, or -EFBIG: it would not fit into an
 * image. -EINVAL would be a check that is missing, and err says of what.
 */
int compile_image(const struct config *config, const struct compile_digests *digests, uint64_t seed,
		  uint64_t generation, const uint8_t secret[16], void **ret_image, size_t *ret_size,
		  struct err *err);

/* Whether there is anything for workers to do. */
bool compile_is_needed(const struct config *config);

#endif
