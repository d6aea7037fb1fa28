// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "scribe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../base/log.h"

#define PIPE_ROOM  (1 << 20)
#define LINE_ROOM  65536 /* a line is shorter; what is not is cut */
#define STREAMS	   256
#define LOOK_MS	   1000 /* at whether the file is still there */
#define FILE_MODE  0640
#define LAST_TURNS 256 /* at the end, of each stream LINE_ROOM at most */

struct stream {
	int fd;
	size_t used;
	char *bytes; /* LINE_ROOM and one more */
};

struct scribe {
	pthread_t thread;
	pthread_mutex_t lock; /* of the next three */
	char path[PATH_MAX];
	int coming[STREAMS];
	unsigned coming_count;
	bool stopping;
	int bell; /* rung when there is something new of these */

	/* the thread's own */
	struct stream streams[STREAMS];
	unsigned count;
	int file; /* -1: none */
	char opened[PATH_MAX];
	bool told;
};

/* the file */

static void complain(struct scribe *scribe, int error)
{
	if (!scribe->told)
		log_error("l7",
			  "the access log %s cannot be written: %s; lines are lost until it can be",
			  scribe->opened, strerror(error));
	scribe->told = true;
}

static bool is_that(int fd, const char *path)
{
	struct stat open, named;

	return !fstat(fd, &open) && !stat(path, &named) && open.st_dev == named.st_dev &&
	       open.st_ino == named.st_ino;
}

static void look_at_file(struct scribe *scribe)
{
	const char *path = scribe->opened;

	pthread_mutex_lock(&scribe->lock);
	memcpy(scribe->opened, scribe->path, sizeof(scribe->opened));
	pthread_mutex_unlock(&scribe->lock);
	if (scribe->file >= 0 && is_that(scribe->file, path))
		return;
	if (scribe->file >= 0)
		close(scribe->file);
	scribe->file =
		open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		     FILE_MODE);
	if (scribe->file < 0) {
		complain(scribe, errno);
		return;
	}
	if (scribe->told)
		log_info("l7", "the access log %s is written again", path);
	scribe->told = false;
}

/* What a full disk took half of is lost, and ends where it ends: a line that is cut is no JSON. */
static void write_out(struct scribe *scribe, const char *bytes, size_t length)
{
	while (length && scribe->file >= 0) {
		ssize_t n = write(scribe->file, bytes, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			complain(scribe, n ? errno : EIO);
			return;
		}
		bytes += n;
		length -= (size_t)n;
	}
}

/* pipes */

static void write_lines(struct scribe *scribe, struct stream *stream)
{
	char *end = memrchr(stream->bytes, '\n', stream->used);
	size_t whole = end ? (size_t)(end - stream->bytes) + 1 : 0;

	if (!whole && stream->used < LINE_ROOM)
		return;
	if (!whole) {
		stream->bytes[stream->used++] = '\n';
		whole = stream->used;
	}
	write_out(scribe, stream->bytes, whole);
	stream->used -= whole;
	memmove(stream->bytes, stream->bytes + whole, stream->used);
}

static void end_stream(struct scribe *scribe, struct stream *stream)
{
	if (stream->used) {
		stream->bytes[stream->used++] = '\n';
		write_out(scribe, stream->bytes, stream->used);
	}
	close(stream->fd);
	free(stream->bytes);
	*stream = scribe->streams[--scribe->count];
}

/* False when it has ended. */
static bool read_stream(struct scribe *scribe, struct stream *stream)
{
	ssize_t n = read(stream->fd, stream->bytes + stream->used, LINE_ROOM - stream->used);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n <= 0)
		return false;
	stream->used += (size_t)n;
	write_lines(scribe, stream);
	return true;
}

static void add_stream(struct scribe *scribe, int fd)
{
	char *bytes = scribe->count < STREAMS ? malloc(LINE_ROOM + 1) : NULL;

	if (bytes)
		scribe->streams[scribe->count++] = (struct stream){.fd = fd, .bytes = bytes};
	else
		close(fd); /* whoever writes learns that nobody reads */
}

