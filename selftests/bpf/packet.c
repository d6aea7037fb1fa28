// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "packet.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LAYERS_MAX 20

enum kind {
	ETH,
	VLAN,
	IP4,
	IP6,
	EXTENSION,
	FRAGMENT,
	TCP,
	UDP,
	SCTP,
	QUIC,
	ICMP,
	ICMP6,
	BYTES
};

/* The names addresses have in the tests; the last byte of `member` is the member's number. */
static const struct {
	const char *name, *ip4, *ip6;
} hosts[] = {
	{"client", "198.51.100.7", "2001:db8:c::7"}, {"acme", "192.0.2.1", "2001:db8:1::1"},
	{"globex", "192.0.2.2", "2001:db8:1::2"},    {"host", "203.0.113.9", "2001:db8:e::9"},
	{"pinged", "192.0.2.7", "2001:db8:1::7"},    {"lb", "10.0.0.1", "fd00::1"},
	{"member", "10.1.0.0", "fd00:1::"},
};

static const struct {
	const char *name;
	uint8_t mac[6];
} stations[] = {
	{"client", {2, 0, 0, 0, 1, 0xc}},     {"lb", {2, 0, 0, 0, 1, 0xb}},
	{"hop", {2, 0, 0, 0, 2, 0}},	      {"all", {255, 255, 255, 255, 255, 255}},
	{"group", {1, 0, 0x5e, 0, 0, 1}},     {"group6", {0x33, 0x33, 0, 0, 0, 1}},
	{"lldp", {1, 0x80, 0xc2, 0, 0, 0xe}},
};

static const struct {
	const char *name;
	uint8_t type;
} chunks[] = {
	{"DATA", 0},  {"INIT", 1},	   {"HEARTBEAT", 4},	      {"ABORT", 6},
	{"ERROR", 9}, {"COOKIE-ECHO", 10}, {"SHUTDOWN-COMPLETE", 14},
};

static const struct field {
	enum kind kind;
	const char *name;
	unsigned int bit, width;
} fields[] = {
#define FIELD(kind, name, bit, width) {kind, #name, bit, width},
#include "packet_fields.def"
#undef FIELD
};

#define FIELDS (sizeof(fields) / sizeof(*fields))

struct layer {
	enum kind kind;
	size_t at, size;
	uint64_t given; /* fields the text sets: bit i for fields[i] */
	long off_by;	/* len +N */
};

struct builder {
	struct frame *frame;
	const struct frame_words *words;
	const char *text;
	char *rest; /* of the text, for strtok_r */
	struct layer layer[LAYERS_MAX];
	size_t layers;
	size_t end_of_ip; /* 0: the end of the frame */
	size_t cut;
};

static const char *next_word(struct builder *b)
{
	return strtok_r(NULL, " ", &b->rest);
}

static const char *needed(struct builder *b, const char *what)
{
	const char *word = next_word(b);

	if (!word)
		fail_msg("\"%s\": it ends before %s", b->text, what);
	return word;
}

static unsigned long number(struct builder *b, const char *word)
{
	char *end;
	unsigned long value = strtoul(word, &end, 0);

	if (end == word || *end)
		fail_msg("\"%s\": %s is no number", b->text, word);
	return value;
}

static void set_bits(uint8_t *header, unsigned int bit, unsigned int width, unsigned long value)
{
	for (unsigned int i = 0; i < width; i++) {
		unsigned int at = bit + width - 1 - i;
		uint8_t mask = (uint8_t)(0x80 >> (at % 8));

		header[at / 8] = value >> i & 1 ? header[at / 8] | mask : header[at / 8] & ~mask;
	}
}

static size_t find_field(enum kind kind, const char *name)
{
	for (size_t i = 0; i < FIELDS; i++)
		if (fields[i].kind == kind && !strcmp(fields[i].name, name))
			return i;
	return FIELDS;
}

