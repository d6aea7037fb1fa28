/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is wrong with a node that does not forward. Each check adds findings; none changes anything.
 * A check that cannot be made says so in a finding: nothing is taken for good unseen.
 */
#ifndef MTLB_TOOLS_DOCTOR_H
#define MTLB_TOOLS_DOCTOR_H

#include <stdint.h>
#include <stdio.h>

#include "noun.h"

#define DOCTOR_LINKS_MAX 32

enum doctor_level {
	DOCTOR_OK,
	DOCTOR_WARN, /* forwards, but not as it could */
	DOCTOR_BAD,  /* some or all traffic is not forwarded */
};

struct doctor_link {
	char interface[16];
	int mtu;
};

struct doctor {
	const struct call *call;
	const char *directory; /* where programs and maps are pinned */
	const char *root;      /* what /proc and /sys are below: "", but for tests */
	json_t *findings;
	size_t bad;
	struct doctor_link links[DOCTOR_LINKS_MAX]; /* interfaces the program is attached to */
	size_t link_count;
};

/*
 * One finding; the sentence may be formatted. remedy: what to do, NULL: nothing.
 */
void doctor_say(struct doctor *doctor, const char *check, enum doctor_level level,
		const char *remedy, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* A file below the root. NULL, and errno: it cannot be read. */
FILE *doctor_open(const struct doctor *doctor, const char *path);

/* The kernel, the file system, rights, and settings of the host. */
void doctor_look_at_host(struct doctor *doctor);
/* The program and the interfaces it is attached to, as the kernel tells; fills links. */
void doctor_look_at_links(struct doctor *doctor);
/* Parts of it: how many bytes of machine code the program is; and whether answers to checks that an
 * interface gets are taken. */
void doctor_look_at_jit(struct doctor *doctor, uint32_t machine_code);
void doctor_look_at_rp_filter(struct doctor *doctor, const char *interface);
/* What the agent knows: configuration, checks, drift, members, limits. */
void doctor_look_at_agent(struct doctor *doctor);

#endif
