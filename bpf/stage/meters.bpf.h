/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What tenants and their clients may send: owns mtlb_meters. The agent writes it, admit and client
 * ask. */
#ifndef MTLB_STAGE_METERS_H
#define MTLB_STAGE_METERS_H

#include "array.bpf.h"
#include "../abi/meter.h"

ARRAY_MAP(mtlb_meters, struct mtlb_meter);

#endif