/* What the builder knows by itself: it gives way to what the text says. */
static void fill(struct builder *b, const struct layer *layer, const char *name,
		 unsigned long value)
{
	size_t field = find_field(layer->kind, name);

	if (field < FIELDS && !(layer->given >> field & 1))
		set_bits(b->frame->byte + layer->at, fields[field].bit, fields[field].width, value);
}

static uint8_t *append(struct builder *b, size_t size)
{
	uint8_t *at = b->frame->byte + b->frame->length;

	if (b->frame->length + size > FRAME_MAX)
		fail_msg("\"%s\": longer than a frame of %d bytes", b->text, FRAME_MAX);
	memset(at, 0, size);
	b->frame->length += size;
	return at;
}

/* type and protocol: how the layer before calls this one. */
static struct layer *add_layer(struct builder *b, enum kind kind, size_t size, unsigned long type,
			       unsigned long protocol)
{
	struct layer *layer = &b->layer[b->layers];

	if (b->layers == LAYERS_MAX)
		fail_msg("\"%s\": too many layers", b->text);
	if (b->layers) {
		fill(b, layer - 1, "type", type);
		fill(b, layer - 1, "next", protocol);
	}
	b->layers++;
	*layer = (struct layer){.kind = kind, .at = b->frame->length, .size = size};
	append(b, size);
	return layer;
}

/* Bytes in hexadecimal. Returns how many they are. */
static size_t append_hex(struct builder *b, const char *word)
{
	size_t size = strlen(word) / 2;
	uint8_t *at = append(b, size);

	for (size_t i = 0; i < size; i++)
		if (sscanf(word + 2 * i, "%2hhx", &at[i]) != 1)
			fail_msg("\"%s\": %s is no hexadecimal", b->text, word);
	return size;
}

static void put_station(struct builder *b, uint8_t *to, const char *name)
{
	for (size_t i = 0; i < sizeof(stations) / sizeof(*stations); i++)
		if (!strcmp(stations[i].name, name)) {
			memcpy(to, stations[i].mac, 6);
			if (!strcmp(name, "hop"))
				to[5] = b->words->member;
			return;
		}
	fail_msg("\"%s\": nobody is called %s", b->text, name);
}

static void put_host(struct builder *b, int family, uint8_t *to, const char *name)
{
	const char *address = name;
	size_t size = family == AF_INET ? 4 : 16;

	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++)
		if (!strcmp(hosts[i].name, name))
			address = family == AF_INET ? hosts[i].ip4 : hosts[i].ip6;
	if (inet_pton(family, address, to) != 1)
		fail_msg("\"%s\": %s is no address", b->text, name);
	if (!strcmp(name, "member"))
		to[size - 1] = b->words->member;
}

static const char *other_end(struct builder *b)
{
	if (strcmp(needed(b, ">"), ">") != 0)
		fail_msg("\"%s\": expected A > B", b->text);
	return needed(b, "the other end");
}

static void begin_ports(struct builder *b, enum kind kind, size_t size, unsigned long protocol)
{
	struct layer *layer = add_layer(b, kind, size, 0, protocol);
	uint8_t *header = b->frame->byte + layer->at;

	set_bits(header, 0, 16, number(b, needed(b, "a port")));
	set_bits(header, 16, 16, number(b, other_end(b)));
}

/* Common header and the header of the first chunk. */
static void begin_sctp(struct builder *b)
{
	const char *name;

	begin_ports(b, SCTP, 16, IPPROTO_SCTP);
	name = needed(b, "a chunk");
	for (size_t i = 0; i < sizeof(chunks) / sizeof(*chunks); i++)
		if (!strcmp(chunks[i].name, name)) {
			b->frame->byte[b->layer[b->layers - 1].at + 12] = chunks[i].type;
			return;
		}
	fail_msg("\"%s\": no chunk is called %s", b->text, name);
}

