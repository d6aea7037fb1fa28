// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "feed.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "../../base/log.h"
#include "../../model/siphash.h"
#include "../guard.h"
#include "reload.h"

#define TICK_NS 1000000000ULL

struct feed {
	struct config_feed config; /* path is owned */
	uint32_t rule;
	struct feed_list list; /* in force; with the job while one runs */
	bool has_list;
	struct reload_stamp tried; /* the file that was read last, well or not */
	struct reload_stamp seen;  /* at the last tick */
	bool due;
	char error[384], logged[384];
	size_t entries, bad_count;
	uint64_t loaded_at;
};

struct feeds {
	struct loop *loop;
	struct registry *registry;
	struct loop_timer tick;
	struct loop_fd done;
	pthread_t thread;
	bool running;
	struct reload_job job;
	struct feed *list;
	size_t count;
	struct feed *next; /* of a configuration that came while a job ran */
	size_t next_count;
	bool next_waits;
	struct config_filters filters;
	struct prefix *vips;
	size_t vip_count, capacity;
	char logged[384];
};

static uint64_t realtime(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* rules */

/* A feed is known by its name, whatever its place in the configuration, and after a restart. */
static struct mtlb_rule make_rule(const char *name, enum mtlb_reason reason)
{
	static const uint8_t key[16] = "mtlb feed's name";
	struct mtlb_rule rule = {
		.used = 1, .action = MTLB_RULE_DENY, .reason = (uint8_t)reason, .length = 128};

	siphash_128(key, name, strlen(name), (uint8_t *)&rule.address);
	return rule;
}

static bool same_name(const struct mtlb_rule *a, const struct mtlb_rule *b)
{
	return a->used && memcmp(&a->address, &b->address, sizeof(a->address)) == 0;
}

/* The rule that it has in the maps, else one that no feed of the configuration has. */
static void choose_rules(const struct feeds *feeds, struct feed *list, size_t count)
{
	const struct mtlb_rule *rules = dataplane_view(feeds->registry->dataplane)->rules;
	bool taken[MTLB_RULES_OF_NODE] = {};

	for (size_t i = 0; i < count; i++) {
		struct mtlb_rule own = make_rule(list[i].config.name, MTLB_REASON_denied_feed);

		list[i].rule = list[i].config.udp_ports ? MTLB_RULE_PORTS : 0;
		for (uint32_t r = MTLB_RULE_FEEDS; !list[i].rule && r < MTLB_RULES_OF_NODE; r++)
			if (!taken[r] && same_name(&rules[r], &own))
				list[i].rule = r;
		taken[list[i].rule] = true;
	}
	for (int unused = 1; unused >= 0; unused--)
		for (size_t i = 0; i < count; i++)
			for (uint32_t r = MTLB_RULE_FEEDS; !list[i].rule && r < MTLB_RULES_OF_NODE;
			     r++)
				if (!taken[r] && !(unused && rules[r].used)) {
					list[i].rule = r;
					taken[r] = true;
				}
}

static int put_rule(struct feeds *feeds, uint32_t index, const struct mtlb_rule *rule)
{
	const struct mtlb_rule *now = &dataplane_view(feeds->registry->dataplane)->rules[index];
	static const struct mtlb_rule none;
	int error = 0;

	if (memcmp(now, rule, sizeof(*rule)) == 0)
		return 0;
	/* another one's count begins at nothing */
	if (now->used && rule->used)
		error = dataplane_put_rule(feeds->registry->dataplane, index, &none);
	return error ?: dataplane_put_rule(feeds->registry->dataplane, index, rule);
}

static int put_rules(struct feeds *feeds)
{
	struct mtlb_rule wanted[MTLB_RULES_OF_NODE] = {};
	int error = 0;

	for (size_t i = 0; i < feeds->count; i++)
		if (!feeds->list[i].has_list)
			continue;
		else if (!feeds->list[i].config.udp_ports)
			wanted[feeds->list[i].rule] =
				make_rule(feeds->list[i].config.name, MTLB_REASON_denied_feed);
		else
			wanted[MTLB_RULE_PORTS] = make_rule("", MTLB_REASON_reflected);
	if (feeds->filters.bogons)
		wanted[MTLB_RULE_BOGONS] = make_rule("", MTLB_REASON_spoofed);
	if (feeds->filters.vip_source)
		wanted[MTLB_RULE_VIPS] = make_rule("", MTLB_REASON_spoofed);
	for (uint32_t i = 1; !error && i < MTLB_RULES_OF_NODE; i++)
		error = put_rule(feeds, i, &wanted[i]);
	return error;
}

/* the job */

static void *work(void *context)
{
	struct feeds *feeds = context;
	uint64_t one = 1;

	reload_run(&feeds->job);
	if (write(feeds->done.fd, &one, sizeof(one)) < 0)
		abort();
	return NULL;
}

static int add_extra(struct reload_job *job, const struct feeds *feeds)
{
	size_t room = feed_bogon_count + feeds->vip_count;

	job->extra = calloc(room + 1, sizeof(*job->extra));
	job->extra_entry = calloc(room + 1, sizeof(*job->extra_entry));
	if (!job->extra || !job->extra_entry)
		return -ENOMEM;
	for (size_t i = 0; feeds->filters.vip_source && i < feeds->vip_count; i++) {
		job->extra[job->extra_count] = feeds->vips[i];
		job->extra_entry[job->extra_count++] = MTLB_RULE_VIPS | MTLB_ENTRY_DENY;
	}
	for (size_t i = 0; feeds->filters.bogons && i < feed_bogon_count; i++) {
		if (prefix_parse(feed_bogons[i], &job->extra[job->extra_count]))
			return -EINVAL;
		job->extra_entry[job->extra_count++] = MTLB_RULE_BOGONS | MTLB_ENTRY_DENY;
	}
	return 0;
}

static int make_job(struct feeds *feeds)
{
	struct reload_job *job = &feeds->job;
	int error;

	*job = (struct reload_job){.capacity = feeds->capacity};
	job->feeds = calloc(feeds->count + 1, sizeof(*job->feeds));
	error = job->feeds ? add_extra(job, feeds) : -ENOMEM;
	if (error)
		return error;
	job->count = feeds->count;
	for (size_t i = 0; i < feeds->count; i++) {
		struct feed *feed = &feeds->list[i];

		job->feeds[i] = (struct reload_feed){
			.path = feed->config.path,
			.udp_ports = feed->config.udp_ports,
			.refuse = feed->config.refuse,
			.read = feed->due,
			.entry = feed->rule | MTLB_ENTRY_DENY,
			.list = feed->list,
			.has_list = feed->has_list,
		};
		feed->list = (struct feed_list){};
		feed->due = false;
	}
	return 0;
}

/* What is left when nothing was made of it: the lists go back where they were. */
static void take_lists(struct feeds *feeds)
{
	for (size_t i = 0; i < feeds->job.count; i++) {
		feeds->list[i].list = feeds->job.feeds[i].list;
		feeds->list[i].has_list = feeds->job.feeds[i].has_list;
		feeds->job.feeds[i].list = (struct feed_list){};
	}
}

static void start(struct feeds *feeds)
{
	int error = make_job(feeds);

	if (!error)
		error = -pthread_create(&feeds->thread, NULL, work, feeds);
	feeds->running = !error;
	if (!error)
		return;
	take_lists(feeds);
	reload_fini(&feeds->job);
	log_error("feed", "feeds cannot be loaded: %s", strerror(-error));
}

static void tell(struct feed *feed, const struct reload_feed *from)
{
	if (feed->error[0]) {
		if (strcmp(feed->error, feed->logged) != 0)
			log_error("feed", "%s: not loaded, %s: %s", feed->config.name,
				  feed->has_list ? "the list of before stays in force"
						 : "there is no list of before",
				  feed->error);
	} else {
		log_info("feed", "%s: %zu %s from %s", feed->config.name, feed->entries,
			 feed->config.udp_ports ? "ports" : "prefixes", feed->config.path);
	}
	snprintf(feed->logged, sizeof(feed->logged), "%s", feed->error);
	for (size_t i = 0; i < from->bad_count && i < FEED_BAD_SHOWN; i++)
		log_warn("feed", "%s:%zu: %s", feed->config.path, from->bad[i].line,
			 from->bad[i].text);
	if (from->bad_count > FEED_BAD_SHOWN)
		log_warn("feed", "%s: and %zu more bad lines", feed->config.path,
			 from->bad_count - FEED_BAD_SHOWN);
}

static void take_results(struct feeds *feeds, const char *whole)
{
	for (size_t i = 0; i < feeds->count; i++) {
		const struct reload_feed *from = &feeds->job.feeds[i];
		struct feed *feed = &feeds->list[i];

		if (!from->read)
			continue;
		feed->tried = from->stamp;
		snprintf(feed->error, sizeof(feed->error), "%s",
			 from->error[0] ? from->error : whole);
		feed->bad_count = from->bad_count;
		if (!feed->error[0]) {
			feed->entries = feed->list.count;
			feed->loaded_at = realtime();
		}
		tell(feed, from);
	}
}

/* After a restart the maps hold the lists, and nobody else does: as long as one of them cannot be
 * read, what the maps hold stays. */
static bool would_forget(const struct feeds *feeds)
{
	const struct mtlb_rule *rules = dataplane_view(feeds->registry->dataplane)->rules;

	for (size_t i = 0; i < feeds->count; i++) {
		const struct feed *feed = &feeds->list[i];
		struct mtlb_rule own = make_rule(feed->config.udp_ports ? "" : feed->config.name,
						 MTLB_REASON_denied_feed);

		if (!feed->has_list && same_name(&rules[feed->rule], &own))
			return true;
	}
	return false;
}

static uint32_t filter_flags(const struct feeds *feeds)
{
	return (feeds->filters.tcp_flags ? MTLB_GUARD_TCP_FLAGS : 0) |
	       (feeds->filters.land ? MTLB_GUARD_LAND : 0);
}

/* The filters that need no list hold all the same. */
static int keep_lists(struct feeds *feeds)
{
	struct mtlb_guard guard = dataplane_view(feeds->registry->dataplane)->guards[0];

	guard.flags = filter_flags(feeds) | (guard.flags & MTLB_GUARD_UDP_PORTS);
	return dataplane_put_guard(feeds->registry->dataplane, 0, &guard);
}

static int switch_guard(struct feeds *feeds)
{
	struct dataplane *dataplane = feeds->registry->dataplane;
	struct mtlb_guard guard = {
		.flags = filter_flags(feeds) | (feeds->job.port_count ? MTLB_GUARD_UDP_PORTS : 0),
		.ports = !dataplane_view(dataplane)->guards[0].ports,
	};
	/* packets may still look at the other half, of the change before this one */
	int error = dataplane_grace(dataplane);

	error = error ?: dataplane_put_guard_ports(dataplane, guard.ports, feeds->job.ports);
	error = error ?: put_rules(feeds);
	return error ?: guard_switch(feeds->registry, 0, &feeds->job.trie, &guard);
}

static void publish(struct feeds *feeds)
{
	char why[sizeof(feeds->logged)] = "";
	int error;

	snprintf(why, sizeof(why), "%s", feeds->job.error);
	take_lists(feeds);
	take_results(feeds, why);
	if (!why[0] && would_forget(feeds))
		snprintf(
			why, sizeof(why),
			"a feed cannot be read that the dataplane still has from before: all lists "
			"stay as they are there until it can, or is taken out of denyFeeds");
	if (!why[0]) {
		error = switch_guard(feeds);
		if (error)
			snprintf(why, sizeof(why), "%s",
				 error == -ENOSPC
					 ? "no room for the new lists beside the old ones: "
					   "raise node.capacity.feedPrefixes"
					 : strerror(-error));
	}
	if (why[0] && keep_lists(feeds))
		log_error("feed", "the filters cannot be set");
	if (why[0] && strcmp(why, feeds->logged) != 0)
		log_error("feed", "the lists of before stay in force: %s", why);
	snprintf(feeds->logged, sizeof(feeds->logged), "%s", why);
}

static void free_list(struct feed *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(list[i].config.path);
		feed_fini(&list[i].list);
	}
	free(list);
}

