// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../model/files.h"

#define FILE_SIZE_MAX ((size_t)1 << 30)

static struct reload_stamp stamp_of(const struct stat *stat)
{
	return (struct reload_stamp){stat->st_dev, stat->st_ino, stat->st_size, stat->st_mtim};
}

struct reload_stamp reload_stamp(const char *path)
{
	struct stat now;

	if (stat(path, &now) < 0)
		return (struct reload_stamp){};
	return stamp_of(&now);
}

bool reload_same_stamp(const struct reload_stamp *a, const struct reload_stamp *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->modified.tv_sec == b->modified.tv_sec &&
	       a->modified.tv_nsec == b->modified.tv_nsec;
}

/* A list that is not taken leaves the one of before where it is. */
static bool is_taken(struct reload_feed *feed, const struct feed_list *list)
{
	if (list->bad_count && feed->refuse)
		snprintf(feed->error, sizeof(feed->error),
			 "%s has %zu bad lines, of which the first is %zu: %s", feed->path,
			 list->bad_count, list->bad[0].line, list->bad[0].text);
	else if (list->bad_count && !list->count)
		snprintf(feed->error, sizeof(feed->error),
			 "%s has no good line, and %zu bad ones: it is no such list (line %zu: %s)",
			 feed->path, list->bad_count, list->bad[0].line, list->bad[0].text);
	return !feed->error[0];
}

static void read_feed(struct reload_feed *feed, struct feed_list *ret_list)
{
	struct errors errors = {};
	struct stat stat = {};
	size_t length = 0;
	char *text = NULL;
	int r = files_read(feed->path, FILE_SIZE_MAX, (struct place){feed->path, 0, 0}, &errors,
			   &text, &length, &stat);

	*ret_list = (struct feed_list){};
	feed->stamp = r == 0 ? stamp_of(&stat) : reload_stamp(feed->path);
	feed->error[0] = 0;
	feed->bad_count = 0;
	if (r == 0)
		r = feed_parse(text, length, feed->udp_ports, ret_list);
	else if (errors.count)
		snprintf(feed->error, sizeof(feed->error), "%s %s", feed->path,
			 errors.list[0].text);
	if (r == 0) {
		memcpy(feed->bad, ret_list->bad, sizeof(feed->bad));
		feed->bad_count = ret_list->bad_count;
		is_taken(feed, ret_list);
	} else if (!feed->error[0]) {
		snprintf(feed->error, sizeof(feed->error), "%s: %s", feed->path, strerror(-r));
	}
	errors_fini(&errors);
	free(text);
}

static const struct feed_list *list_of(const struct reload_feed *feed,
				       const struct feed_list *fresh)
{
	return feed->read && !feed->error[0] ? fresh : &feed->list;
}

static size_t count_prefixes(const struct reload_job *job, const struct feed_list *fresh)
{
	size_t count = 0;

	for (size_t i = 0; i < job->count; i++)
		if (!job->feeds[i].udp_ports)
			count += list_of(&job->feeds[i], &fresh[i])->count;
	return count;
}

static void add(struct trie_prefix *to, const struct prefix *prefix, uint32_t entry)
{
	memcpy(&to->address, &prefix->address, sizeof(to->address));
	to->length = prefix->length;
	to->entry = entry;
}

static int build(struct reload_job *job, const struct feed_list *fresh)
{
	static const uint32_t nothing[MTLB_GUARD_FAMILIES];
	size_t count = count_prefixes(job, fresh) + job->extra_count, at = 0;
	struct trie_prefix *prefixes = malloc((count + 1) * sizeof(*prefixes));
	int error;

	if (!prefixes)
		return -ENOMEM;
	for (size_t i = 0; i < job->count; i++) {
		const struct feed_list *list = list_of(&job->feeds[i], &fresh[i]);

		for (size_t j = 0; !job->feeds[i].udp_ports && j < list->count; j++)
			add(&prefixes[at++], &list->prefixes[j], job->feeds[i].entry);
	}
	for (size_t i = 0; i < job->extra_count; i++)
		add(&prefixes[at++], &job->extra[i], job->extra_entry[i]);
	error = trie_build(prefixes, at, nothing, &job->trie);
	free(prefixes);
	return error;
}

static void merge_ports(struct reload_job *job, const struct feed_list *fresh)
{
	for (size_t i = 0; i < job->count; i++) {
		const struct feed_list *list = list_of(&job->feeds[i], &fresh[i]);

		if (!list->ports)
			continue;
		job->port_count++;
		for (size_t word = 0; word < FEED_PORT_WORDS; word++)
			job->ports[word] |= list->ports[word];
	}
}

/* What was read takes the place of what was there before. */
static void take(struct reload_job *job, struct feed_list *fresh)
{
	for (size_t i = 0; i < job->count; i++) {
		struct reload_feed *feed = &job->feeds[i];

		if (!feed->read || feed->error[0])
			continue;
		feed_fini(&feed->list);
		feed->list = fresh[i];
		feed->has_list = true;
		fresh[i] = (struct feed_list){};
	}
}

void reload_run(struct reload_job *job)
{
	struct feed_list *fresh = calloc(job->count + 1, sizeof(*fresh));
	size_t count;
	int error;

	if (!fresh) {
		snprintf(job->error, sizeof(job->error), "out of memory");
		return;
	}
	for (size_t i = 0; i < job->count; i++)
		if (job->feeds[i].read)
			read_feed(&job->feeds[i], &fresh[i]);
	count = count_prefixes(job, fresh);
	if (count > job->capacity) {
		snprintf(
			job->error, sizeof(job->error),
			"the feeds have %zu prefixes, and node.capacity.feedPrefixes is %zu: raise "
			"it (which takes a new dataplane), or make them shorter",
			count, job->capacity);
		goto done;
	}
	error = build(job, fresh);
	if (error) {
		snprintf(job->error, sizeof(job->error), "the trie cannot be made: %s",
			 strerror(-error));
		goto done;
	}
	merge_ports(job, fresh);
	take(job, fresh);
done:
	for (size_t i = 0; i < job->count; i++)
		feed_fini(&fresh[i]);
	free(fresh);
}

void reload_fini(struct reload_job *job)
{
	for (size_t i = 0; i < job->count; i++)
		feed_fini(&job->feeds[i].list);
	free(job->feeds);
	free(job->extra);
	free(job->extra_entry);
	trie_fini(&job->trie);
	*job = (struct reload_job){};
}
