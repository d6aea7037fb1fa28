// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What would happen to this packet? The packet, by its fields or out of a file, and the answer. */
#include "noun.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../userspace/base/version.h"
#include "../../userspace/inspect/capture.h"
#include "../../userspace/inspect/program.h"
#include "../../userspace/inspect/synth.h"
#include "command.h"
#include "output.h"
#include "safe.h"
#include "trace_tell.h"
#include "words.h"

#define FILE_MAX     (64UL << 20)
#define SOURCE_PORT  50000
#define FRAGMENT_ID  1
#define FRAGMENT_MAX 65528

enum own_option {
	OWN_src,
	OWN_dst,
	OWN_sport,
	OWN_dport,
	OWN_proto,
	OWN_flags,
	OWN_vlan,
	OWN_len,
	OWN_fragment,
	OWN_id,
	OWN_pcap,
	OWN_packet,
	OWN_hex,
	OWN_in,
	OWN_COUNT,
};

static const struct noun_option own_options[OWN_COUNT + 1] = {
	[OWN_src] = {"src", "ADDRESS", "the packet's source"},
	[OWN_dst] = {"dst", "ADDRESS", "and its destination"},
	[OWN_sport] = {"sport", "PORT", "its source port (50000)"},
	[OWN_dport] = {"dport", "PORT", "and destination port"},
	[OWN_proto] = {"proto", "PROTO", "tcp, udp, sctp or icmp, an echo request (tcp)"},
	[OWN_flags] = {"flags", "FLAGS", "of TCP, as syn,ack (syn)"},
	[OWN_vlan] = {"vlan", "ID[,ID]", "its VLAN tags, the outer one first"},
	[OWN_len] = {"len", "BYTES", "of the whole IP packet (its headers')"},
	[OWN_fragment] = {"fragment", "OFFSET", "a fragment: the first one at 0, a later one else"},
	[OWN_id] = {"id", "NUMBER", "of the fragment's datagram (1)"},
	[OWN_pcap] = {"pcap", "FILE", "a packet of a capture, as tcpdump -w makes it"},
	[OWN_packet] = {"packet", "NUMBER", "which one of the capture (1)"},
	[OWN_hex] = {"hex", "FILE", "a frame or IP packet in hexadecimal digits; - is stdin"},
	[OWN_in] = {"in", "INTERFACE", "it comes in by (the first one that is attached)"},
};

/* --- the packet */

static const char *own(const struct call *call, enum own_option option)
{
	return call->given[option];
}

/* fallback: what it is when it was not given. 0, or EXIT_ERROR and a sentence. */
static int read_number(const struct call *call, enum own_option option, unsigned long most,
		       unsigned long fallback, unsigned long *ret_number)
{
	const char *text = own(call, option);
	char *end;

	*ret_number = fallback;
	if (!text)
		return 0;
	errno = 0;
	*ret_number = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || *ret_number > most)
		return command_misused(call, "--%s %s: expected a number from 0 to %lu",
				       own_options[option].word, text, most);
	return 0;
}

static int read_address(const struct call *call, enum own_option option, struct addr *ret_address)
{
	const char *text = own(call, option);

	if (!text)
		return command_misused(call, "--%s is missing: which packet?",
				       own_options[option].word);
	if (addr_parse(text, ret_address))
		return command_misused(call, "--%s %s: expected an IPv4 or IPv6 address",
				       own_options[option].word, text);
	return 0;
}

static int read_protocol(const struct call *call, struct synth *fields)
{
	static const char *const names[] = {"tcp", "udp", "sctp", "icmp"};
	static const uint8_t numbers[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP};
	struct err err;
	int found;

	if (!own(call, OWN_proto)) {
		fields->protocol = IPPROTO_TCP;
		return 0;
	}
	found = words_find(own(call, OWN_proto), names, 4, "protocol", &err);
	if (found < 0)
		return command_misused(call, "--proto: %s", err.text);
	fields->protocol = numbers[found];
	return 0;
}

static int read_ports(const struct call *call, struct synth *fields)
{
	unsigned long source, destination;
	bool later = fields->is_fragment && fields->fragment;

	if (fields->protocol == IPPROTO_ICMP && (own(call, OWN_sport) || own(call, OWN_dport)))
		return command_misused(call, "ICMP has no ports: leave --sport and --dport out");
	if (read_number(call, OWN_sport, 65535, SOURCE_PORT, &source) ||
	    read_number(call, OWN_dport, 65535, 0, &destination))
		return EXIT_ERROR;
	if (fields->protocol != IPPROTO_ICMP && !later && !own(call, OWN_dport))
		return command_misused(call, "--dport is missing: to which port?");
	fields->source_port = (uint16_t)source;
	fields->destination_port = (uint16_t)destination;
	return 0;
}

