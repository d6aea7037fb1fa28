/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What share_drive.bpf.c is told, and what it notes. */
#ifndef MTLB_SELFTESTS_SHARE_DRIVE_H
#define MTLB_SELFTESTS_SHARE_DRIVE_H

#include <linux/types.h>

#define SHARE_BEGIN_NS	1000000000ULL /* what the clock says first */
#define SHARE_WINDOW_NS 10000000ULL
#define SHARE_WINDOWS	128
#define SHARE_TENANTS	4 /* a power of two; the first one is nobody */

struct share_tenant {
	__u32 from, until; /* windows in which it asks */
	__u32 every;	   /* it asks each so many rounds */
	__u32 spare;
	__u64 asked[SHARE_WINDOWS];
	__u64 given[SHARE_WINDOWS];
	__u64 reason[SHARE_WINDOWS]; /* why not, the last one */
};

#endif
