/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The manual pages: mtlb(1), mtlbd(8) and mtlb.yaml(5), from the tables that the programs use. */
#ifndef MTLB_TOOLS_MAN_H
#define MTLB_TOOLS_MAN_H

#include "noun.h"

/* `help man PAGE` */
int man_run(const struct call *call);

#endif
