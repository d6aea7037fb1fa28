// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bequest.h"
#include "buffer.h"

#define PAGE  4096
#define READY 2048 /* descriptors: 1,000 connections, each with one to a backend */

static size_t up(size_t size)
{
	return (size + PAGE - 1) / PAGE * PAGE;
}

int journal_new(uint32_t fds, uint32_t buffers, struct journal **ret_journal)
{
	size_t bequest = up(sizeof(struct journal_shared)),
	       lines = bequest + up(sizeof(struct bequest)),
	       memory = lines + up(fds * sizeof(struct journal_line)),
	       size = memory + (size_t)buffers * BUFFER_ALL;
	struct journal *journal = malloc(sizeof(*journal));
	char *shared = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (shared == MAP_FAILED || !journal) {
		if (shared != MAP_FAILED)
			munmap(shared, size);
		free(journal);
		return -ENOMEM;
	}
	*journal = (struct journal){
		.shared = (void *)shared,
		.bequest = (void *)(shared + bequest),
		.lines = (void *)(shared + lines),
		.memory = shared + memory,
		.fds = fds,
		.buffers = buffers,
		.size = size,
	};
	/* pages of it as well */
	memset(journal->lines, 0, (fds < READY ? fds : READY) * sizeof(struct journal_line));
	*ret_journal = journal;
	return 0;
}

void journal_free(struct journal *journal)
{
	if (!journal)
		return;
	munmap(journal->shared, journal->size);
	free(journal);
}

struct journal_line *journal_open(struct journal *journal, int fd, const struct journal_line *as)
{
	struct journal_line *line;

	if (!journal || fd < 0 || (uint32_t)fd >= journal->fds)
		return NULL;
	line = &journal->lines[fd];
	*line = *as;
	if ((uint32_t)fd >= journal->shared->most)
		journal->shared->most = (uint32_t)fd + 1;
	__atomic_store_n(&line->open, true, __ATOMIC_RELEASE);
	return line;
}

void journal_close(struct journal_line *line)
{
	if (line)
		__atomic_store_n(&line->open, false, __ATOMIC_RELEASE);
}

static void step(struct journal_line *line, struct journal_mark mark)
{
	uint8_t other = !(line->at & 1);

	line->marks[other] = mark;
	__atomic_store_n(&line->at, other, __ATOMIC_RELEASE);
}

/* Killed before this, it ends: of bytes that are in no buffer it is not seen whose they were. */
void journal_tell(struct journal_line *line, uint32_t length, const struct addr *peer,
		  uint16_t port, const struct addr *local, uint16_t local_port)
{
	if (!line)
		return;
	line->header = length;
	line->told_peer = *peer;
	line->told_port = port;
	line->local = *local;
	line->local_port = local_port;
	step(line, (struct journal_mark){.read = length, .buffer = BUFFER_NONE, .told = true});
}

void journal_next(struct journal_line *line, uint64_t read, uint64_t written, uint32_t buffer,
		  uint32_t start)
{
	if (!line)
		return;
	step(line, (struct journal_mark){
			   .read = read + line->header,
			   .written = written,
			   .buffer = buffer,
			   .start = start,
			   .told = journal_mark(line)->told,
		   });
}

enum journal_verdict journal_judge(const struct journal *journal, const struct journal_line *line,
				   const struct journal_truth *truth, const char **ret_bytes,
				   size_t *ret_length)
{
	const struct journal_mark mark = line->marks[line->at & 1];
	uint64_t come, skip = 0;

	*ret_bytes = NULL;
	*ret_length = 0;
	if (truth->read < mark.read || truth->written < mark.written)
		return JOURNAL_CUT;
	come = truth->read - mark.read;
	if (truth->written != mark.written) {
		if (truth->written != mark.answer_end)
			return JOURNAL_CUT;
		if (mark.last)
			return JOURNAL_LET;
		if (mark.read_end < mark.read || truth->read < mark.read_end)
			return JOURNAL_CUT;
		skip = mark.read_end - mark.read;
	} else if (come && (mark.once || mark.again)) {
		return JOURNAL_LET;
	}
	if (come == skip)
		return JOURNAL_KEEP;
	if (mark.gone || mark.buffer >= journal->buffers || mark.start > BUFFER_SIZE ||
	    come > BUFFER_SIZE - mark.start)
		return JOURNAL_LET;
	*ret_bytes = journal->memory + (size_t)mark.buffer * BUFFER_ALL + sizeof(struct buffer) +
		     mark.start + skip;
	*ret_length = come - skip;
	return JOURNAL_KEEP;
}
