// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "feed.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quote.h"

const char *const feed_bogons[] = {
	"0.0.0.0/8",	   /* this network */
	"10.0.0.0/8",	   /* private: RFC 1918 */
	"100.64.0.0/10",   /* between a provider's NAT and its customers: RFC 6598 */
	"127.0.0.0/8",	   /* loopback */
	"169.254.0.0/16",  /* link-local */
	"172.16.0.0/12",   /* private */
	"192.0.0.0/24",	   /* IETF protocols */
	"192.0.2.0/24",	   /* documentation: RFC 5737 */
	"192.168.0.0/16",  /* private */
	"198.18.0.0/15",   /* benchmarks: RFC 2544 */
	"198.51.100.0/24", /* documentation */
	"203.0.113.0/24",  /* documentation */
	"224.0.0.0/4",	   /* multicast */
	"240.0.0.0/4",	   /* reserved, and broadcast */
	"::",		   /* unspecified */
	"::1",		   /* loopback */
	"100::/64",	   /* discard: RFC 6666 */
	"2001:2::/48",	   /* benchmarks: RFC 5180 */
	"2001:db8::/32",   /* documentation: RFC 3849 */
	"3fff::/20",	   /* documentation: RFC 9637 */
	"5f00::/16",	   /* segment routing: RFC 9602 */
	"fc00::/7",	   /* unique local: RFC 4193 */
	"fe80::/10",	   /* link-local */
	"fec0::/10",	   /* site-local, deprecated: RFC 3879 */
	"ff00::/8",	   /* multicast */
};
const size_t feed_bogon_count = sizeof(feed_bogons) / sizeof(*feed_bogons);

/* One list while it is read. */
struct reading {
	struct feed_list list;
	size_t room, line;
};

__attribute__((format(printf, 2, 3))) static void refuse(struct reading *in, const char *format,
							 ...)
{
	struct feed_bad *bad;
	va_list args;

	if (in->list.bad_count++ >= FEED_BAD_SHOWN)
		return;
	bad = &in->list.bad[in->list.bad_count - 1];
	bad->line = in->line;
	va_start(args, format);
	vsnprintf(bad->text, sizeof(bad->text), format, args);
	va_end(args);
}

static int add_prefix(struct reading *in, const char *word)
{
	char text[PREFIX_TEXT_MAX];
	struct prefix prefix;
	int r = prefix_parse(word, &prefix);

	if (r == -EINVAL) {
		refuse(in, "%s is no prefix and no address", quote(word).text);
		return 0;
	}
	prefix_format(&prefix, text);
	if (r == -EDOM) {
		refuse(in, "%s has bits of an address beyond its length; %s may be meant",
		       quote(word).text, text);
		return 0;
	}
	if (strstr(text, "/0")) {
		refuse(in, "%s is everybody", text);
		return 0;
	}
	if (in->list.count == in->room) {
		size_t room = in->room ? 2 * in->room : 1024;
		void *grown = realloc(in->list.prefixes, room * sizeof(*in->list.prefixes));

		if (!grown)
			return -ENOMEM;
		in->list.prefixes = grown;
		in->room = room;
	}
	in->list.prefixes[in->list.count++] = prefix;
	return 0;
}

/* Returns what follows, NULL: it is no port. */
static const char *read_port(const char *text, unsigned *ret_port)
{
	const char *at = text;
	unsigned port = 0;

	for (; *at >= '0' && *at <= '9' && at - text < 5; at++)
		port = 10 * port + (unsigned)(*at - '0');
	*ret_port = port;
	return at == text || port == 0 || port > 65535 ? NULL : at;
}

static void add_ports(struct reading *in, const char *word)
{
	unsigned first, last;
	const char *at = read_port(word, &first);

	last = first;
	if (at && *at == '-')
		at = read_port(at + 1, &last);
	if (!at || *at || last < first) {
		refuse(in, "%s is no port from 1 to 65535, and no range such as 135-139",
		       quote(word).text);
		return;
	}
	for (unsigned port = first; port <= last; port++) {
		uint64_t bit = 1ULL << (port % 64);

		in->list.count += !(in->list.ports[port / 64] & bit);
		in->list.ports[port / 64] |= bit;
	}
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* 0 or -ENOMEM. */
static int add_line(struct reading *in, const char *from, const char *to)
{
	char word[2 * PREFIX_TEXT_MAX];
	size_t length;

	in->line++;
	for (const char *at = from; at < to; at++)
		if (*at == '#' || *at == ';')
			to = at;
	while (from < to && is_space(*from))
		from++;
	while (from < to && is_space(to[-1]))
		to--;
	length = (size_t)(to - from);
	if (!length)
		return 0;
	if (memchr(from, 0, length)) {
		refuse(in, "holds a NUL byte");
		return 0;
	}
	/* what is longer is wrong in any case, and its beginning says enough */
	if (length >= sizeof(word))
		length = sizeof(word) - 1;
	memcpy(word, from, length);
	word[length] = 0;
	if (!in->list.ports)
		return add_prefix(in, word);
	add_ports(in, word);
	return 0;
}

int feed_parse(const char *text, size_t length, bool udp_ports, struct feed_list *ret_list)
{
	const char *end = text + length;
	struct reading in = {};
	int r = 0;

	if (length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		text += 3; /* a byte order mark */
	if (udp_ports) {
		in.list.ports = calloc(FEED_PORT_WORDS, sizeof(*in.list.ports));
		if (!in.list.ports)
			return -ENOMEM;
	}
	while (text < end && r == 0) {
		const char *line = memchr(text, '\n', (size_t)(end - text)) ?: end;

		r = add_line(&in, text, line);
		text = line + 1;
	}
	if (r < 0)
		feed_fini(&in.list);
	*ret_list = in.list;
	return r;
}

void feed_fini(struct feed_list *list)
{
	free(list->prefixes);
	free(list->ports);
	*list = (struct feed_list){};
}
