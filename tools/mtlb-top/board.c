// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "board.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../bpf/abi/reason.h"

static const struct {
	const char *name, *sentence;
	enum mtlb_verdict verdict;
} reasons[] = {
#define REASON(name, verdict, sentence) {#name, sentence, MTLB_VERDICT_##verdict},
#include "../../bpf/abi/reasons.def"
#undef REASON
};

static int find_reason(const char *name)
{
	for (int i = 0; i < MTLB_REASON_COUNT; i++)
		if (!strcmp(reasons[i].name, name))
			return i;
	return -1;
}

/* One that is not known here is shown rather than hidden. */
bool board_is_drop(const char *reason)
{
	int found = find_reason(reason);

	return found < 0 || reasons[found].verdict == MTLB_VERDICT_DROP;
}

const char *board_sentence(const char *reason)
{
	int found = find_reason(reason);

	return found < 0 ? "" : reasons[found].sentence;
}

struct entity *board_find(const struct board *board, enum record_kind kind,
			  const char *const key[RECORD_TEXTS])
{
	struct entity *found;

	HASH_FIND(hh, board->entities[kind], key, sizeof(found->key), found);
	return found;
}

static struct entity *add(struct board *board, enum record_kind kind,
			  const char *const key[RECORD_TEXTS])
{
	struct entity *entity = calloc(1, sizeof(*entity));

	if (!entity)
		return NULL;
	memcpy(entity->key, key, sizeof(entity->key));
	entity->kind = kind;
	for (unsigned i = 0; i < BOARD_COUNTERS; i++)
		entity->rate[i] = NAN;
	HASH_ADD(hh, board->entities[kind], key, sizeof(entity->key), entity);
	return entity;
}

static void remember(struct entity *entity, double value)
{
	entity->history[entity->history_count++ % BOARD_HISTORY] = (float)value;
	/* the ring is full for good, and the count must not wrap */
	if (entity->history_count == 2 * BOARD_HISTORY)
		entity->history_count = BOARD_HISTORY;
}

unsigned board_history(const struct entity *entity, float *ret, unsigned count)
{
	unsigned have =
		entity->history_count < BOARD_HISTORY ? entity->history_count : BOARD_HISTORY;

	if (count > have)
		count = have;
	for (unsigned i = 0; i < count; i++)
		ret[i] = entity->history[(entity->history_count - count + i) % BOARD_HISTORY];
	return count;
}

/* A counter that went back belongs to a thing that was made anew: nothing is known of it. */
static double rate_of(uint64_t before, uint64_t now, double seconds)
{
	return now < before || seconds <= 0 ? NAN : (double)(now - before) / seconds;
}

double board_share(const struct entity *entity)
{
	double max;

	if (entity->kind == RECORD_CPU)
		return entity->rate[CPU_TICKS] > 0
			       ? entity->rate[CPU_BUSY] / entity->rate[CPU_TICKS]
			       : NAN;
	max = (double)entity->row.value[FILL_MAX];
	return max > 0 ? (double)entity->row.value[FILL_USED] / max : NAN;
}

double board_softirq(const struct entity *cpu)
{
	return cpu->rate[CPU_TICKS] > 0 ? cpu->rate[CPU_SOFTIRQ] / cpu->rate[CPU_TICKS] : NAN;
}

static void take(struct entity *entity, const struct row *row, bool fresh, double seconds)
{
	unsigned counters = record_shapes[entity->kind].counters;

	for (unsigned i = 0; i < counters; i++)
		entity->rate[i] =
			fresh ? NAN : rate_of(entity->row.value[i], row->value[i], seconds);
	entity->row = *row;
	if (entity->kind == RECORD_CPU || entity->kind == RECORD_FILL)
		remember(entity, board_share(entity));
	else if (counters && !isnan(entity->rate[0]))
		remember(entity, entity->rate[0]);
}

/* Whether there were any. */
static bool remove_unseen(struct board *board, enum record_kind kind)
{
	struct entity *entity, *next;
	bool removed = false;

	HASH_ITER (hh, board->entities[kind], entity, next) {
		if (entity->seen == board->samples)
			continue;
		HASH_DEL(board->entities[kind], entity);
		free(entity);
		removed = true;
	}
	return removed;
}

/* Numbers in names count as numbers: t9 comes before t10. */
static int by_name(const struct entity *a, const struct entity *b)
{
	for (unsigned i = 0; i < RECORD_TEXTS && a->key[i]; i++)
		if (a->key[i] != b->key[i])
			return strverscmp(a->key[i], b->key[i]);
	return 0;
}

/* Only when one came or went: it takes longer than all else. */
static void rank(struct board *board, enum record_kind kind)
{
	struct entity *entity, *next;
	uint32_t place = 0;

	HASH_SRT(hh, board->entities[kind], by_name);
	HASH_ITER (hh, board->entities[kind], entity, next)
		entity->rank = place++;
}

