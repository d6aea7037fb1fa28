// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "pace.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#define NS_PER_S UINT64_C(1000000000)

/* GCRA (ITU-T I.371): one number, the time at which the bucket would be full again. */
struct pace_bucket {
	UT_hash_handle hh;
	uint64_t full_ns;
	char name[];
};

static struct pace_bucket *find(struct pace *pace, const char *name)
{
	struct pace_bucket *bucket;

	HASH_FIND_STR(pace->buckets, name, bucket);
	if (bucket)
		return bucket;
	bucket = calloc(1, sizeof(*bucket) + strlen(name) + 1);
	if (!bucket)
		return NULL;
	strcpy(bucket->name, name);
	HASH_ADD_STR(pace->buckets, name, bucket);
	return bucket;
}

uint64_t pace_take(struct pace *pace, const char *name, uint32_t rate, uint32_t burst,
		   uint64_t now_ns)
{
	struct pace_bucket *bucket = find(pace, name);
	uint64_t each = NS_PER_S / rate, at_most = each * burst;
	uint64_t full;

	if (!bucket)
		return 0;
	full = (bucket->full_ns > now_ns ? bucket->full_ns : now_ns) + each;
	if (full - now_ns > at_most)
		return full - now_ns - at_most;
	bucket->full_ns = full;
	return 0;
}

void pace_fini(struct pace *pace)
{
	struct pace_bucket *bucket, *next;

	HASH_ITER (hh, pace->buckets, bucket, next) {
		HASH_DEL(pace->buckets, bucket);
		free(bucket);
	}
}
