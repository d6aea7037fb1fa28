// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "value.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../base/prefix.h"
#include "units.h"

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

#define BYTES_IN_HEX "hex:"

static bool is_name(const char *text)
{
	size_t length = strlen(text);

	return length > 0 && length <= VALUE_NAME_MAX && strspn(text, LOWER DIGITS "-") == length &&
	       text[0] != '-' && text[length - 1] != '-';
}

/* What the kernel's dev_valid_name() lets through, less what would not print. */
static bool is_interface(const char *text)
{
	size_t length = strlen(text);

	if (length == 0 || length > 15 || !strcmp(text, ".") || !strcmp(text, ".."))
		return false;
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f || *text == '/' ||
		    *text == ':')
			return false;
	return true;
}

bool value_is_label_key(const char *text)
{
	size_t length = strlen(text);

	return length > 0 && length <= 63 && strspn(text, LOWER UPPER DIGITS "-_./") == length;
}

static bool is_hex(const char *text, uint64_t *ret_bytes)
{
	size_t length = strlen(text);

	*ret_bytes = length / 2;
	return length >= 2 && length <= 2 * (size_t)VALUE_HEX_MAX && length % 2 == 0 &&
	       strspn(text, DIGITS "abcdefABCDEF") == length;
}

size_t value_read_hex(const char *text, uint8_t ret_bytes[VALUE_HEX_MAX])
{
	size_t count = strlen(text) / 2;

	for (size_t i = 0; i < count; i++)
		sscanf(text + 2 * i, "%2hhx", &ret_bytes[i]);
	return count;
}

/* What stays in the folder that it is taken from. */
static bool is_own_file(const char *text)
{
	size_t length = strlen(text);

	if (!length || length > VALUE_PATH_MAX || *text == '/')
		return false;
	for (const char *part = text; *part; part += strspn(part, "/")) {
		size_t end = strcspn(part, "/");

		if (end == 2 && !strncmp(part, "..", 2))
			return false;
		part += end;
	}
	return true;
}

/* Labels of a name as it is asked for; the underscore is in use where it should not be. */
static bool is_host(const char *text)
{
	size_t length = strlen(text);

	if (!length || length > VALUE_HOST_MAX ||
	    strspn(text, LOWER UPPER DIGITS "-._") != length || text[length - 1] == '-')
		return false;
	for (;;) {
		size_t label = strcspn(text, ".");

		if (!label || label > VALUE_NAME_MAX || text[0] == '-' || text[label - 1] == '-')
			return false;
		if (!text[label])
			return true;
		text += label + 1;
	}
}

bool value_is_field(const char *text)
{
	size_t length = strlen(text);

	return length > 0 && length <= VALUE_NAME_MAX &&
	       strspn(text, LOWER UPPER DIGITS "!#$%&'*+-.^_`|~") == length;
}

bool value_is_field_value(const char *text)
{
	size_t length = strlen(text);

	return value_is_printable(text) && (!length || (text[0] != ' ' && text[length - 1] != ' '));
}

bool value_is_parameter(const char *text)
{
	size_t length = strlen(text);

	return length > 0 && length <= 255 && value_is_printable(text);
}

bool value_is_printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || (unsigned char)*text >= 0x7f)
			return false;
	return true;
}

size_t value_read_bytes(const char *text, char *to)
{
	size_t count = strlen(text);

	if (strncmp(text, BYTES_IN_HEX, strlen(BYTES_IN_HEX)) != 0) {
		memcpy(to, text, count);
		return count;
	}
	text += strlen(BYTES_IN_HEX);
	count = strlen(text) / 2;
	for (size_t i = 0; i < count; i++)
		sscanf(text + 2 * i, "%2hhx", (unsigned char *)&to[i]);
	return count;
}