static void begin_ip(struct builder *b, int family)
{
	struct layer *layer = family == AF_INET ? add_layer(b, IP4, 20, 0x0800, IPPROTO_IPIP)
						: add_layer(b, IP6, 40, 0x86dd, IPPROTO_IPV6);
	uint8_t *header = b->frame->byte + layer->at;

	put_host(b, family, header + (family == AF_INET ? 12 : 8), needed(b, "a source"));
	put_host(b, family, header + (family == AF_INET ? 16 : 24), other_end(b));
	set_bits(header, 0, 4, family == AF_INET ? 4 : 6);
	header[family == AF_INET ? 8 : 7] = 64;
	if (!b->frame->l3)
		b->frame->l3 = layer->at;
}

static void begin_inner(struct builder *b)
{
	const struct frame *inner = b->words->inner;
	bool ip6 = inner->byte[inner->l3] >> 4 == 6;

	add_layer(b, BYTES, 0, ip6 ? 0x86dd : 0x0800, ip6 ? IPPROTO_IPV6 : IPPROTO_IPIP);
	if (!b->frame->l3)
		b->frame->l3 = b->frame->length;
	b->end_of_ip = b->frame->length + inner->ip_length;
	memcpy(append(b, inner->length - inner->l3), inner->byte + inner->l3,
	       inner->length - inner->l3);
}

static void begin_quote(struct builder *b)
{
	const struct frame *inner = b->words->inner;
	size_t size = number(b, needed(b, "a count"));

	if (inner->l3 + size > inner->length)
		fail_msg("\"%s\": there are no %zu bytes to quote", b->text, size);
	add_layer(b, BYTES, 0, 0, 0);
	memcpy(append(b, size), inner->byte + inner->l3, size);
}

/* RFC 8999, 5: the type stands where version 1 has it. No source connection ID. */
static void begin_quic(struct builder *b)
{
	bool is_long = !strcmp(needed(b, "short or long"), "long");
	unsigned long type = is_long ? number(b, needed(b, "a type")) : 0;
	struct layer *layer = add_layer(b, QUIC, is_long ? 6 : 1, 0, 0);
	size_t size = append_hex(b, needed(b, "a connection ID"));

	b->frame->byte[layer->at] = is_long ? (uint8_t)(0xc0 | type << 4) : 0x40;
	if (!is_long)
		return;
	append(b, 1);
	fill(b, layer, "version", 1);
	fill(b, layer, "dcil", size);
}

/* From a port that tells flows apart, to the one IANA gave to GUE. */
static void begin_gue(struct builder *b)
{
	struct layer *layer = add_layer(b, UDP, 8, 0, IPPROTO_UDP);

	fill(b, layer, "from", 0xc000 | (b->words->hash >> 16 & 0x3fff));
	fill(b, layer, "to", 6080);
}

static void begin_extension(struct builder *b, unsigned long protocol)
{
	const char *rest = b->rest;
	size_t units = 0;

	/* the number of units may be left out */
	if (rest && rest[0] >= '0' && rest[0] <= '9')
		units = number(b, next_word(b));
	add_layer(b, EXTENSION, 8 + units * 8, 0, protocol);
}

static void begin_icmp(struct builder *b, enum kind kind, unsigned long protocol)
{
	struct layer *layer = add_layer(b, kind, 8, 0, protocol);

	b->frame->byte[layer->at] = (uint8_t)number(b, needed(b, "a type"));
}

static void begin_eth(struct builder *b)
{
	uint8_t *header = b->frame->byte + add_layer(b, ETH, 14, 0, 0)->at;
	bool named = b->rest && *b->rest && *b->rest != '/' && strncmp(b->rest, "type", 4) != 0;

	put_station(b, header + 6, named ? needed(b, "a source") : "client");
	put_station(b, header, named ? other_end(b) : "lb");
}

static void begin_plain(struct builder *b, const char *word)
{
	unsigned long count = number(
		b, !strcmp(word, "pad") || !strcmp(word, "cut") ? needed(b, "a count") : word);
	uint8_t *at;

	if (!strcmp(word, "cut")) {
		b->cut = count;
		return;
	}
	if (!strcmp(word, "pad"))
		b->end_of_ip = b->end_of_ip ?: b->frame->length;
	else if (strcmp(needed(b, "bytes"), "bytes") != 0)
		fail_msg("\"%s\": %s is no layer", b->text, word);
	at = append(b, count);
	for (size_t i = 0; i < count; i++)
		at[i] = (uint8_t)(i * 7 + 1);
}

