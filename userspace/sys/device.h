/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a network device is like: its state, and what its driver can do for XDP. */
#ifndef MTLB_SYS_DEVICE_H
#define MTLB_SYS_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

enum device_xdp {
	DEVICE_XDP_BASIC = 1 << 0,
	DEVICE_XDP_REDIRECT = 1 << 1,
	DEVICE_XDP_SEND = 1 << 2,	    /* packets redirected to it are sent */
	DEVICE_XDP_PIECES = 1 << 5,	    /* receives packets in several pieces (xdp.frags) */
	DEVICE_XDP_SEND_IN_PIECES = 1 << 6, /* and sends such */
};

/* ret_mtu: 0 when there is no such interface. ret_up: it is up, and has a carrier. */
void device_link(const char *interface, int *ret_mtu, bool *ret_up);

/* As the kernel tells it, since Linux 6.3. Bits of enum device_xdp. -EOPNOTSUPP: this kernel does
 * not tell; or another negative errno. */
int device_xdp_features(uint32_t ifindex, uint64_t *ret_features);

#endif