/* Lists of feeds that stay go over to the new configuration. */
static void take_next(struct feeds *feeds)
{
	for (size_t i = 0; i < feeds->next_count; i++)
		for (size_t j = 0; j < feeds->count; j++) {
			struct feed *to = &feeds->next[i], *from = &feeds->list[j];
			struct config_feed config = to->config;

			if (strcmp(to->config.name, from->config.name) != 0 ||
			    strcmp(to->config.path, from->config.path) != 0 ||
			    to->config.udp_ports != from->config.udp_ports)
				continue;
			*to = *from;
			to->config = config;
			to->due = true;
			from->list = (struct feed_list){};
		}
	free_list(feeds->list, feeds->count);
	feeds->list = feeds->next;
	feeds->count = feeds->next_count;
	feeds->next = NULL;
	feeds->next_waits = false;
	choose_rules(feeds, feeds->list, feeds->count);
	start(feeds);
}

static void finished(struct loop_fd *fd, uint32_t events)
{
	struct feeds *feeds = fd->context;
	uint64_t count;

	(void)events;
	if (read(fd->fd, &count, sizeof(count)) < 0)
		return;
	pthread_join(feeds->thread, NULL);
	feeds->running = false;
	if (feeds->next_waits)
		take_lists(feeds);
	else
		publish(feeds);
	reload_fini(&feeds->job);
	if (feeds->next_waits)
		take_next(feeds);
}

