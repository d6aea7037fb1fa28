/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which certificate is shown for a name of a TLS handshake: two look-ups, however many there are.
 */
#ifndef MTLB_MODEL_L7_SNI_H
#define MTLB_MODEL_L7_SNI_H

#include "image.h"
#include "route.h"

/* An index into image->certificates: of the very name, else of the wildcard for its first label.
 * IMAGE_NONE: there is none. */
uint32_t sni_find(const struct image *image, struct route_text name);

#endif
