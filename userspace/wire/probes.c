// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "probes.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define MAGIC 0x6d747062U /* "mtpb" */

struct head {
	uint32_t magic;
	uint16_t version, type, records, zero;
} __attribute__((packed));

/* writing: a record that does not fit is taken back as a whole */

static bool put(struct probes_writer *writer, const void *bytes, size_t length)
{
	if (length > sizeof(writer->bytes) - writer->used)
		return false;
	memcpy(writer->bytes + writer->used, bytes, length);
	writer->used += length;
	return true;
}

static bool put16(struct probes_writer *writer, uint16_t number)
{
	number = htole16(number);
	return put(writer, &number, sizeof(number));
}

static bool put32(struct probes_writer *writer, uint32_t number)
{
	number = htole32(number);
	return put(writer, &number, sizeof(number));
}

static bool put64(struct probes_writer *writer, uint64_t number)
{
	number = htole64(number);
	return put(writer, &number, sizeof(number));
}

static bool put_text(struct probes_writer *writer, const char *text, size_t length)
{
	return put16(writer, (uint16_t)length) && (!length || put(writer, text, length));
}

void probes_begin(struct probes_writer *writer, enum probes_type type)
{
	struct head head = {
		.magic = htole32(MAGIC),
		.version = htole16(PROBES_VERSION),
		.type = htole16((uint16_t)type),
	};

	writer->used = 0;
	writer->records = 0;
	put(writer, &head, sizeof(head));
}

static bool put_question(struct probes_writer *writer, const struct probe_question *question)
{
	bool whole = put16(writer, question->status_first) &&
		     put16(writer, question->status_last) && put16(writer, question->head);

	for (int i = 0; i < PROBE_TEXTS; i++)
		whole = whole && put_text(writer, question->text[i], question->length[i]);
	return whole;
}

static bool added(struct probes_writer *writer, size_t before, bool whole)
{
	uint16_t records;

	if (!whole || writer->records == UINT16_MAX) {
		writer->used = before;
		return false;
	}
	records = htole16(++writer->records);
	memcpy(writer->bytes + offsetof(struct head, records), &records, sizeof(records));
	return true;
}

bool probes_add_probe(struct probes_writer *writer, const struct probes_probe *probe)
{
	size_t before = writer->used;
	bool whole = put32(writer, probe->id) && put32(writer, probe->generation) &&
		     put16(writer, (uint16_t)probe->kind) &&
		     put(writer, probe->address.byte, sizeof(probe->address.byte)) &&
		     put16(writer, probe->port) && put32(writer, probe->member) &&
		     put(writer, probe->source.byte, sizeof(probe->source.byte)) &&
		     put16(writer, probe->jitter) && put16(writer, probe->proxy_protocol) &&
		     put32(writer, probe->interval_ms) && put32(writer, probe->timeout_ms) &&
		     put_question(writer, &probe->question);

	return added(writer, before, whole);
}

bool probes_add_removal(struct probes_writer *writer, uint32_t id)
{
	size_t before = writer->used;

	return added(writer, before, put32(writer, id));
}

bool probes_add_result(struct probes_writer *writer, const struct probes_result *result)
{
	size_t before = writer->used, length = strnlen(result->error, PROBES_ERROR_MAX - 1);
	bool whole = put32(writer, result->id) && put32(writer, result->generation) &&
		     put16(writer, (uint16_t)result->outcome) && put64(writer, result->took_ns) &&
		     put64(writer, result->next_ns) && put_text(writer, result->error, length);

	return added(writer, before, whole);
}

/* reading */

static bool get(struct probes_reader *reader, void *bytes, size_t length)
{
	if (length > (size_t)(reader->end - reader->at))
		return false;
	memcpy(bytes, reader->at, length);
	reader->at += length;
	return true;
}

static bool get16(struct probes_reader *reader, uint16_t *ret_number)
{
	if (!get(reader, ret_number, sizeof(*ret_number)))
		return false;
	*ret_number = le16toh(*ret_number);
	return true;
}

static bool get32(struct probes_reader *reader, uint32_t *ret_number)
{
	if (!get(reader, ret_number, sizeof(*ret_number)))
		return false;
	*ret_number = le32toh(*ret_number);
	return true;
}