static int read_flags(const struct call *call, struct synth *fields)
{
	const char *text = own(call, OWN_flags);
	struct err err;

	if (text && fields->protocol != IPPROTO_TCP)
		return command_misused(call,
				       "--flags are TCP's: leave them out, or say --proto tcp");
	if (synth_parse_flags(text ? text : "syn", &fields->tcp_flags, &err))
		return command_misused(call, "--flags: %s", err.text);
	return 0;
}

static int read_tags(const struct call *call, struct synth *fields)
{
	const char *text = own(call, OWN_vlan);
	char *end;

	while (text && *text && fields->tags < SYNTH_TAGS_MAX) {
		unsigned long id = strtoul(text, &end, 10);

		if (*text < '0' || *text > '9' || (*end && *end != ',') || id < 1 || id > 4094)
			break;
		fields->tag[fields->tags++] = (uint16_t)id;
		text = end + (*end == ',');
	}
	if (text && (*text || !fields->tags))
		return command_misused(call,
				       "--vlan %s: expected one or two numbers from 1 to 4094",
				       own(call, OWN_vlan));
	return 0;
}

static int read_fragment(const struct call *call, struct synth *fields)
{
	unsigned long offset, id;

	if (read_number(call, OWN_fragment, FRAGMENT_MAX, 0, &offset) ||
	    read_number(call, OWN_id, UINT32_MAX, FRAGMENT_ID, &id))
		return EXIT_ERROR;
	if (own(call, OWN_id) && !own(call, OWN_fragment))
		return command_misused(call, "--id is a fragment's: say --fragment OFFSET as well");
	fields->is_fragment = own(call, OWN_fragment);
	fields->fragment = (uint16_t)offset;
	fields->fragment_id = (uint32_t)id;
	return 0;
}

static int make_packet(const struct call *call, uint8_t *frame, size_t *ret_length)
{
	struct synth fields = {};
	unsigned long length;
	struct err err;

	if (own(call, OWN_packet))
		return command_misused(call, "--packet is of a capture: say --pcap FILE as well");
	if (read_address(call, OWN_src, &fields.source) ||
	    read_address(call, OWN_dst, &fields.destination) || read_protocol(call, &fields) ||
	    read_fragment(call, &fields) || read_ports(call, &fields) ||
	    read_flags(call, &fields) || read_tags(call, &fields) ||
	    read_number(call, OWN_len, SYNTH_FRAME_MAX - 64, 0, &length))
		return EXIT_ERROR;
	fields.length = (uint32_t)length;
	*ret_length = synth_build(&fields, frame, &err);
	return *ret_length ? 0 : command_misused(call, "%s", err.text);
}

/* --- files */

static int read_file(const struct call *call, const char *path, uint8_t **ret_bytes,
		     size_t *ret_size)
{
	bool standard = !strcmp(path, "-");
	FILE *file = standard ? stdin : fopen(path, "re");
	uint8_t *bytes = NULL, *more;
	size_t size = 0, got;
	int code = 0;

	if (!file)
		return command_fail(call->options, "%s: %s", path, strerror(errno));
	do {
		more = realloc(bytes, size + 65536);
		if (!more || size > FILE_MAX) {
			code = command_fail(call->options, "%s: %s", path,
					    more ? "it is longer than 64 MiB" : "out of memory");
			break;
		}
		bytes = more;
		got = fread(bytes + size, 1, 65536, file);
		size += got;
	} while (got);
	if (!code && ferror(file))
		code = command_fail(call->options, "%s: %s", path, strerror(errno));
	if (!standard)
		fclose(file);
	if (code)
		free(bytes);
	*ret_bytes = bytes;
	*ret_size = size;
	return code;
}

static int read_packet(const struct call *call, uint8_t *frame, size_t *ret_length)
{
	const char *pcap = own(call, OWN_pcap), *hex = own(call, OWN_hex);
	const char *path = pcap ? pcap : hex;
	unsigned long number;
	uint8_t *bytes = NULL;
	struct err err;
	size_t size = 0;

	for (int option = 0; option < OWN_pcap; option++)
		if (own(call, option))
			return command_misused(call,
					       "--%s says what a packet is that --%s has already",
					       own_options[option].word, pcap ? "pcap" : "hex");
	if (pcap && hex)
		return command_misused(call, "--pcap and --hex are two packets: which one?");
	if (hex && own(call, OWN_packet))
		return command_misused(call, "--packet is of a capture: --hex has one packet");
	if (read_number(call, OWN_packet, UINT32_MAX, 1, &number) ||
	    read_file(call, path, &bytes, &size))
		return EXIT_ERROR;
	*ret_length = pcap ? capture_pcap(bytes, size, (uint32_t)number, frame, &err)
			   : capture_hex((const char *)bytes, size, frame, &err);
	free(bytes);
	return *ret_length ? 0 : command_fail(call->options, "%s: %s", path, err.text);
}

