/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The hash secret: read from its file, checked, and made into a key.
 */
#ifndef MTLB_MODEL_SECRET_H
#define MTLB_MODEL_SECRET_H

#include "load.h"

/* A relative path is taken from the directory of the file that names it. 0, -EINVAL (an error was
 * added) or -ENOMEM.
 */
int secret_read(const struct load_secret *secret, struct errors *errors, uint8_t ret_key[16]);

#endif
