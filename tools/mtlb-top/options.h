/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The command line. */
#ifndef MTLB_TOP_OPTIONS_H
#define MTLB_TOP_OPTIONS_H

#include "../../userspace/base/err.h"
#include "panel.h"

struct options {
	const char *socket, *record, *replay;
	double every; /* seconds */
	bool batch, utf8, colour;
	unsigned long count; /* tables of a batch; 0: no end */
	enum panel_id panel;
	unsigned width; /* of a batch */
	bool help, version;
};

/* 0, or -EINVAL and a sentence. */
int options_parse(int argc, char **argv, struct options *ret, struct err *err);

extern const char options_usage[];

#endif