static void begin_vlan(struct builder *b, unsigned long type)
{
	struct layer *layer = add_layer(b, VLAN, 4, type, 0);

	set_bits(b->frame->byte + layer->at, 4, 12, number(b, needed(b, "a VLAN")));
}

static void begin(struct builder *b, const char *word)
{
	if (!strcmp(word, "eth"))
		begin_eth(b);
	else if (!strcmp(word, "vlan"))
		begin_vlan(b, 0x8100);
	else if (!strcmp(word, "qinq"))
		begin_vlan(b, 0x88a8);
	else if (!strcmp(word, "ip4"))
		begin_ip(b, AF_INET);
	else if (!strcmp(word, "ip6"))
		begin_ip(b, AF_INET6);
	else if (!strcmp(word, "hopopts"))
		begin_extension(b, IPPROTO_HOPOPTS);
	else if (!strcmp(word, "routing"))
		begin_extension(b, IPPROTO_ROUTING);
	else if (!strcmp(word, "dstopts"))
		begin_extension(b, IPPROTO_DSTOPTS);
	else if (!strcmp(word, "fragment"))
		add_layer(b, FRAGMENT, 8, 0, IPPROTO_FRAGMENT);
	else if (!strcmp(word, "tcp"))
		begin_ports(b, TCP, 20, IPPROTO_TCP);
	else if (!strcmp(word, "udp"))
		begin_ports(b, UDP, 8, IPPROTO_UDP);
	else if (!strcmp(word, "sctp"))
		begin_sctp(b);
	else if (!strcmp(word, "gue"))
		begin_gue(b);
	else if (!strcmp(word, "quic"))
		begin_quic(b);
	else if (!strcmp(word, "icmp"))
		begin_icmp(b, ICMP, IPPROTO_ICMP);
	else if (!strcmp(word, "icmp6"))
		begin_icmp(b, ICMP6, IPPROTO_ICMPV6);
	else if (!strcmp(word, "*"))
		begin_inner(b);
	else if (!strcmp(word, "quote"))
		begin_quote(b);
	else
		begin_plain(b, word);
}

/* Options of IPv4 and TCP. Returns false when the word is none of theirs. */
static bool add_options(struct builder *b, struct layer *layer, const char *word)
{
	size_t was = b->frame->length;

	if (!strcmp(word, "options")) {
		size_t size = number(b, needed(b, "a count"));

		memset(append(b, size), 1, size);
	} else if (!strcmp(word, "option")) {
		append_hex(b, needed(b, "bytes"));
	} else if (!strcmp(word, "mss")) {
		uint8_t *option = append(b, 4);

		option[0] = 2;
		option[1] = 4;
		set_bits(option, 16, 16, number(b, needed(b, "a size")));
	} else {
		return false;
	}
	layer->size += b->frame->length - was;
	return true;
}

static void set_field(struct builder *b, struct layer *layer, const char *word)
{
	size_t field = find_field(layer->kind, word);
	const char *value;

	if (add_options(b, layer, word))
		return;
	if (field == FIELDS)
		fail_msg("\"%s\": %s is no field of its layer", b->text, word);
	value = fields[field].width == 1 ? "1" : needed(b, "a value");
	if (*value == '+' || *value == '-') {
		layer->off_by = strtol(value, NULL, 10);
		return;
	}
	layer->given |= 1ULL << field;
	set_bits(b->frame->byte + layer->at, fields[field].bit, fields[field].width,
		 !strcmp(value, "flow") ? b->words->flow : number(b, value));
}

