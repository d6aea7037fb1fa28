// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ledger_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../store.h"
#include "days.h"

#define JOURNAL_MAX ((size_t)1 << 30)
#define NUMBER_MAX  (1U << 24) /* of an account: nobody writes larger ones */

const struct ledger_state *ledger_state(struct ledger *ledger)
{
	ledger->state.accounts = HASH_COUNT(ledger->accounts);
	ledger->state.rows = HASH_COUNT(ledger->book.rows);
	ledger->state.journal_bytes = ledger->size;
	ledger->state.merging = ledger->merging;
	return &ledger->state;
}

/* accounts */

static struct ledger_account *find(const struct ledger *ledger, uint64_t id)
{
	struct ledger_account *account;

	HASH_FIND(hh, ledger->accounts, &id, sizeof(id), account);
	return account;
}

static struct ledger_account *add(struct ledger *ledger, uint64_t id, const char *tenant)
{
	struct ledger_account *account = calloc(1, sizeof(*account));

	if (!account)
		return NULL;
	account->id = id;
	memcpy(account->tenant, tenant, strnlen(tenant, sizeof(account->tenant) - 1));
	HASH_ADD(hh, ledger->accounts, id, sizeof(account->id), account);
	return account;
}

static void remove_account(struct ledger *ledger, struct ledger_account *account)
{
	HASH_DELETE(hh, ledger->accounts, account);
	free(account);
}

void ledger_forget(struct ledger *ledger)
{
	struct ledger_account *account, *next;

	HASH_ITER (hh, ledger->accounts, account, next) {
		if (!account->seen)
			remove_account(ledger, account);
		else
			account->seen = false;
	}
}

/* booking */

void ledger_begin(struct ledger *ledger, uint64_t now, const struct usage_place *place)
{
	struct usage_item item = {
		.kind = USAGE_ITEM_TIME,
		.at = now,
		.hour = place->hour,
		.approximate = place->approximate,
	};

	ledger->place = *place;
	ledger->state.read_at = now;
	ledger->entries = 0;
	usage_frame_begin(&ledger->writer);
	usage_frame_put(&ledger->writer, &item);
}

static void put_account(struct ledger *ledger, struct ledger_account *account)
{
	struct usage_item item = {
		.kind = USAGE_ITEM_ACCOUNT,
		.number = account->number,
		.id = account->id,
		.usage = account->booked,
	};

	memcpy(item.tenant, account->tenant, sizeof(item.tenant));
	usage_frame_put(&ledger->writer, &item);
	ledger->entries++;
}

/* A peak that is no more than what is booked of the hour says nothing. */
static void drop_peaks(const struct ledger *ledger, const struct usage_key *key,
		       struct usage *since)
{
	struct usage_row *row;

	HASH_FIND(hh, ledger->book.rows, key, sizeof(*key), row);
	for (int i = 0; row && i < USAGE_KINDS; i++)
		if (!usage_is_sum(i) && since->value[i] <= row->usage.value[i])
			since->value[i] = 0;
}

static void put_entry(struct ledger *ledger, struct ledger_account *account,
		      const struct usage *now, struct usage *since)
{
	struct usage_item item = {.kind = USAGE_ITEM_ENTRY, .number = account->number};
	struct usage_key key = {.hour = ledger->place.hour};

	memcpy(key.tenant, account->tenant, sizeof(key.tenant));
	drop_peaks(ledger, &key, since);
	if (usage_is_none(since))
		return;
	/* without memory for it, the counters keep it until the next time */
	if (usage_book_add(&ledger->book, &key, since, ledger->place.approximate))
		return;
	item.usage = *since;
	usage_frame_put(&ledger->writer, &item);
	ledger->entries++;
	for (int i = 0; i < USAGE_KINDS; i++)
		account->booked.value[i] = usage_is_sum(i) ? now->value[i] : 0;
}

bool ledger_book(struct ledger *ledger, uint64_t id, const char *tenant, const struct usage *now,
		 bool skip)
{
	struct ledger_account *account = find(ledger, id);
	struct usage since;
	bool whole;

	if (!account) {
		account = add(ledger, id, tenant);
		if (!account)
			return true;
		account->number = ++ledger->numbers;
		for (int i = 0; skip && i < USAGE_KINDS; i++)
			account->booked.value[i] = usage_is_sum(i) ? now->value[i] : 0;
		put_account(ledger, account);
	}
	account->seen = true;
	whole = usage_since(&account->booked, now, &since);
	if (!whole) {
		account->booked = (struct usage){};
		put_account(ledger, account);
	}
	put_entry(ledger, account, now, &since);
	return whole;
}