/* A file counts as changed once it has been the same for a whole tick: not one that is being
 * written. */
static void look(struct loop_timer *timer)
{
	struct feeds *feeds = timer->context;
	bool due = false;

	for (size_t i = 0; !feeds->running && i < feeds->count; i++) {
		struct feed *feed = &feeds->list[i];
		struct reload_stamp now = reload_stamp(feed->config.path);

		feed->due |= reload_same_stamp(&now, &feed->seen) &&
			     !reload_same_stamp(&now, &feed->tried);
		feed->seen = now;
		due |= feed->due;
	}
	if (due)
		start(feeds);
	loop_timer_set(feeds->loop, timer, TICK_NS);
}

int feeds_new(struct loop *loop, struct registry *registry, struct feeds **ret_feeds)
{
	struct feeds *feeds = calloc(1, sizeof(*feeds));
	int error;

	if (!feeds)
		return -ENOMEM;
	feeds->loop = loop;
	feeds->registry = registry;
	feeds->tick = (struct loop_timer){.fire = look, .context = feeds};
	feeds->done = (struct loop_fd){.ready = finished, .context = feeds};
	feeds->done.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	error = feeds->done.fd < 0 ? -errno : loop_fd_set(loop, &feeds->done, EPOLLIN);
	error = error ?: loop_timer_set(loop, &feeds->tick, TICK_NS);
	if (error) {
		feeds_free(feeds);
		return error;
	}
	*ret_feeds = feeds;
	return 0;
}

