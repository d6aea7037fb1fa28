// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * That tenants cannot hurt each other, shown with real packets through a real mtlbd: each line is a
 * figure with its bound. Where a bound is "more than 0" the same was done without what protects the
 * victim, and shows that the experiment would notice. Exits with 1 when a figure does not hold.
 * Arguments name the experiments to run by their first letters, or with = by their whole name:
 * `isolation =syn reload`.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "isolation/experiments.h"
#include "isolation/lines.h"
#include "lib/node.h"
#include "lib/traffic.h"

#define PRIORITY (-20) /* of all processes here */

int main(int argc, char **argv)
{
	struct wire wire;
	int error;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		fputs("isolation: this benchmark needs two CPUs\n", stderr);
		return 1;
	}
	lines_choose(argc - 1, argv + 1);
	setpriority(PRIO_PROCESS, 0, PRIORITY);
	error = wire_open(&wire);
	error = error ?: node_open();
	error = error ?: traffic_open(&wire);
	error = error ?: experiments_floods();
	error = error ?: experiments_metered();
	error = error ?: experiments_shares();
	error = error ?: experiments_agent();
	traffic_close();
	if (error)
		fprintf(stderr, "isolation: %s\n", strerror(-error));
	return lines_over() || error ? 1 : 0;
}
