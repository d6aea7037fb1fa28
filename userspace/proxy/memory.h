/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What this process has of the C library's heap. A page that is new has to be cleared by the
 * kernel, and in a virtual machine often has to be got from the host first: 20 to 80 us, for which
 * all tenants wait. So some is there from the start, and what a flood has needed is kept for the
 * next one.
 */
#ifndef MTLB_PROXY_MEMORY_H
#define MTLB_PROXY_MEMORY_H

/* When all that is to stay has been taken from the heap: it would take what is prepared. 0 or
 * -ENOMEM. */
int memory_prepare(void);

#endif
