// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tallies.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <uthash.h>

#include "../../base/log.h"
#include "../../model/l7/image.h"
#include "../../model/state.h"
#include "workers.h"

/* Rows that nobody touched cost address space alone. */
#define TENANT_ROWS (1U << 17)
#define POOL_ROWS   (1U << 18)
#define ROUTE_ROWS  (1U << 18)

enum kind {
	TENANT,
	POOL,
	ROUTE,
	KINDS
};

static const struct {
	const char *name;
	uint32_t most;
} kinds[KINDS] = {
	[TENANT] = {"tenants", TENANT_ROWS},
	[POOL] = {"pools", POOL_ROWS},
	[ROUTE] = {"routes", ROUTE_ROWS},
};

struct name {
	UT_hash_handle hh;
	uint32_t row;
	uint64_t assigned; /* when its tenant was last in an image; of tenants */
	char text[];	   /* of a tenant, or its row, a slash, and what is its */
};

struct tallies {
	struct {
		int fd;
		struct tally tally;
	} regions[WORKERS_MAX];
	unsigned count;
	struct name *names[KINDS];
	uint64_t assigned;		 /* counts the images */
	char (*tenants)[STATE_NAME_MAX]; /* by row; pages of it that nobody touched cost nothing */
	uint64_t secret;		 /* of this start */
	uint32_t next[KINDS];		 /* row; 0 is nobody's */
	bool told[KINDS];		 /* that there are no more */
};

int tallies_new(struct tallies **ret_tallies)
{
	struct tallies *tallies = calloc(1, sizeof(*tallies));

	if (!tallies)
		return -ENOMEM;
	tallies->tenants = calloc(TENANT_ROWS, sizeof(*tallies->tenants));
	if (!tallies->tenants || getrandom(&tallies->secret, sizeof(tallies->secret), 0) < 0) {
		free(tallies->tenants);
		free(tallies);
		return -ENOMEM;
	}
	for (int kind = 0; kind < KINDS; kind++)
		tallies->next[kind] = 1;
	*ret_tallies = tallies;
	return 0;
}

void tallies_free(struct tallies *tallies)
{
	struct name *name, *next;

	if (!tallies)
		return;
	for (unsigned i = 0; i < tallies->count; i++) {
		munmap(tallies->regions[i].tally.base, tallies->regions[i].tally.size);
		close(tallies->regions[i].fd);
	}
	for (int kind = 0; kind < KINDS; kind++) {
		HASH_ITER (hh, tallies->names[kind], name, next) {
			HASH_DEL(tallies->names[kind], name);
			free(name);
		}
	}
	free(tallies->tenants);
	free(tallies);
}

/* regions */

/* Of a size that stays: else a worker could have mtlbd read where there is nothing. */
static int make_region(int *ret_fd, struct tally *ret_tally)
{
	size_t size = tally_size(TENANT_ROWS, POOL_ROWS, ROUTE_ROWS);
	int fd = memfd_create("mtlb-l7-tally", MFD_CLOEXEC | MFD_ALLOW_SEALING), error;
	void *base = MAP_FAILED;

	if (fd < 0)
		return -errno;
	if (!ftruncate(fd, (off_t)size) &&
	    !fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW))
		base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (base == MAP_FAILED) {
		error = -errno;
		close(fd);
		return error;
	}
	tally_begin(base, TENANT_ROWS, POOL_ROWS, ROUTE_ROWS);
	*ret_fd = fd;
	return tally_open(base, size, ret_tally);
}

int tallies_fd(struct tallies *tallies, unsigned worker)
{
	while (tallies->count <= worker) {
		int error = make_region(&tallies->regions[tallies->count].fd,
					&tallies->regions[tallies->count].tally);

		if (error)
			return error;
		tallies->count++;
	}
	return tallies->regions[worker].fd;
}

void tallies_settle(struct tallies *tallies, unsigned worker)
{
	const struct tally *tally = &tallies->regions[worker].tally;

	if (worker >= tallies->count)
		return;
	for (uint32_t row = 0; row < tallies->next[TENANT]; row++)
		tally_settle_tenant(&tally->tenants[row]);
	for (uint32_t row = 0; row < tallies->next[POOL]; row++)
		tally_settle_pool(&tally->pools[row]);
}

/* whose row is which */

#define KEY_MAX 128

/* What a tenant has is its by its row, which is never somebody else's. */
static size_t spell(char text[KEY_MAX], uint32_t tenant, const char *what)
{
	int length = snprintf(text, KEY_MAX, "%u/%s", (unsigned)tenant, what);

	return length < KEY_MAX ? (size_t)length : KEY_MAX - 1;
}

static struct name *find(const struct tallies *tallies, enum kind kind, uint32_t tenant,
			 const char *what)
{
	char text[KEY_MAX];
	size_t length = spell(text, tenant, what);
	struct name *name = NULL;

	HASH_FIND(hh, tallies->names[kind], text, length, name);
	return name;
}

/* What finds no row is counted as nobody's. */
static uint32_t no_row(struct tallies *tallies, enum kind kind)
{
	if (!tallies->told[kind])
		log_error("l7",
			  "counters of %u %s have been given away since mtlbd was started; what "
			  "more there are is counted as nobody's until it is started again",
			  kinds[kind].most, kinds[kind].name);
	tallies->told[kind] = true;
	return 0;
}

static struct name *add(struct tallies *tallies, enum kind kind, uint32_t tenant, const char *what)
{
	char text[KEY_MAX];
	size_t length = spell(text, tenant, what);
	struct name *name = calloc(1, sizeof(*name) + length + 1);