static bool is_bytes(const char *text, uint64_t *ret_bytes)
{
	size_t length = strlen(text);

	*ret_bytes = length;
	if (strncmp(text, BYTES_IN_HEX, strlen(BYTES_IN_HEX)) != 0)
		return true;
	text += strlen(BYTES_IN_HEX);
	length = strlen(text);
	*ret_bytes = length / 2;
	return length % 2 == 0 && strspn(text, DIGITS "abcdefABCDEF") == length;
}

static int parse_statuses(const char *text, uint64_t *ret_number, const char **ret_remedy)
{
	const char *dash = strchr(text, '-');
	uint64_t first, last;
	char copy[4];

	if (dash && dash - text == 3) {
		memcpy(copy, text, 3);
		copy[3] = 0;
		text = copy;
	}
	if (units_parse_number(text, &first) < 0 || first < 100 || first > 599)
		return -EINVAL;
	last = first;
	if (dash && (units_parse_number(dash + 1, &last) < 0 || last < 100 || last > 599))
		return -EINVAL;
	if (last < first) {
		*ret_remedy = "a range goes from its lowest status to its highest";
		return -EINVAL;
	}
	*ret_number = first | last << 16;
	return 0;
}

static bool is_port(uint64_t number)
{
	return number >= 1 && number <= 65535;
}

static int parse_ports(const char *text, uint64_t *ret_number, const char **ret_remedy)
{
	const char *dash = strchr(text, '-');
	uint64_t first, last;
	char copy[8];

	if (strcmp(text, "any") == 0) {
		*ret_number = 65535ULL << 16;
		return 0;
	}
	if (dash && (size_t)(dash - text) < sizeof(copy)) {
		memcpy(copy, text, (size_t)(dash - text));
		copy[dash - text] = 0;
		text = copy;
	}
	if (units_parse_number(text, &first) < 0 || !is_port(first))
		return -EINVAL;
	last = first;
	if (dash && (units_parse_number(dash + 1, &last) < 0 || !is_port(last)))
		return -EINVAL;
	if (dash && last <= first) {
		*ret_remedy = "a range goes from its lowest port to its highest";
		return -EINVAL;
	}
	*ret_number = first | last << 16;
	return 0;
}

static bool is_socket(const char *text, const char **ret_remedy)
{
	if (strlen(text) > VALUE_SOCKET_MAX) {
		*ret_remedy = "the kernel takes no longer one";
		return false;
	}
	return text[0] == '/';
}

static int parse_choice(const char *choices, const char *text, uint64_t *ret_number)
{
	size_t length = strlen(text);

	for (uint64_t i = 0;; i++) {
		size_t size = strcspn(choices, "|");

		if (size == length && memcmp(choices, text, size) == 0) {
			*ret_number = i;
			return 0;
		}
		if (!choices[size])
			return -EINVAL;
		choices += size + 1;
	}
}

void value_nearest_choice(const char *choices, const char *written, struct suggest *near)
{
	char word[SUGGEST_LENGTH_MAX + 1];

	suggest_init(near, written);
	while (*choices) {
		size_t size = strcspn(choices, "|");

		if (size < sizeof(word)) {
			memcpy(word, choices, size);
			word[size] = 0;
			suggest_offer(near, word);
		}
		choices += size + (choices[size] == '|');
	}
}

static int in_range(const struct schema_row *row, uint64_t number, uint64_t *ret_number,
		    const char **ret_remedy)
{
	if (number < row->min)
		*ret_remedy = row->remedy;
	if (number < row->min || number > row->max)
		return -EINVAL;
	*ret_number = number;
	return 0;
}

static int parse_seconds(const struct schema_row *row, const char *text, uint64_t *ret_number,
			 const char **ret_remedy)
{
	uint64_t ms;
	int r = units_parse_duration(text, &ms);

	if (r < 0)
		return -EINVAL;
	if (ms % 1000) {
		*ret_remedy = "it is kept in whole seconds";
		return -EINVAL;
	}
	return in_range(row, ms / 1000, ret_number, ret_remedy);
}

