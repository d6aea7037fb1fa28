// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "record.h"

#include <errno.h>
#include <string.h>

#include "parse.h"

static int explain(const struct record *record, struct err *err)
{
	return err_set(err, -errno, "cannot write the recording %s: %s", record->path,
		       strerror(errno));
}

int record_open(struct record *record, const char *path, struct err *err)
{
	*record = (struct record){.path = path};
	if (!path)
		return 0;
	record->file = fopen(path, "wxe");
	if (!record->file && errno == EEXIST)
		return err_set(err, -EEXIST,
			       "%s is there already: a recording wants a file of its own", path);
	return record->file ? 0 : explain(record, err);
}

int record_write(struct record *record, struct sample *sample, struct err *err)
{
	if (!record->file)
		return 0;
	errno = EIO;
	if (parse_write(record->file, sample, !record->begun))
		return explain(record, err);
	record->begun = true;
	return 0;
}

int record_close(struct record *record, struct err *err)
{
	int error = record->file ? fclose(record->file) : 0;

	record->file = NULL;
	return error ? explain(record, err) : 0;
}
