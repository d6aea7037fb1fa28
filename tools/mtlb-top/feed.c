// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "feed.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct feed {
	struct source *source;
	struct record *record;
	double every;
	int fd;
	pthread_t thread;
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t changed;
	bool quit, hurry, asking;
	struct source_wish wish;
	enum feed_news news; /* not taken yet */
	struct sample sample;
	struct err err;
};

static void tell(const struct feed *feed)
{
	uint64_t one = 1;

	if (write(feed->fd, &one, sizeof(one)) < 0)
		return; /* it is readable as it is */
}

static void add_ms(struct timespec *time, uint64_t ms)
{
	time->tv_sec += (time_t)(ms / 1000);
	time->tv_nsec += (long)(ms % 1000) * 1000000;
	if (time->tv_nsec >= 1000000000) {
		time->tv_nsec -= 1000000000;
		time->tv_sec++;
	}
}

/* Until then, or until something else is wanted. Locked. */
static void rest(struct feed *feed, struct timespec until)
{
	while (!feed->quit && !feed->hurry &&
	       pthread_cond_clockwait(&feed->changed, &feed->lock, CLOCK_MONOTONIC, &until) !=
		       ETIMEDOUT)
		;
	feed->hurry = false;
}

/* A sample that nobody has taken yet is older than this one: it goes. Locked. */
static void give(struct feed *feed, enum feed_news news, struct sample *sample,
		 const struct err *err)
{
	if (news == FEED_SAMPLE) {
		struct sample older = feed->sample;

		feed->sample = *sample;
		*sample = older;
	} else {
		feed->err = *err;
	}
	feed->news = news;
	tell(feed);
}

/* Of a recording every sample is shown. Locked. */
static void await_taken(struct feed *feed)
{
	while (!feed->quit && feed->news != FEED_NOTHING)
		pthread_cond_wait(&feed->changed, &feed->lock);
}

static enum feed_news judge(const struct feed *feed, int code)
{
	if (!code)
		return FEED_SAMPLE;
	if (code == -ENODATA)
		return FEED_OVER;
	return feed->source->paced || code == -ENOMEM ? FEED_BROKEN : FEED_LOST;
}

/* Asks, unlocked meanwhile. */
static enum feed_news ask(struct feed *feed, bool between, struct sample *sample, struct err *err)
{
	struct source_wish wish = feed->wish;
	enum feed_news news;

	wish.between = between;
	feed->asking = true;
	pthread_mutex_unlock(&feed->lock);
	news = judge(feed, feed->source->next(feed->source, &wish, sample, err));
	pthread_mutex_lock(&feed->lock);
	feed->asking = false;
	if (feed->quit || news != FEED_SAMPLE)
		return news;
	if (!sample->kinds)
		return FEED_NOTHING; /* it is too early for what is wanted now */
	return record_write(feed->record, sample, err) ? FEED_BROKEN : FEED_SAMPLE;
}

/* At the pace that was asked for. */
static void follow(struct feed *feed, struct sample *sample)
{
	struct timespec due = {};

	while (!feed->quit) {
		struct timespec now;
		struct err err = {};
		enum feed_news news;
		bool between;

		clock_gettime(CLOCK_MONOTONIC, &now);
		between = now.tv_sec < due.tv_sec ||
			  (now.tv_sec == due.tv_sec && now.tv_nsec < due.tv_nsec);
		if (!between) {
			due = now;
			add_ms(&due, (uint64_t)(feed->every * 1000));
		}
		news = ask(feed, between, sample, &err);
		if (news != FEED_NOTHING)
			give(feed, news, sample, &err);
		if (news == FEED_BROKEN)
			return;
		rest(feed, due);
	}
}

/* At the pace of the recording; each sample is shown. */
static void replay(struct feed *feed, struct sample *sample)
{
	uint64_t shown_ms = 0;

	while (!feed->quit) {
		struct timespec due;
		struct err err = {};
		enum feed_news news;

		clock_gettime(CLOCK_MONOTONIC, &due);
		news = ask(feed, false, sample, &err);
		if (news == FEED_SAMPLE && shown_ms) {
			add_ms(&due, sample->at_ms - shown_ms);
			rest(feed, due);
		}
		shown_ms = sample->at_ms;
		give(feed, news, sample, &err);
		if (news != FEED_SAMPLE)
			return;
		await_taken(feed);
	}
}

static void *run(void *context)
{
	struct feed *feed = context;
	struct sample sample = {};

	pthread_mutex_lock(&feed->lock);
	(feed->source->paced ? replay : follow)(feed, &sample);
	pthread_mutex_unlock(&feed->lock);
	sample_fini(&sample);
	return NULL;
}

int feed_new(struct source *source, struct record *record, double every,
	     const struct source_wish *wish, struct feed **ret, int *ret_fd, struct err *err)
{
	struct feed *feed = calloc(1, sizeof(*feed));
	int code;

	if (!feed)
		return err_set(err, -ENOMEM, "no memory to ask in the background");
	*feed = (struct feed){.source = source, .record = record, .every = every, .wish = *wish};
	pthread_mutex_init(&feed->lock, NULL);
	pthread_cond_init(&feed->changed, NULL);
	feed->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	code = feed->fd < 0 ? errno : pthread_create(&feed->thread, NULL, run, feed);
	if (code) {
		if (feed->fd >= 0)
			close(feed->fd);
		free(feed);
		return err_set(err, -code, "cannot ask in the background: %s", strerror(code));
	}
	*ret = feed;
	*ret_fd = feed->fd;
	return 0;
}

bool feed_free(struct feed *feed)
{
	bool asking;

	pthread_mutex_lock(&feed->lock);
	feed->quit = true;
	asking = feed->asking;
	pthread_cond_broadcast(&feed->changed);
	pthread_mutex_unlock(&feed->lock);
	if (asking)
		return false;
	pthread_join(feed->thread, NULL);
	close(feed->fd);
	pthread_cond_destroy(&feed->changed);
	pthread_mutex_destroy(&feed->lock);
	sample_fini(&feed->sample);
	free(feed);
	return true;
}

void feed_want(struct feed *feed, const struct source_wish *wish)
{
	pthread_mutex_lock(&feed->lock);
	if (wish->kinds != feed->wish.kinds || wish->tenant != feed->wish.tenant) {
		feed->wish = *wish;
		feed->hurry = !feed->source->paced;
		pthread_cond_broadcast(&feed->changed);
	}
	pthread_mutex_unlock(&feed->lock);
}

enum feed_news feed_take(struct feed *feed, struct sample *sample, struct err *err)
{
	enum feed_news news;
	uint64_t count;

	pthread_mutex_lock(&feed->lock);
	if (read(feed->fd, &count, sizeof(count)) < 0)
		count = 0;
	news = feed->news;
	if (news == FEED_SAMPLE) {
		struct sample older = *sample;

		*sample = feed->sample;
		feed->sample = older;
	} else if (news != FEED_NOTHING) {
		*err = feed->err;
	}
	feed->news = FEED_NOTHING;
	pthread_cond_broadcast(&feed->changed);
	pthread_mutex_unlock(&feed->lock);
	return news;
}