static int parse_range(const struct schema_row *row, const char *text, uint64_t *ret_number,
		       const char **ret_remedy)
{
	uint64_t number;
	int r = row->type == SCHEMA_TYPE_NUMBER	 ? units_parse_number(text, &number)
		: row->type == SCHEMA_TYPE_COUNT ? units_parse_count(text, &number)
		: row->type == SCHEMA_TYPE_RATE	 ? units_parse_rate(text, &number)
						 : units_parse_duration(text, &number);

	return r < 0 ? -EINVAL : in_range(row, number, ret_number, ret_remedy);
}

int value_parse(const struct schema_row *row, const char *text, uint64_t *ret_number,
		const char **ret_remedy)
{
	struct prefix prefix;
	struct addr addr;
	uint64_t bytes;
	uint16_t port;
	bool good = false;

	*ret_remedy = NULL;
	switch (row->type) {
	case SCHEMA_TYPE_NAME:
		good = is_name(text);
		break;
	case SCHEMA_TYPE_INTERFACE:
		good = is_interface(text);
		break;
	case SCHEMA_TYPE_OWN_FILE:
		good = is_own_file(text);
		break;
	case SCHEMA_TYPE_PATH:
		good = text[0] && strlen(text) <= VALUE_PATH_MAX;
		break;
	case SCHEMA_TYPE_SOCKET:
		good = is_socket(text, ret_remedy);
		break;
	case SCHEMA_TYPE_ADDRESS:
		good = addr_parse(text, &addr) == 0;
		break;
	case SCHEMA_TYPE_IPV4:
		good = addr_parse(text, &addr) == 0 && addr_is_ipv4(&addr);
		break;
	case SCHEMA_TYPE_IPV6:
		good = addr_parse(text, &addr) == 0 && !addr_is_ipv4(&addr);
		break;
	case SCHEMA_TYPE_PREFIX:
		/* bits beyond the length are told apart from what is no prefix: check_acl.c */
		good = prefix_parse(text, &prefix) != -EINVAL;
		break;
	case SCHEMA_TYPE_ENDPOINT:
		good = addr_parse_endpoint(text, &addr, &port) == 0;
		break;
	case SCHEMA_TYPE_PORTS:
		return parse_ports(text, ret_number, ret_remedy);
	case SCHEMA_TYPE_HEX:
		good = is_hex(text, ret_number);
		break;
	case SCHEMA_TYPE_HOST:
		good = is_host(text);
		break;
	case SCHEMA_TYPE_DOMAIN:
		good = is_host(strncmp(text, "*.", 2) ? text : text + 2);
		break;
	case SCHEMA_TYPE_FIELD:
		good = value_is_field(text);
		break;
	case SCHEMA_TYPE_TEXT:
		return value_is_printable(text)
			       ? in_range(row, strlen(text), ret_number, ret_remedy)
			       : -EINVAL;
	case SCHEMA_TYPE_BYTES:
		return is_bytes(text, &bytes) ? in_range(row, bytes, ret_number, ret_remedy)
					      : -EINVAL;
	case SCHEMA_TYPE_STATUSES:
		return parse_statuses(text, ret_number, ret_remedy);
	case SCHEMA_TYPE_CHOICE:
		return parse_choice(row->choices, text, ret_number);
	case SCHEMA_TYPE_SECONDS:
		return parse_seconds(row, text, ret_number, ret_remedy);
	case SCHEMA_TYPE_NUMBER:
	case SCHEMA_TYPE_COUNT:
	case SCHEMA_TYPE_RATE:
	case SCHEMA_TYPE_DURATION:
		return parse_range(row, text, ret_number, ret_remedy);
	case SCHEMA_TYPE_LABELS:
	case SCHEMA_TYPE_FIELDS:
	case SCHEMA_TYPE_PARAMETERS:
	case SCHEMA_TYPE_OBJECT:
		break; /* not a single value */
	}
	return good ? 0 : -EINVAL;
}