static bool get64(struct probes_reader *reader, uint64_t *ret_number)
{
	if (!get(reader, ret_number, sizeof(*ret_number)))
		return false;
	*ret_number = le64toh(*ret_number);
	return true;
}

static bool get_text(struct probes_reader *reader, const char **ret_text, uint16_t *ret_length)
{
	if (!get16(reader, ret_length) || *ret_length > reader->end - reader->at)
		return false;
	*ret_text = (const char *)reader->at;
	reader->at += *ret_length;
	return true;
}

int probes_open(struct probes_reader *reader, const uint8_t *bytes, size_t length)
{
	struct head head;

	*reader = (struct probes_reader){.at = bytes, .end = bytes + length};
	if (!get(reader, &head, sizeof(head)) || le32toh(head.magic) != MAGIC)
		return -EBADMSG;
	if (le16toh(head.version) != PROBES_VERSION)
		return -EPROTO;
	if (le16toh(head.type) < PROBES_HELLO || le16toh(head.type) >= PROBES_TYPES)
		return -EBADMSG;
	reader->records = le16toh(head.records);
	return le16toh(head.type);
}

/* A message ends with its last record. */
static int another(struct probes_reader *reader)
{
	if (!reader->records)
		return reader->at == reader->end ? 0 : -EBADMSG;
	reader->records--;
	return 1;
}

static bool get_question(struct probes_reader *reader, struct probe_question *ret_question)
{
	uint16_t head;

	if (!get16(reader, &ret_question->status_first) ||
	    !get16(reader, &ret_question->status_last) || !get16(reader, &head) || head > 1)
		return false;
	ret_question->head = head;
	for (int i = 0; i < PROBE_TEXTS; i++)
		if (!get_text(reader, &ret_question->text[i], &ret_question->length[i]) ||
		    ret_question->length[i] > PROBE_TEXT_MAX)
			return false;
	return true;
}

int probes_next_probe(struct probes_reader *reader, struct probes_probe *ret_probe)
{
	struct probes_probe probe = {};
	uint16_t kind, jitter, header;
	int more = another(reader);

	if (more <= 0)
		return more;
	if (!get32(reader, &probe.id) || !get32(reader, &probe.generation) ||
	    !get16(reader, &kind) || !get(reader, probe.address.byte, sizeof(probe.address.byte)) ||
	    !get16(reader, &probe.port) || !get32(reader, &probe.member) ||
	    !get(reader, probe.source.byte, sizeof(probe.source.byte)) || !get16(reader, &jitter) ||
	    !get16(reader, &header) || !get32(reader, &probe.interval_ms) ||
	    !get32(reader, &probe.timeout_ms) || !get_question(reader, &probe.question))
		return -EBADMSG;
	if (kind == PROBE_NONE || kind >= PROBE_KINDS || jitter > 100 || header > 2 ||
	    !probe.interval_ms || !probe.timeout_ms)
		return -EBADMSG;
	probe.kind = (enum probe_kind)kind;
	probe.jitter = (uint8_t)jitter;
	probe.proxy_protocol = (uint8_t)header;
	*ret_probe = probe;
	return 1;
}

int probes_next_removal(struct probes_reader *reader, uint32_t *ret_id)
{
	int more = another(reader);

	if (more <= 0)
		return more;
	return get32(reader, ret_id) ? 1 : -EBADMSG;
}

int probes_next_result(struct probes_reader *reader, struct probes_result *ret_result)
{
	struct probes_result result = {};
	uint16_t outcome, length;
	const char *text;
	int more = another(reader);

	if (more <= 0)
		return more;
	if (!get32(reader, &result.id) || !get32(reader, &result.generation) ||
	    !get16(reader, &outcome) || !get64(reader, &result.took_ns) ||
	    !get64(reader, &result.next_ns) || !get_text(reader, &text, &length))
		return -EBADMSG;
	if (outcome >= PROBES_OUTCOMES || length >= sizeof(result.error))
		return -EBADMSG;
	result.outcome = (enum probes_outcome)outcome;
	for (uint16_t i = 0; i < length; i++)
		result.error[i] = text[i] >= ' ' && text[i] < 0x7f ? text[i] : '?';
	*ret_result = result;
	return 1;
}
