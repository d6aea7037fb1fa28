// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "roff.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "../../userspace/base/version.h"

static void put(FILE *out, char c)
{
	switch (c) {
	case '\\':
		fputs("\\e", out);
		break;
	case '-': /* as it is typed, and no hyphen */
		fputs("\\-", out);
		break;
	case '\'':
		fputs("\\(aq", out);
		break;
	case '`':
		fputs("\\(ga", out);
		break;
	case '^':
		fputs("\\(ha", out);
		break;
	case '~':
		fputs("\\(ti", out);
		break;
	case '"':
		fputs("\\(dq", out);
		break;
	default:
		fputc(c, out);
	}
}

void roff_begin(FILE *out, const char *name, int section, const char *what)
{
	fputs(".\\\" SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause\n", out);
	fputs(".\\\" Made by `mtlb help man` from its tables: edit these.\n", out);
	fprintf(out, ".TH %s %d \"\" \"mtlb %s\" \"mtlb\"\n", name, section, version_text);
	fputs(".nh\n.ad l\n.SH NAME\n", out);
	fprintf(out, "%s \\- ", name);
	roff_text(out, what);
}

void roff_section(FILE *out, const char *title)
{
	fprintf(out, ".SH %s\n", title);
}

void roff_subsection(FILE *out, const char *title)
{
	fprintf(out, ".SS \"%s\"\n", title);
}

void roff_paragraph(FILE *out)
{
	fputs(".PP\n", out);
}

void roff_text(FILE *out, const char *text)
{
	bool bold = false, begins = true;

	for (; *text; text++) {
		const char *link = *text == ']' && text[1] == '(' ? strchr(text, ')') : NULL;

		if (begins && (*text == '.' || *text == '\''))
			fputs("\\&", out);
		begins = *text == '\n';
		if (*text == '`')
			fputs((bold = !bold) ? "\\fB" : "\\fR", out);
		else if (link)
			text = link;
		else if (*text == '[' && strstr(text, "]("))
			continue;
		else
			put(out, *text);
	}
	if (bold)
		fputs("\\fR", out);
	fputc('\n', out);
}

void roff_term(FILE *out, const char *term)
{
	char font = 0;

	fputs(".TP\n", out);
	for (; *term; term++) {
		char wanted = isupper((unsigned char)*term)				       ? 'I'
			      : islower((unsigned char)*term) || (*term == '-' && font != 'I') ? 'B'
			      : *term == '-' || *term == '_' ? font
							     : 'R';

		if (wanted != font)
			fprintf(out, "\\f%c", wanted);
		font = wanted;
		put(out, *term);
	}
	fputs("\\fR\n", out);
}