void ledger_end(struct ledger *ledger, bool wanted)
{
	/* a frame that there is no memory for is as one that a crash cut off: what is in it is
	 * known here, and would be found in the counters by the next agent */
	if (!ledger->entries && !wanted)
		ledger->writer.length = ledger->writer.frame;
	else
		usage_frame_end(&ledger->writer);
}

/* what was found */

static struct ledger_account *of_number(const struct ledger *ledger, uint64_t number)
{
	return number < ledger->found_room ? ledger->found[number] : NULL;
}

static int take_number(struct ledger *ledger, uint64_t number, struct ledger_account *account)
{
	size_t room = ledger->found_room ?: 64;
	struct ledger_account **more;

	if (number > NUMBER_MAX)
		return -EBADMSG;
	while (room <= number)
		room *= 2;
	if (room != ledger->found_room) {
		more = realloc(ledger->found, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		memset(more + ledger->found_room, 0, (room - ledger->found_room) * sizeof(*more));
		ledger->found = more;
		ledger->found_room = room;
	}
	ledger->found[number] = account;
	if (number > ledger->numbers)
		ledger->numbers = number;
	return 0;
}

static int take_account(struct ledger *ledger, const struct usage_item *item)
{
	struct ledger_account *account =
		find(ledger, item->id) ?: add(ledger, item->id, item->tenant);

	if (!account)
		return -ENOMEM;
	account->number = item->number;
	account->booked = item->usage;
	return take_number(ledger, item->number, account);
}

/* An entry whose account was in a frame that is damaged: nobody knows whose it is. */
static int take_entry(struct ledger *ledger, const struct usage_item *item)
{
	struct ledger_account *account = of_number(ledger, item->number);
	struct usage_key key = {.hour = ledger->place.hour};
	struct usage sums = item->usage;

	if (!account)
		return 0;
	memcpy(key.tenant, account->tenant, sizeof(key.tenant));
	for (int i = 0; i < USAGE_KINDS; i++)
		if (!usage_is_sum(i))
			sums.value[i] = 0;
	usage_add(&account->booked, &sums);
	return usage_book_add(&ledger->book, &key, &item->usage, ledger->place.approximate);
}

static int take_item(void *context, const struct usage_item *item)
{
	struct ledger *ledger = context;

	switch (item->kind) {
	case USAGE_ITEM_HEAD:
		ledger->number = item->number;
		return 0;
	case USAGE_ITEM_ACCOUNT:
		return take_account(ledger, item);
	case USAGE_ITEM_TIME:
		ledger->state.read_at = item->at;
		ledger->place = (struct usage_place){item->hour, item->approximate};
		return 0;
	case USAGE_ITEM_ENTRY:
		return take_entry(ledger, item);
	}
	return 0;
}

static int read_file(int fd, uint8_t **ret_data, size_t *ret_length)
{
	off_t size = lseek(fd, 0, SEEK_END);
	size_t length = 0;
	uint8_t *data;

	if (size < 0)
		return -errno;
	if ((size_t)size > JOURNAL_MAX)
		return -EFBIG;
	data = malloc((size_t)size + 1);
	if (!data)
		return -ENOMEM;
	while (length < (size_t)size) {
		ssize_t n = pread(fd, data + length, (size_t)size - length, (off_t)length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			free(data);
			return n < 0 ? -errno : -EIO;
		}
		length += (size_t)n;
	}
	*ret_data = data;
	*ret_length = length;
	return 0;
}

static void empty(struct ledger *ledger)
{
	struct ledger_account *account, *next;

	HASH_ITER (hh, ledger->accounts, account, next)
		remove_account(ledger, account);
	usage_book_fini(&ledger->book);
	free(ledger->found);
	ledger->found = NULL;
	ledger->found_room = 0;
}

/* -EBADMSG: it is no journal. */
static int read_journal(struct ledger *ledger)
{
	struct usage_damage damage = {};
	uint8_t *data = NULL;
	size_t length = 0;
	int error = read_file(ledger->fd, &data, &length);

	error = error ?: usage_read_journal(data, length, take_item, ledger, &damage);
	free(data);
	if (!error && !ledger->number)
		error = -EBADMSG;
	ledger->state.torn = damage.torn;
	ledger->state.broken = damage.broken;
	free(ledger->found);
	ledger->found = NULL;
	ledger->found_room = 0;
	ledger->size = length - damage.torn;
	/* appended to what is whole */
	if (!error && damage.torn && ftruncate(ledger->fd, (off_t)ledger->size) < 0)
		error = -errno;
	return error;
}

/* A crash in the middle of a merge: it must be finished before anything is appended. */
static int look_for_merge(struct ledger *ledger)
{
	uint64_t day = 0, merged = 0;
	int error = 0;

	for (const struct usage_row *row = ledger->book.rows; !error && row; row = row->hh.next) {
		if (row->key.hour / 24 == day)
			continue;
		day = row->key.hour / 24;
		error = days_merged(ledger->folder, day, &merged);
		ledger->merging |= !error && merged >= ledger->number;
		error = error == -EBADMSG ? 0 : error;
	}
	return error;
}

static int set_aside(struct ledger *ledger, uint64_t now, struct err *err)
{
	char from[PATH_MAX], to[PATH_MAX];

	snprintf(from, sizeof(from), "%s/" LEDGER_JOURNAL, ledger->folder);
	snprintf(to, sizeof(to), "%s/" LEDGER_JOURNAL ".damaged-%llu", ledger->folder,
		 (unsigned long long)now);
	return rename(from, to) < 0 ? err_set(err, -errno, "cannot rename %s to %s: %s", from, to,
					      strerror(errno))
				    : 0;
}

static int open_journal(struct ledger *ledger, uint64_t now, struct err *err)
{
	int error = 0;

	ledger->fd = ledger_open_file(ledger, LEDGER_JOURNAL, O_RDWR | O_APPEND);
	if (ledger->fd >= 0)
		error = read_journal(ledger);
	else if (errno != ENOENT)
		error = -errno;
	if (ledger->fd >= 0 && !error)
		return look_for_merge(ledger);
	if (error && error != -EBADMSG)
		return err_set(err, error, "cannot read %s/" LEDGER_JOURNAL ": %s", ledger->folder,
			       strerror(-error));
	if (ledger->fd >= 0) {
		close(ledger->fd);
		ledger->fd = -1;
		empty(ledger);
		error = set_aside(ledger, now, err);
		if (error)
			return error;
	}
	ledger->state.fresh = true;
	return ledger_make_journal(ledger, err);
}

static int lock(struct ledger *ledger, struct err *err)
{
	ledger->lock = ledger_open_file(ledger, "lock", O_RDWR | O_CREAT);
	if (ledger->lock < 0)
		return err_set(err, -errno, "cannot write to %s: %s", ledger->folder,
			       strerror(errno));
	if (flock(ledger->lock, LOCK_EX | LOCK_NB) < 0)
		return err_set(err, -EBUSY, "%s is used by another mtlbd: give each its own",
			       ledger->folder);
	return 0;
}

int ledger_open(const char *folder, uint64_t now, struct ledger **ret_ledger, struct err *err)
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));
	int error = 0;

	if (!ledger)
		return err_set(err, -ENOMEM, "out of memory");
	ledger->fd = ledger->lock = -1;
	ledger->folder = strdup(folder);
	ledger->hour = now / USAGE_HOUR;
	if (!ledger->folder)
		error = err_set(err, -ENOMEM, "out of memory");
	else if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		error = err_set(err, -errno, "cannot make the directory %s: %s", folder,
				strerror(errno));
	error = error ?: lock(ledger, err) ?: open_journal(ledger, now, err);
	if (error) {
		ledger_close(ledger);
		return error;
	}
	if (ledger->state.read_at)
		ledger->hour = ledger->state.read_at / USAGE_HOUR;
	*ret_ledger = ledger;
	return 0;
}

void ledger_close(struct ledger *ledger)
{
	empty(ledger);
	usage_writer_fini(&ledger->writer);
	if (ledger->fd >= 0)
		close(ledger->fd);
	if (ledger->lock >= 0)
		close(ledger->lock);
	free(ledger->folder);
	free(ledger);
}