/* True when it is to end. */
static bool take_orders(struct scribe *scribe)
{
	uint64_t rings;
	bool ending;

	if (read(scribe->bell, &rings, sizeof(rings)) < 0 && errno != EAGAIN)
		return true;
	pthread_mutex_lock(&scribe->lock);
	for (unsigned i = 0; i < scribe->coming_count; i++)
		add_stream(scribe, scribe->coming[i]);
	scribe->coming_count = 0;
	ending = scribe->stopping;
	pthread_mutex_unlock(&scribe->lock);
	return ending;
}

/* False: nothing came in that time. */
static bool wait_for_some(struct scribe *scribe, int ms)
{
	struct pollfd fds[STREAMS + 1] = {{.fd = scribe->bell, .events = POLLIN}};

	for (unsigned i = 0; i < scribe->count; i++)
		fds[i + 1] = (struct pollfd){.fd = scribe->streams[i].fd, .events = POLLIN};
	if (poll(fds, scribe->count + 1, ms) <= 0)
		return false;
	/* from the last one on: one that ends is replaced by one that was read already */
	for (unsigned i = scribe->count; i > 0; i--)
		if (fds[i].revents && !read_stream(scribe, &scribe->streams[i - 1]))
			end_stream(scribe, &scribe->streams[i - 1]);
	return true;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void *work(void *context)
{
	struct scribe *scribe = context;
	uint64_t looked = now_ms();

	look_at_file(scribe);
	while (!take_orders(scribe)) {
		if (now_ms() - looked >= LOOK_MS) {
			look_at_file(scribe);
			looked = now_ms();
		}
		wait_for_some(scribe, LOOK_MS);
	}
	/* what was said by now; workers may go on without us, and write to nobody then */
	for (int i = 0; i < LAST_TURNS && scribe->count && wait_for_some(scribe, 0); i++)
		;
	while (scribe->count)
		end_stream(scribe, &scribe->streams[0]);
	return NULL;
}

/* the loop's side */

static void ring(const struct scribe *scribe)
{
	const uint64_t one = 1;

	while (write(scribe->bell, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void scribe_use(struct scribe *scribe, const char *path)
{
	pthread_mutex_lock(&scribe->lock);
	snprintf(scribe->path, sizeof(scribe->path), "%s", path);
	pthread_mutex_unlock(&scribe->lock);
}

int scribe_pipe(struct scribe *scribe)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	fcntl(ends[1], F_SETPIPE_SZ, PIPE_ROOM); /* else it is as large as it is */
	pthread_mutex_lock(&scribe->lock);
	if (scribe->coming_count < STREAMS)
		scribe->coming[scribe->coming_count++] = ends[0];
	else
		close(ends[0]);
	pthread_mutex_unlock(&scribe->lock);
	ring(scribe);
	return ends[1];
}

int scribe_new(const char *path, struct scribe **ret_scribe)
{
	struct scribe *scribe = calloc(1, sizeof(*scribe));
	int error;

	if (!scribe)
		return -ENOMEM;
	scribe->file = -1;
	pthread_mutex_init(&scribe->lock, NULL);
	scribe_use(scribe, path);
	scribe->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (scribe->bell < 0) {
		error = -errno;
		free(scribe);
		return error;
	}
	error = pthread_create(&scribe->thread, NULL, work, scribe);
	if (error) {
		close(scribe->bell);
		free(scribe);
		return -error;
	}
	*ret_scribe = scribe;
	return 0;
}

void scribe_free(struct scribe *scribe)
{
	if (!scribe)
		return;
	pthread_mutex_lock(&scribe->lock);
	scribe->stopping = true;
	pthread_mutex_unlock(&scribe->lock);
	ring(scribe);
	pthread_join(scribe->thread, NULL);
	if (scribe->file >= 0)
		close(scribe->file);
	close(scribe->bell);
	pthread_mutex_destroy(&scribe->lock);
	free(scribe);
}
