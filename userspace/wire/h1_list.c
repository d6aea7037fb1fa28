// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lists with commas and texts without regard to case (RFC 9110, 5.6.1). */
#include "h1_fields.h"
#include "h1_scan.h"

static char lower(char letter)
{
	return letter >= 'A' && letter <= 'Z' ? (char)(letter | 0x20) : letter;
}

bool h1_text_equal(struct h1_text a, struct h1_text b)
{
	if (a.length != b.length)
		return false;
	for (size_t i = 0; i < a.length; i++) {
		if (lower(a.at[i]) != lower(b.at[i]))
			return false;
	}
	return true;
}

bool h1_text_is(struct h1_text text, const char *word)
{
	return h1_text_equal(text, (struct h1_text){word, strlen(word)});
}

bool h1_is_token(struct h1_text text)
{
	const char *end = text.at + text.length;

	return text.length && h1_skip(text.at, end, H1_CLASS_TOKEN) == end;
}

static bool is_space(char byte)
{
	return byte == ' ' || byte == '\t';
}

bool h1_list_next(struct h1_text *rest, struct h1_text *ret_element)
{
	const char *at = rest->at, *end, *comma;

	if (!at)
		return false;
	end = at + rest->length;
	comma = memchr(at, ',', rest->length);
	*rest = comma ? (struct h1_text){comma + 1, (size_t)(end - comma) - 1}
		      : (struct h1_text){NULL, 0};
	end = comma ? comma : end;
	while (at < end && is_space(*at))
		at++;
	while (end > at && is_space(end[-1]))
		end--;
	*ret_element = (struct h1_text){at, (size_t)(end - at)};
	return true;
}

static bool value_has(struct h1_text value, struct h1_text token)
{
	struct h1_text element;

	while (h1_list_next(&value, &element)) {
		if (h1_text_equal(element, token))
			return true;
	}
	return false;
}

bool h1_has_text(const struct h1_head *head, enum h1_name name, struct h1_text wanted)
{
	for (unsigned i = head->first[name]; i && i <= head->count; i++) {
		const struct h1_header *header = &head->headers[i - 1];

		if (header->id == name && value_has(h1_value(header), wanted))
			return true;
	}
	return false;
}

bool h1_has_token(const struct h1_head *head, enum h1_name name, const char *token)
{
	return h1_has_text(head, name, (struct h1_text){token, strlen(token)});
}

const struct h1_header *h1_find_other(const struct h1_head *head, const char *name)
{
	for (unsigned i = 0; i < head->count; i++) {
		const struct h1_header *header = &head->headers[i];

		if (h1_text_is((struct h1_text){header->name, header->name_length}, name))
			return header;
	}
	return NULL;
}