/* RFC 1071, the long way. */
static unsigned long checksum(const uint8_t *data, size_t size, unsigned long sum)
{
	for (size_t i = 0; i < size; i++)
		sum += i % 2 ? data[i] : (unsigned long)data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static unsigned long checksum_l4(struct builder *b, const struct layer *layer,
				 unsigned long protocol)
{
	size_t length = b->end_of_ip - layer->at;
	unsigned long sum = length + protocol;
	const struct layer *ip = layer;

	while (ip->kind != IP4 && ip->kind != IP6)
		if (ip-- == b->layer)
			return 0;
	sum = ip->kind == IP4 ? checksum(b->frame->byte + ip->at + 12, 8, sum)
			      : checksum(b->frame->byte + ip->at + 8, 32, sum);
	return ~checksum(b->frame->byte + layer->at, length, sum) & 0xffff;
}

/* Inner layers first: the outer ones' checksums cover them. */
static void finish_layer(struct builder *b, const struct layer *layer)
{
	uint8_t *header = b->frame->byte + layer->at;
	unsigned long length = b->end_of_ip - layer->at + (unsigned long)layer->off_by;

	switch (layer->kind) {
	case IP4:
		fill(b, layer, "ihl", layer->size / 4);
		fill(b, layer, "len", length);
		fill(b, layer, "csum", ~checksum(header, layer->size, 0) & 0xffff);
		break;
	case IP6:
		fill(b, layer, "len", length - 40);
		break;
	case EXTENSION:
		fill(b, layer, "len", layer->size / 8 - 1);
		break;
	case TCP:
		fill(b, layer, "doff", layer->size / 4);
		fill(b, layer, "csum", checksum_l4(b, layer, IPPROTO_TCP));
		break;
	case UDP:
		fill(b, layer, "len", length);
		fill(b, layer, "csum", checksum_l4(b, layer, IPPROTO_UDP) ?: 0xffff);
		break;
	case SCTP:
		fill(b, layer, "len", length - 12);
		break;
	case ICMP:
		fill(b, layer, "csum", ~checksum(header, b->end_of_ip - layer->at, 0) & 0xffff);
		break;
	case ICMP6:
		fill(b, layer, "csum", checksum_l4(b, layer, IPPROTO_ICMPV6));
		break;
	default:
		break;
	}
}

static void note_ip_length(struct frame *frame)
{
	const uint8_t *ip = frame->byte + frame->l3;

	frame->ip_length = ip[0] >> 4 == 6 ? 40U + ((unsigned int)ip[4] << 8) + ip[5]
					   : ((unsigned int)ip[2] << 8) + ip[3];
}

void frame_build(struct frame *frame, const char *text, const struct frame_words *words)
{
	struct builder b = {.frame = frame, .words = words, .text = text};
	char *copy = strdup(text);
	bool fresh = true;

	frame->length = frame->l3 = frame->ip_length = 0;
	for (const char *word = strtok_r(copy, " ", &b.rest); word; word = next_word(&b)) {
		if (!strcmp(word, "/"))
			fresh = true;
		else if (!fresh)
			set_field(&b, &b.layer[b.layers - 1], word);
		else {
			begin(&b, word);
			fresh = false;
		}
	}
	free(copy);
	b.end_of_ip = b.end_of_ip ?: frame->length;
	for (size_t i = b.layers; i > 0; i--)
		finish_layer(&b, &b.layer[i - 1]);
	if (frame->l3)
		note_ip_length(frame);
	if (b.cut && b.cut < frame->length)
		frame->length = b.cut;
}

static void print(const char *name, const struct frame *frame, const struct frame *other)
{
	print_error("%s: %zu bytes\n", name, frame->length);
	for (size_t i = 0; i < frame->length && i < 160; i++)
		print_error("%s%02x%s", i % 32 ? "" : "\n", frame->byte[i],
			    i < other->length && other->byte[i] == frame->byte[i] ? " " : "!");
	print_error("\n");
}

void frame_assert_equal(const struct frame *is, const struct frame *expected, const char *what)
{
	if (is->length == expected->length && !memcmp(is->byte, expected->byte, is->length))
		return;
	print("is", is, expected);
	print("expected", expected, is);
	fail_msg("%s: other bytes than expected", what);
}
