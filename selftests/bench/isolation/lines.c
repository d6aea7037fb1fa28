// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lines.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int chosen_count;
static char **chosen;
static unsigned figures, over;

void lines_choose(int count, char **names)
{
	chosen_count = count;
	chosen = names;
}

static bool is_meant(const char *name, const char *by)
{
	return by[0] == '=' ? !strcmp(name, by + 1) : !strncmp(name, by, strlen(by));
}

bool lines_chosen(const char *name)
{
	for (int i = 0; i < chosen_count; i++)
		if (is_meant(name, chosen[i]))
			return true;
	return !chosen_count;
}

bool lines_asked_for(const char *name)
{
	return chosen_count && lines_chosen(name);
}

void lines_progress(const char *what)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K%s", what);
}

void lines_print(const char *name, double value, const char *unit, const char *bound, bool ok)
{
	lines_progress("");
	printf("bench isolation.%s %.6g %s bound %s %s\n", name, value, unit, bound,
	       ok ? "ok" : "over");
	fflush(stdout);
	figures++;
	over += !ok;
}

void lines_none(const char *name, const char *what, uint64_t value, const char *unit)
{
	char whole[64];

	snprintf(whole, sizeof(whole), "%s_%s", name, what);
	lines_print(whole, (double)value, unit, "0", value == 0);
}

void lines_some(const char *name, const char *what, uint64_t value, const char *unit)
{
	char whole[64];

	snprintf(whole, sizeof(whole), "%s_%s", name, what);
	lines_print(whole, (double)value, unit, ">0", value > 0);
}

unsigned lines_over(void)
{
	if (over)
		fprintf(stderr, "isolation: %u of %u figures do not hold\n", over, figures);
	return over;
}
