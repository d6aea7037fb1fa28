// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "board.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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
	if (kind == RECORD_DROP) {
		/* found once: there are many of them, and a look takes long */
		entity->reason = find_reason(key[1]);
		entity->is_drop = board_is_drop(key[1]);
	}
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

static void remove_unseen(struct board *board, enum record_kind kind)
{
	struct entity *entity, *next;

	HASH_ITER (hh, board->entities[kind], entity, next) {
		if (entity->seen == board->samples)
			continue;
		HASH_DEL(board->entities[kind], entity);
		free(entity);
	}
}

/* Numbers in names count as numbers: t9 comes before t10. */
static int by_name(const void *one, const void *other)
{
	const struct entity *a = *(const struct entity *const *)one;
	const struct entity *b = *(const struct entity *const *)other;

	for (unsigned i = 0; i < RECORD_TEXTS && a->key[i]; i++)
		if (a->key[i] != b->key[i])
			return strverscmp(a->key[i], b->key[i]);
	return 0;
}

/* Only when one came or went: it takes longer than all else. The hash itself stays in the order in
 * which rows come.
 */
static int rank(struct board *board, enum record_kind kind)
{
	unsigned count = HASH_COUNT(board->entities[kind]), place = 0;
	struct entity **all = calloc(count + 1, sizeof(*all)), *entity, *next;

	if (!all)
		return -ENOMEM;
	HASH_ITER (hh, board->entities[kind], entity, next)
		all[place++] = entity;
	qsort(all, count, sizeof(*all), by_name);
	for (place = 0; place < count; place++)
		all[place]->rank = place;
	free(all);
	return 0;
}

static void tally_tenant(struct totals *totals, struct entity *tenant, bool with_drops)
{
	totals->tenants += strcmp(tenant->key[0], "-") != 0; /* which is nobody */
	totals->active += (double)tenant->row.value[TENANT_ACTIVE];
	if (with_drops) {
		tenant->dropped = tenant->worst = 0;
		tenant->why = NULL;
	}
	if (isnan(tenant->rate[VALUE_PACKETS]))
		return;
	totals->packets += tenant->rate[VALUE_PACKETS];
	totals->bytes += tenant->rate[VALUE_BYTES];
	totals->new_flows += tenant->rate[VALUE_NEW_FLOWS];
}

/* What is dropped stands with its tenant as well. */
static void tally_drop(struct board *board, const struct entity *drop)
{
	const char *key[RECORD_TEXTS] = {drop->key[0]};
	double rate = drop->rate[0];
	struct entity *tenant;

	if (!drop->is_drop || !(rate > 0))
		return;
	board->totals.dropped += rate;
	if (drop->reason >= 0)
		board->by_reason[drop->reason] += rate;
	/* a tenant's drops stand together */
	tenant = board->dropper;
	if (!tenant || tenant->key[0] != drop->key[0])
		tenant = board->dropper = board_find(board, RECORD_TENANT, key);
	if (!tenant)
		return;
	tenant->dropped += rate;
	if (rate > tenant->worst) {
		tenant->worst = rate;
		tenant->why = drop->key[1];
	}
}

static void begin_tally(struct board *board, enum record_kind kind)
{
	struct totals *totals = &board->totals;

	if (kind == RECORD_TENANT) {
		totals->tenants = 0;
		totals->packets = totals->bytes = totals->new_flows = totals->active = 0;
	} else if (kind == RECORD_DROP) {
		board->dropper = NULL;
		totals->dropped = totals->worst = 0;
		totals->why = NULL;
		memset(board->by_reason, 0, sizeof(board->by_reason));
	}
}

static void tally(struct board *board, struct entity *entity, const struct sample *sample)
{
	if (entity->kind == RECORD_TENANT)
		tally_tenant(&board->totals, entity, sample_has(sample, RECORD_DROP));
	else if (entity->kind == RECORD_DROP)
		tally_drop(board, entity);
}

/* Its entity; made when there is none. */
static struct entity *entity_of(struct board *board, enum record_kind kind, const struct row *row,
				struct entity *guess, bool *ret_fresh)
{
	const char *key[RECORD_TEXTS] = {};
	struct entity *entity = guess;

	for (unsigned k = 0; k < record_shapes[kind].keys; k++)
		key[k] = row->text[k];
	if (!entity || memcmp(entity->key, key, sizeof(key)) != 0)
		entity = board_find(board, kind, key);
	*ret_fresh = !entity;
	return entity ? entity : add(board, kind, key);
}

/* One pass over all that is known: with ten thousand tenants, more of them would cost. */
static int update_kind(struct board *board, enum record_kind kind, const struct sample *sample)
{
	const struct rows *rows = &sample->rows[kind];
	double seconds = (double)(sample->at_ms - board->at_ms[kind]) / 1000;
	/* rows come in about the same order each time: the next one is where the hash has it next
	 */
	struct entity *guess = board->entities[kind];
	bool changed = false;
	unsigned count = 0;

	begin_tally(board, kind);
	for (size_t i = 0; i < rows->count; i++) {
		bool fresh;
		struct entity *entity = entity_of(board, kind, &rows->row[i], guess, &fresh);

		if (!entity)
			return -ENOMEM;
		guess = entity->hh.next;
		if (entity->seen == board->samples)
			continue; /* one that is gone, and one of that name that has come since */
		entity->seen = board->samples;
		count++;
		take(entity, &rows->row[i], fresh, seconds);
		tally(board, entity, sample);
		changed |= fresh;
	}
	if (count < HASH_COUNT(board->entities[kind])) {
		remove_unseen(board, kind);
		changed = true;
	}
	board->at_ms[kind] = sample->at_ms;
	return changed ? rank(board, kind) : 0;
}

static void find_worst(struct board *board)
{
	struct totals *totals = &board->totals;

	for (int i = 0; i < MTLB_REASON_COUNT; i++)
		if (board->by_reason[i] > totals->worst) {
			totals->worst = board->by_reason[i];
			totals->why = reasons[i].name;
		}
}

static void sum_cpus(struct board *board)
{
	double ticks = 0, busy = 0, softirq = 0;
	struct entity *cpu, *next;

	board->totals.cpus = HASH_COUNT(board->entities[RECORD_CPU]);
	HASH_ITER (hh, board->entities[RECORD_CPU], cpu, next) {
		ticks += cpu->rate[CPU_TICKS];
		busy += cpu->rate[CPU_BUSY];
		softirq += cpu->rate[CPU_SOFTIRQ];
	}
	board->totals.busy = ticks > 0 ? busy / ticks : NAN;
	board->totals.softirq = ticks > 0 ? softirq / ticks : NAN;
}

/* Of drops that came without their tenants. */
static void forget_drops(struct board *board)
{
	struct entity *tenant, *next;

	HASH_ITER (hh, board->entities[RECORD_TENANT], tenant, next) {
		tenant->dropped = tenant->worst = 0;
		tenant->why = NULL;
	}
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
	if (sample_has(sample, RECORD_DROP) && !sample_has(sample, RECORD_TENANT))
		forget_drops(board);
	for (int kind = 0; !error && kind < RECORD_KINDS; kind++)
		if (sample_has(sample, kind))
			error = update_kind(board, kind, sample);
	board->now_ms = sample->at_ms;
	find_worst(board);
	sum_cpus(board);
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
