// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "grammar.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

#define CLIENTS 6
#define PORTS	12

struct sentence {
	struct dice *dice;
	char *text;
	size_t length;
	bool ip6;
	const char *vip;
	uint32_t client, port; /* the flow's */
	bool tcp;
};

__attribute__((format(printf, 2, 3))) static void say(struct sentence *s, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(s->text + s->length, GRAMMAR_TEXT - s->length, format, args);
	va_end(args);
	s->length += (size_t)length;
	if (s->length >= GRAMMAR_TEXT)
		s->length = GRAMMAR_TEXT - 1;
}

static uint32_t throw(struct sentence * s, uint32_t below)
{
	return dice_throw(s->dice, below);
}

static bool chance(struct sentence *s, uint32_t percent)
{
	return dice_chance(s->dice, percent);
}

/* Half of the packets go to what is tracked: flow state is where the program has most to say. */
static void choose_service(struct sentence *s, uint32_t *ret_port)
{
	static const struct {
		uint8_t protocol;
		uint16_t port;
	} services[] = {
#define SERVICE(name, tenant, protocol, port, ...) {IPPROTO_##protocol, port},
#include "../bpf/rig_services.def"
#undef SERVICE
	};
	uint32_t number = throw(s, sizeof(services) / sizeof(*services));

	s->tcp = services[number].protocol == IPPROTO_TCP;
	*ret_port = services[number].port;
	if (chance(s, 50)) {
		s->tcp = chance(s, 60);
		*ret_port = WORLD_CHANGED + throw(s, WORLD_PORTS);
	}
	if (chance(s, 3))
		s->tcp = !s->tcp;
	if (chance(s, 2))
		*ret_port = throw(s, 65536);
}

static void say_tags(struct sentence *s)
{
	uint32_t kind = throw(s, 100);

	if (kind < 80)
		return;
	if (kind > 92)
		say(s, " / qinq %u", throw(s, 4096));
	if (kind < 98)
		say(s, " / vlan %u pcp %u", throw(s, 4096), throw(s, 8));
	if (kind == 92)
		say(s, " / vlan 3 / vlan 4");
}

static void say_client(struct sentence *s)
{
	say(s, s->ip6 ? "2001:db8:c::%u" : "198.51.100.%u", s->client);
}

/* What may be wrong with an IP header, or merely rare. */
static void say_ip_fields(struct sentence *s)
{
	if (chance(s, 15))
		say(s, s->ip6 ? " class %u" : " tos %u", throw(s, 256));
	if (chance(s, 2))
		say(s, " len %+d", (int) throw(s, 41) - 20);
	if (chance(s, 1))
		say(s, " version %u", throw(s, 16));
	if (s->ip6)
		return;
	if (chance(s, 50))
		say(s, " df");
	if (chance(s, 6))
		say(s, " options %u", 4 * (1 + throw(s, 10)));
	if (chance(s, 2))
		say(s, " ihl %u", throw(s, 16));
	if (chance(s, 2))
		say(s, " more");
	if (chance(s, 2))
		say(s, " offset %u", throw(s, 8192));
}

static void say_extensions(struct sentence *s)
{
	static const char *const kinds[] = {"hopopts", "routing", "dstopts"};
	uint32_t count = !s->ip6 || chance(s, 88) ? 0 : 1 + throw(s, chance(s, 10) ? 9 : 3);

	for (uint32_t i = 0; i < count; i++) {
		say(s, " / %s %u", kinds[throw(s, 3)], throw(s, 4));
		if (chance(s, 2))
			say(s, " len %u", throw(s, 256));
	}
	if (s->ip6 && chance(s, 2))
		say(s, " / fragment%s", chance(s, 50) ? " more" : "");
}

static void say_flags(struct sentence *s)
{
	static const char *const flags[] = {"SYN",     "SYN",	  "ACK",     "ACK",
					    "ACK PSH", "FIN ACK", "RST",     "RST ACK",
					    "SYN ACK", "",	  "SYN FIN", "SYN ECE CWR"};

	say(s, " %s", flags[throw(s, sizeof(flags) / sizeof(*flags))]);
	if (chance(s, 10))
		say(s, " options %u", 4 * (1 + throw(s, 10)));
	if (chance(s, 2))
		say(s, " doff %u", throw(s, 16));
}

