// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "figure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const char *figure_number(char text[FIGURE_MAX], double value)
{
	static const char units[] = " kMGTPE";
	size_t unit = 0;

	if (isnan(value) || value < 0) {
		snprintf(text, FIGURE_MAX, "-");
		return text;
	}
	/* 999.6 is 1.00k and not 1000 */
	while (value >= 999.5 && unit < sizeof(units) - 2) {
		value /= 1000;
		unit++;
	}
	if (!unit && (value >= 9.95 || value == floor(value)))
		snprintf(text, FIGURE_MAX, "%.0f", value);
	else if (!unit)
		snprintf(text, FIGURE_MAX, "%.1f", value);
	else
		snprintf(text, FIGURE_MAX, "%.*f%c",
			 value < 9.995	 ? 2
			 : value < 99.95 ? 1
					 : 0,
			 fmin(value, 999), units[unit]);
	return text;
}

const char *figure_share(char text[FIGURE_MAX], double share)
{
	double percent = share * 100;

	if (isnan(share) || share < 0)
		snprintf(text, FIGURE_MAX, "-");
	else if (percent > 0 && percent < 0.05)
		snprintf(text, FIGURE_MAX, "<.1%%");
	else if (percent > 0 && percent < 0.95)
		snprintf(text, FIGURE_MAX, "%.1f%%", percent);
	else if (percent < 999.5)
		snprintf(text, FIGURE_MAX, "%.0f%%", percent);
	else
		snprintf(text, FIGURE_MAX, "%.0fk%%", fmin(round(percent / 1000), 9));
	return text;
}

static void put(char **at, const char *sign)
{
	size_t length = strlen(sign);

	memcpy(*at, sign, length + 1);
	*at += length;
}

static const char *const heights_utf8[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
static const char *const heights_ascii[] = {" ", ".", ":", "-", "=", "+", "*", "#", "@"};

void figure_spark(char *text, const float *values, unsigned count, unsigned width, bool utf8)
{
	const char *const *heights = utf8 ? heights_utf8 : heights_ascii;
	float highest = 0;
	unsigned i;

	*text = 0;
	if (count > width) {
		values += count - width;
		count = width;
	}
	for (i = 0; i < count; i++)
		highest = fmaxf(highest, values[i]);
	for (i = count; i < width; i++)
		put(&text, heights[0]);
	for (i = 0; i < count; i++) {
		bool shown = values[i] > 0 && highest > 0;

		/* what is not nothing is never shown as nothing */
		put(&text,
		    heights[shown ? 1 + (int)fminf(values[i] / highest * 7.0F + 0.5F, 7.0F) : 0]);
	}
}

void figure_bar(char *text, double share, unsigned width, bool utf8)
{
	static const char *const eighths[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
	double full = isnan(share) ? 0 : fmin(fmax(share, 0), 1);
	unsigned parts = (unsigned)(full * 8 * width + 0.5), i;

	*text = 0;
	if (full > 0 && !parts)
		parts = 1;
	for (i = 0; i < width; i++) {
		unsigned here = parts > 8 * i ? parts - 8 * i : 0;

		if (here > 8)
			here = 8;
		put(&text, utf8 ? eighths[here] : here >= 4 || (here && !i) ? "#" : ".");
	}
}

const char *figure_clock(char text[FIGURE_MAX], uint64_t at_ms)
{
	time_t seconds = (time_t)(at_ms / 1000);
	struct tm utc;

	if (!gmtime_r(&seconds, &utc) || !strftime(text, FIGURE_MAX, "%H:%M:%S", &utc))
		snprintf(text, FIGURE_MAX, "?");
	return text;
}