static int update_kind(struct board *board, enum record_kind kind, const struct sample *sample)
{
	const struct rows *rows = &sample->rows[kind];
	double seconds = (double)(sample->at_ms - board->at_ms[kind]) / 1000;
	/* rows come in about the same order each time: the next one is where the hash has it next
	 */
	struct entity *guess = board->entities[kind];
	bool changed = false;

	for (size_t i = 0; i < rows->count; i++) {
		const char *key[RECORD_TEXTS] = {};
		struct entity *entity = guess;
		bool fresh = false;

		for (unsigned k = 0; k < record_shapes[kind].keys; k++)
			key[k] = rows->row[i].text[k];
		if (!entity || memcmp(entity->key, key, sizeof(key)) != 0)
			entity = board_find(board, kind, key);
		if (!entity) {
			entity = add(board, kind, key);
			fresh = changed = true;
		}
		if (!entity)
			return -ENOMEM;
		guess = entity->hh.next;
		if (entity->seen == board->samples)
			continue; /* one that is gone, and one of that name that has come since */
		entity->seen = board->samples;
		take(entity, &rows->row[i], fresh, seconds);
	}
	if (remove_unseen(board, kind) || changed)
		rank(board, kind);
	board->at_ms[kind] = sample->at_ms;
	return 0;
}

/* What is dropped stands with its tenant; "-", which is nobody, has no row of its own there. */
static void sum_drops(struct board *board)
{
	struct totals *totals = &board->totals;
	struct entity *entity, *next;
	double by_reason[MTLB_REASON_COUNT] = {};

	HASH_ITER (hh, board->entities[RECORD_TENANT], entity, next) {
		entity->dropped = entity->worst = 0;
		entity->why = NULL;
	}
	HASH_ITER (hh, board->entities[RECORD_DROP], entity, next) {
		const char *key[RECORD_TEXTS] = {entity->key[0]};
		struct entity *tenant = board_find(board, RECORD_TENANT, key);
		int reason = find_reason(entity->key[1]);
		double rate = entity->rate[0];

		if (!(rate > 0) || !board_is_drop(entity->key[1]))
			continue;
		totals->dropped += rate;
		if (reason >= 0)
			by_reason[reason] += rate;
		if (!tenant)
			continue;
		tenant->dropped += rate;
		if (rate > tenant->worst) {
			tenant->worst = rate;
			tenant->why = entity->key[1];
		}
	}
	for (int i = 0; i < MTLB_REASON_COUNT; i++)
		if (by_reason[i] > totals->worst) {
			totals->worst = by_reason[i];
			totals->why = reasons[i].name;
		}
}

static void sum_cpus(struct board *board)
{
	double ticks = 0, busy = 0, softirq = 0;
	struct entity *cpu, *next;

	HASH_ITER (hh, board->entities[RECORD_CPU], cpu, next) {
		board->totals.cpus++;
		ticks += cpu->rate[CPU_TICKS];
		busy += cpu->rate[CPU_BUSY];
		softirq += cpu->rate[CPU_SOFTIRQ];
	}
	board->totals.busy = ticks > 0 ? busy / ticks : NAN;
	board->totals.softirq = ticks > 0 ? softirq / ticks : NAN;
}

static void sum_all(struct board *board)
{
	struct totals *totals = &board->totals;
	struct entity *tenant, *next;

	*totals = (struct totals){};
	HASH_ITER (hh, board->entities[RECORD_TENANT], tenant, next) {
		totals->tenants++;
		totals->active += (double)tenant->row.value[TENANT_ACTIVE];
		if (isnan(tenant->rate[VALUE_PACKETS]))
			continue;
		totals->packets += tenant->rate[VALUE_PACKETS];
		totals->bytes += tenant->rate[VALUE_BYTES];
		totals->new_flows += tenant->rate[VALUE_NEW_FLOWS];
	}
	sum_drops(board);
	sum_cpus(board);
}

double board_meter(const struct entity *tenant, char *ret_which)
{
	static const double unit[] = {1, 8, 1}; /* limits of bytes are in bits */
	double highest = NAN;

	*ret_which = ' ';
	for (int i = 0; i < 3; i++) {
		double limit = (double)tenant->row.value[TENANT_LIMITS + i];
		double share = limit > 0 ? tenant->rate[i] * unit[i] / limit : NAN;

		if (!isnan(share) && !(share <= highest)) {
			highest = share;
			*ret_which = "pbf"[i];
		}
	}
	return highest;
}

int board_update(struct board *board, const struct sample *sample)
{
	int error = 0;

	board->samples++;
	for (int kind = 0; !error && kind < RECORD_KINDS; kind++)
		if (sample_has(sample, kind))
			error = update_kind(board, kind, sample);
	board->now_ms = sample->at_ms;
	sum_all(board);
	return error;
}

void board_fini(struct board *board)
{
	for (int kind = 0; kind < RECORD_KINDS; kind++) {
		struct entity *entity, *next;

		HASH_ITER (hh, board->entities[kind], entity, next) {
			HASH_DEL(board->entities[kind], entity);
			free(entity);
		}
	}
	*board = (struct board){};
}
