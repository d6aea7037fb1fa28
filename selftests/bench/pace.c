// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How fast this CPU is just now: prints how long it takes for a fixed piece of work, in nanoseconds
 * of the wall's clock. A core of a host may be shared with other virtual machines, and whenever
 * they use it, all that is timed here takes half as long again. The piece is of stores, one after
 * the other, which have to wait for the other half of such a core; short, and the quicker ones of
 * many count, so that interrupts and other tasks of this machine do not.
 *
 *   pace
 */
#include "measure.h"

#define PIECES 200
#define STORES 20000

static double piece(void)
{
	static volatile int place;
	double start = measure_wall_s();

	for (int i = 0; i < STORES; i++)
		place = i;
	(void)place;
	return measure_wall_s() - start;
}

int main(void)
{
	double took[PIECES];

	for (int i = 0; i < PIECES; i++)
		took[i] = piece();
	qsort(took, PIECES, sizeof(*took), measure_compare);
	printf("bench pace %.0f ns\n", took[PIECES / 4] * 1e9);
	return 0;
}