static void say_payload(struct sentence *s)
{
	uint32_t kind = throw(s, 100);

	if (kind < 60)
		say(s, " / %u bytes", throw(s, 64));
	else if (kind < 68) /* about as much as fits the ways of the rig */
		say(s, " / %u bytes", 1370 + throw(s, 120));
	else if (kind < 70)
		say(s, " / %u bytes", 64 + throw(s, 2900));
	if (chance(s, 8))
		say(s, " / pad %u", throw(s, 20));
}

static void say_transport(struct sentence *s, uint32_t from, uint32_t to)
{
	say(s, s->tcp ? " / tcp %u > %u" : " / udp %u > %u", from, to);
	if (s->tcp)
		say_flags(s);
	else if (chance(s, 3))
		say(s, " len %+d", (int) throw(s, 21) - 10);
	say_payload(s);
}

/* A router's word about a packet of the VIP's. */
static void say_error(struct sentence *s, uint32_t port)
{
	static const uint32_t types4[] = {3, 3, 11, 12, 0, 8, 5},
			      types6[] = {1, 2, 2, 3, 4, 128, 5};

	say(s, s->ip6 ? " / icmp6 %u code %u mtu %u" : " / icmp %u code %u mtu %u",
	    (s->ip6 ? types6 : types4)[throw(s, 7)], throw(s, 5), 1280 + throw(s, 221));
	say(s, " / %s %s > ", s->ip6 ? "ip6" : "ip4", s->vip);
	say_client(s);
	if (chance(s, 5))
		say_ip_fields(s);
	if (chance(s, 3))
		say(s, " next %u", throw(s, 256));
	say_transport(s, port, s->port);
}

void grammar_sentence(struct dice *dice, char text[GRAMMAR_TEXT])
{
	static const char *const vips[] = {"acme", "acme", "acme", "globex", "globex"};
	struct sentence s = {.dice = dice, .text = text};
	uint32_t port;

	s.ip6 = chance(&s, 45);
	s.vip = chance(&s, 3) ? "host" : vips[throw(&s, sizeof(vips) / sizeof(*vips))];
	if (s.ip6 && chance(&s, 1))
		s.vip = "::ffff:192.0.2.1";
	s.client = 1 + throw(&s, CLIENTS);
	s.port = 1 + throw(&s, PORTS);
	choose_service(&s, &port);

	say(&s, "eth");
	say_tags(&s);
	say(&s, s.ip6 ? " / ip6 " : " / ip4 ");
	say_client(&s);
	say(&s, " > %s", s.vip);
	say_ip_fields(&s);
	say_extensions(&s);
	if (chance(&s, 8))
		say_error(&s, port);
	else if (chance(&s, 2))
		say(&s, " next %u / %u bytes", throw(&s, 256), throw(&s, 100));
	else
		say_transport(&s, s.port, port);
}

void grammar_build(struct frame *frame, const char *text)
{
	static struct frame inner;
	const struct frame_words words = {.inner = &inner, .member = 1};

	if (!inner.length)
		frame_build(&inner, "eth / ip4 client > acme / tcp 1234 > 80 SYN / 20 bytes",
			    &words);
	frame_build(frame, text, &words);
	if (frame->length > GRAMMAR_LONGEST)
		frame->length = GRAMMAR_LONGEST;
}

void grammar_spoil(struct dice *dice, struct frame *frame)
{
	uint32_t reach = frame->length < 100 ? (uint32_t)frame->length : 100;

	for (uint32_t i = 1 + dice_throw(dice, 3); i > 0; i--)
		frame->byte[dice_throw(dice, reach)] = (uint8_t)dice_throw(dice, 256);
	if (dice_chance(dice, 25))
		frame->length = 14 + dice_throw(dice, (uint32_t)frame->length - 13);
}