void feeds_free(struct feeds *feeds)
{
	if (feeds->running)
		pthread_join(feeds->thread, NULL);
	loop_timer_cancel(feeds->loop, &feeds->tick);
	if (feeds->done.fd >= 0) {
		loop_fd_remove(feeds->loop, &feeds->done);
		close(feeds->done.fd);
	}
	reload_fini(&feeds->job);
	free_list(feeds->list, feeds->count);
	free_list(feeds->next, feeds->next_count * (feeds->next != NULL));
	free(feeds->vips);
	free(feeds);
}

static int copy_vips(const struct state *state, struct prefix **ret_vips, size_t *ret_count)
{
	size_t count = 0;

	for (size_t i = 0; i < state->tenant_count; i++)
		count += state->tenants[i].address_count;
	*ret_vips = calloc(count + 1, sizeof(**ret_vips));
	*ret_count = 0;
	if (!*ret_vips)
		return -ENOMEM;
	for (size_t i = 0; i < state->tenant_count; i++)
		for (size_t j = 0; j < state->tenants[i].address_count; j++)
			(*ret_vips)[(*ret_count)++] =
				(struct prefix){state->tenants[i].addresses[j].address, 128};
	return 0;
}

int feeds_set(struct feeds *feeds, const struct config *config)
{
	struct feed *next = calloc(config->feed_count + 1, sizeof(*next));
	struct prefix *vips = NULL;
	size_t vip_count = 0;
	int error = next ? copy_vips(&config->state, &vips, &vip_count) : -ENOMEM;

	for (size_t i = 0; !error && i < config->feed_count; i++) {
		next[i].config = config->feeds[i];
		next[i].config.path = strdup(config->feeds[i].path);
		next[i].due = true;
		error = next[i].config.path ? 0 : -ENOMEM;
	}
	if (error) {
		free_list(next, next ? config->feed_count : 0);
		free(vips);
		return error;
	}
	free(feeds->vips);
	feeds->vips = vips;
	feeds->vip_count = vip_count;
	feeds->filters = config->filters;
	feeds->capacity = config->capacity.feed_prefixes;
	if (feeds->next)
		free_list(feeds->next, feeds->next_count);
	feeds->next = next;
	feeds->next_count = config->feed_count;
	feeds->next_waits = feeds->running;
	if (!feeds->running)
		take_next(feeds);
	return 0;
}

size_t feeds_count(const struct feeds *feeds)
{
	return feeds->count;
}

void feeds_get(const struct feeds *feeds, size_t number, struct feeds_status *ret_status)
{
	const struct feed *feed = &feeds->list[number];

	*ret_status = (struct feeds_status){
		.name = feed->config.name,
		.path = feed->config.path,
		.state = feed->error[0]	   ? feed->loaded_at ? "kept" : "failed"
			 : feed->loaded_at ? "loaded"
					   : "loading",
		.error = feed->error,
		.udp_ports = feed->config.udp_ports,
		.entries = feed->entries,
		.bad_lines = feed->bad_count,
		.loaded_at = feed->loaded_at,
		.rule = feed->rule,
	};
}
