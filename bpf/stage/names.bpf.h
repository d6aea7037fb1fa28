/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Arrays of what the numbers in the other maps stand for (abi/names.h), and of what tenants were
 * counted for before (abi/total.h): hardly a packet reads them.
 */
#ifndef MTLB_STAGE_NAMES_H
#define MTLB_STAGE_NAMES_H

#include "array.bpf.h"
#include "../abi/names.h"
#include "../abi/total.h"

ARRAY_MAP(mtlb_node, struct mtlb_node);
ARRAY_MAP(mtlb_tenants, struct mtlb_tenant);
ARRAY_MAP(mtlb_services, struct mtlb_service);
ARRAY_MAP(mtlb_member_names, struct mtlb_member_name);
ARRAY_MAP(mtlb_totals, struct mtlb_total);

#endif