	if (!name)
		return NULL;
	memcpy(name->text, text, length);
	name->row = tallies->next[kind]++;
	if (kind == TENANT)
		snprintf(tallies->tenants[name->row], STATE_NAME_MAX, "%s", what);
	HASH_ADD_KEYPTR(hh, tallies->names[kind], name->text, length, name);
	return name;
}

static uint32_t row_of(struct tallies *tallies, enum kind kind, uint32_t tenant, const char *what)
{
	struct name *name = find(tallies, kind, tenant, what);

	if (!name && tallies->next[kind] >= kinds[kind].most)
		return no_row(tallies, kind);
	if (!name)
		name = add(tallies, kind, tenant, what);
	if (!name)
		return 0;
	name->assigned = tallies->assigned;
	return name->row;
}

/* Their rows stay what they were; whoever has such a name next is somebody else. */
static void forget_gone(struct tallies *tallies)
{
	struct name *name, *next;

	for (name = tallies->names[TENANT]; name; name = next) {
		next = name->hh.next;
		if (name->assigned == tallies->assigned)
			continue;
		HASH_DEL(tallies->names[TENANT], name);
		free(name);
	}
}

/* Not yet sealed, and its builder's word is good: the workers check it all the same. */
static void *section(void *image, enum image_section section, uint32_t *ret_count)
{
	const struct image_head *head = image;

	*ret_count = head->sections[section].count;
	return (char *)image + head->sections[section].at;
}

void tallies_assign(struct tallies *tallies, void *image)
{
	uint32_t tenants_count, pools_count, routes_count;
	struct image_tenant *tenants = section(image, IMAGE_SECTION_tenants, &tenants_count);
	struct image_pool *pools = section(image, IMAGE_SECTION_pools, &pools_count);
	struct image_route *routes = section(image, IMAGE_SECTION_routes, &routes_count);
	const char *base = image;

	tallies->assigned++;
	for (uint32_t i = 0; i < tenants_count; i++)
		tenants[i].row = row_of(tallies, TENANT, 0, base + tenants[i].name.at);
	for (uint32_t i = 0; i < pools_count; i++)
		pools[i].row = row_of(tallies, POOL, tenants[pools[i].tenant].row,
				      base + pools[i].name.at);
	for (uint32_t i = 0; i < routes_count; i++)
		routes[i].row = row_of(tallies, ROUTE, tenants[routes[i].tenant].row,
				       base + routes[i].name.at);
	forget_gone(tallies);
}

/* sums */

/* tenant NULL: nobody. */
static bool find_row(const struct tallies *tallies, enum kind kind, const char *tenant,
		     const char *what, uint32_t *ret_row)
{
	const struct name *name = tenant ? find(tallies, TENANT, 0, tenant) : NULL;

	if (name && kind != TENANT)
		name = find(tallies, kind, name->row, what);
	*ret_row = name ? name->row : 0;
	return name || !tenant;
}

#define EACH_REGION(tallies, tally) \
	for (unsigned at_ = 0;      \
	     at_ < (tallies)->count && ((tally) = &(tallies)->regions[at_].tally, true); at_++)

bool tallies_tenant(const struct tallies *tallies, const char *tenant, struct tally_tenant *ret_sum)
{
	const struct tally *tally;
	uint32_t row;

	*ret_sum = (struct tally_tenant){};
	if (!find_row(tallies, TENANT, tenant, NULL, &row))
		return false;
	EACH_REGION(tallies, tally)
	tally_sum_tenant(ret_sum, &tally->tenants[row]);
	return true;
}

uint32_t tallies_accounts(const struct tallies *tallies)
{
	return tallies->next[TENANT];
}

bool tallies_account(const struct tallies *tallies, uint32_t row, uint64_t *ret_id,
		     const char **ret_tenant, struct tally_tenant *ret_sum)
{
	const struct tally *tally;

	*ret_sum = (struct tally_tenant){};
	EACH_REGION(tallies, tally)
	tally_sum_tenant(ret_sum, &tally->tenants[row]);
	*ret_id = (tallies->secret ^ row * UINT64_C(0x9e3779b97f4a7c15)) | 1;
	*ret_tenant = tallies->tenants[row];
	return ret_sum->requests || ret_sum->bytes_in;
}

bool tallies_times(const struct tallies *tallies, const char *tenant, struct tally_times *ret_sum)
{
	const struct tally *tally;
	uint32_t row;

	memset(ret_sum, 0, sizeof(*ret_sum));
	if (!find_row(tallies, TENANT, tenant, NULL, &row))
		return false;
	EACH_REGION(tallies, tally)
	{
		/* only to look at it would cost a page */
		if (tally->tenants[row].requests)
			tally_sum_times(ret_sum, &tally->times[row]);
	}
	return true;
}

bool tallies_pool(const struct tallies *tallies, const char *tenant, const char *pool,
		  struct tally_pool *ret_sum)
{
	const struct tally *tally;
	uint32_t row;

	*ret_sum = (struct tally_pool){};
	if (!find_row(tallies, POOL, tenant, pool, &row))
		return false;
	EACH_REGION(tallies, tally)
	tally_sum_pool(ret_sum, &tally->pools[row]);
	return true;
}

bool tallies_route(const struct tallies *tallies, const char *tenant, const char *route,
		   struct tally_route *ret_sum)
{
	const struct tally *tally;
	uint32_t row;

	memset(ret_sum, 0, sizeof(*ret_sum));
	if (!find_row(tallies, ROUTE, tenant, route, &row))
		return false;
	EACH_REGION(tallies, tally)
	tally_sum_route(ret_sum, &tally->routes[row]);
	return true;
}