/* --- where it comes in */

static int find_interface(const struct call *call, uint32_t *ret_ifindex, char name[IF_NAMESIZE])
{
	const char *wanted = own(call, OWN_in);
	struct program program;
	struct err err;

	if (wanted) {
		*ret_ifindex = if_nametoindex(wanted);
		snprintf(name, IF_NAMESIZE, "%s", wanted);
		return *ret_ifindex ? 0
				    : command_fail(call->options,
						   "--in %s: there is no interface of "
						   "that name",
						   wanted);
	}
	if (program_open(call->options->bpffs, &program, &err))
		return command_fail(call->options, "%s", err.text);
	*ret_ifindex = 0;
	for (size_t i = 0; i < program.link_count && !*ret_ifindex; i++)
		if (*program.links[i].interface) {
			*ret_ifindex = program.links[i].ifindex;
			snprintf(name, IF_NAMESIZE, "%s", program.links[i].interface);
		}
	program_close(&program);
	return *ret_ifindex
		       ? 0
		       : command_fail(call->options,
				      "the program is attached to no interface of this network "
				      "namespace: --in INTERFACE says which one the packet "
				      "comes in by");
}

/* --- the answer */

static void print(const struct options *options, const json_t *told)
{
	const char *remedy = json_string_value(json_object_get(told, "remedy"));
	const json_t *step;
	size_t i;

	json_array_foreach (json_object_get(told, "steps"), i, step) {
		printf("%-10s", json_string_value(json_object_get(step, "step")));
		safe_print(stdout, json_string_value(json_object_get(step, "sentence")));
		putchar('\n');
	}
	printf("%-10s", "verdict");
	output_state(options, json_string_value(json_object_get(told, "verdict")));
	printf(" (%s): %s\n", json_string_value(json_object_get(told, "reason")),
	       json_string_value(json_object_get(told, "sentence")));
	if (remedy)
		printf("%-10s%s\n", "do", remedy);
}

/* Another version of the program may decide otherwise. */
static void tell_version(const struct view *view, json_t *told)
{
	char running[sizeof(view->node->program) + 1];
	json_t *step;

	snprintf(running, sizeof(running), "%.*s", (int)sizeof(view->node->program),
		 view->node->program);
	json_object_set_new(told, "program",
			    json_pack("{s:s,s:s}", "running", running, "asked", version_text));
	if (!strcmp(running, version_text))
		return;
	step = json_pack(
		"{s:s,s:o}", "step", "note", "sentence",
		json_sprintf("the program that runs is of version %s; this is what version %s "
			     "does",
			     running, version_text));
	json_array_insert_new(json_object_get(told, "steps"), 0, step);
}

static int tell(const struct call *call, struct trace *trace, const struct trace_result *result,
		const char *in)
{
	struct telling telling = {.trace = trace, .result = result, .in = in};
	struct view view;
	struct err err;
	json_t *told;

	if (view_open(&view, call->options->bpffs, &err))
		return command_fail(call->options, "%s", err.text);
	telling.view = &view;
	told = trace_tell(&telling);
	if (told)
		tell_version(&view, told);
	view_close(&view);
	if (!told)
		return command_fail(call->options, "out of memory");
	if (call->options->json)
		output_json(call->options, told);
	else
		print(call->options, told);
	json_decref(told);
	return EXIT_OK;
}

static int run(const struct call *call)
{
	static uint8_t frame[SYNTH_FRAME_MAX];
	bool from_file = own(call, OWN_pcap) || own(call, OWN_hex);
	struct trace_result result;
	struct trace *trace;
	char in[IF_NAMESIZE];
	uint32_t ifindex;
	struct err err;
	size_t length;
	int code;

	if (command_expect_args(call, 0))
		return EXIT_ERROR;
	if (from_file ? read_packet(call, frame, &length) : make_packet(call, frame, &length))
		return EXIT_ERROR;
	if (find_interface(call, &ifindex, in))
		return EXIT_ERROR;
	if (trace_open(call->options->bpffs, &trace, &err))
		return command_fail(call->options, "%s", err.text);
	code = trace_run(trace, frame, length, ifindex, &result, &err)
		       ? command_fail(call->options, "%s", err.text)
		       : tell(call, trace, &result, in);
	trace_close(trace);
	return code;
}

const struct noun trace_noun = {
	.name = "trace",
	.help = "what would happen to a packet, and why: the real program is asked, for root, also "
		"without an agent, and nothing is sent, counted or stored",
	.args = "--src ADDRESS --dst ADDRESS --dport PORT [...]",
	.options = own_options,
	.run = run,
};
