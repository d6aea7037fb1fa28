// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Loading again what changed: whatever is done to the files, the outcome is that of loading all of
 * them, or it is left to that.
 */
#include <errno.h>

#include "selftests/host/dice.h"
#include "selftests/unit/model/folder.h"
#include "userspace/model/diff.h"
#include "userspace/model/files.h"
#include "userspace/model/l7/compile.h"
#include "userspace/model/renew.h"
#include "userspace/sys/folder_watch.h"

#define TENANTS 12

static bool hinted; /* by the kernel, instead of looking at every file */

static FILE *begin(const char *name)
{
	FILE *file = fopen(in_folder(name), "w");

	assert_non_null(file);
	return file;
}

static void write_platform(unsigned acl_prefixes, const char *more)
{
	FILE *file = begin("platform.yaml");

	fprintf(file,
		"apiVersion: mtlb/v1\nkind: Platform\nmetadata: {name: n}\n"
		"node:\n  interfaces: [{name: eth0}]\n  encapSource: {ipv4: 192.0.2.1}\n"
		"  natSources: [{ipv4: 192.0.2.2}]\n"
		"  capacity: {aclPrefixes: %u, members: 40, feedPrefixes: 9}\n"
		"api: {tenantWrites: 7/s, socket: /run/x.sock}\n"
		"denyFeeds: [{name: f, file: f.txt}]\n",
		acl_prefixes);
	fprintf(file, "vips:\n");
	for (unsigned i = 0; i < TENANTS; i++)
		fprintf(file, "  - {name: v%u, address: 198.51.100.%u}\n", i, i + 1);
	fprintf(file, "  - {name: shared, address: 198.51.100.99}\n"
		      "listeners: [{name: h, vips: [shared, v1, v2], port: 80, protocol: HTTP}]\n");
	fprintf(file, "tiers: [{name: a, l4: {packets: 5k/s, aclPrefixes: 9}}]\ntenants:\n");
	/* not in the order of their names */
	for (unsigned i = TENANTS; i-- > 0;)
		fprintf(file, "  - {name: t%u, tier: a, vips: [v%u], domains: [t%u.example]}\n", i,
			i, i);
	fprintf(file, "%s", more);
	fclose(file);
}

static void write_tenant(unsigned number, struct dice *dice)
{
	char name[32];
	FILE *file;

	/* the files' names are in another order than the tenants' */
	snprintf(name, sizeof(name), "tenants.d/%02u.yaml", TENANTS - number);
	file = begin(name);
	fprintf(file, "apiVersion: mtlb/v1\nkind: TenantConfig\nmetadata: {tenant: t%u}\n", number);
	if (dice_throw(dice, 2)) {
		fprintf(file, "acl:\n  default: %s\n  deny:\n",
			dice_throw(dice, 2) ? "deny" : "allow");
		for (unsigned i = 0; i <= dice_throw(dice, 3); i++)
			fprintf(file, "    - 203.0.%u.%u\n", i, dice_throw(dice, 250));
	}
	if (dice_throw(dice, 2))
		fprintf(file,
			"routes: [{name: r, listener: h, backendRefs: [{pool: w, weight: %u}]}]\n",
			dice_throw(dice, 9));
	fprintf(file, "pools:\n  - {name: w, backends: [{address: \"10.0.0.%u:80\"}]}\n",
		1 + dice_throw(dice, 9));
	fprintf(file, "  - name: p\n    backends:\n");
	for (unsigned i = 0; i <= dice_throw(dice, 3); i++)
		fprintf(file, "      - {address: 192.0.%u.9, weight: %u}\n", 9 - i,
			1 + dice_throw(dice, 50));
	fprintf(file,
		"services:\n  - {name: s, vips: [v%u], protocol: UDP, ports: [%u, 53], pool: p, "
		"forward: %s}\n",
		number, 80 + dice_throw(dice, 9), dice_throw(dice, 2) ? "ipip" : "nat");
	fclose(file);
}

struct loaded {
	struct config config;
	struct renew *renew;
	struct folder_watch *watch;
};

static void load(struct loaded *ret)
{
	struct renew_files files = {};
	struct config_errors errors;
	char path[512];

	ret->watch = NULL;
	snprintf(path, sizeof(path), "%s/" FILES_TENANTS, folder);
	if (hinted)
		assert_int_equal(folder_watch_new(path, &ret->watch), 0);
	assert_int_equal(config_load_files(folder, &ret->config, &errors, &files), 0);
	assert_int_equal(renew_new(&files, &ret->config, &ret->renew), 0);
	renew_files_fini(&files);
	config_errors_fini(&errors);
}

static void unload(struct loaded *loaded)
{
	renew_free(loaded->renew);
	config_fini(&loaded->config);
	folder_watch_free(loaded->watch);
}

/* Both make the same image for the L7 tier. */
static void assert_same_image(const struct config *config, const struct config *other)
{
	static const uint8_t secret[16];
	void *image, *others;
	size_t size, length;

	assert_int_equal(compile_image(config, NULL, 1, 1, secret, &image, &size, NULL), 0);
	assert_int_equal(compile_image(other, NULL, 1, 1, secret, &others, &length, NULL), 0);
	assert_int_equal(size, length);
	assert_memory_equal(image, others, size);
	free(image);
	free(others);
}

/* What was loaded is as if everything were loaded now. */
static void assert_same(const struct config *config)
{
	struct config_errors errors;
	struct config all;
	struct plan plan;

	assert_int_equal(config_load(folder, &all, &errors), 0);
	assert_int_equal(plan_make(&config->state, &all.state, &plan), 0);
	if (plan.count) {
		char text[512];

		fail_msg("%s", op_format(&plan.ops[0], text, sizeof(text)));
	}
	assert_memory_equal(&config->capacity, &all.capacity, sizeof(all.capacity));
	assert_int_equal(config->api.tenant_writes, 7);
	assert_string_equal(config->api.socket, all.api.socket);
	assert_string_equal(config->api.audit, all.api.audit);
	assert_string_equal(config->usage.directory, all.usage.directory);
	assert_int_equal(config->feed_count, all.feed_count);
	assert_string_equal(config->feeds[0].path, all.feeds[0].path);
	assert_same_image(config, &all);
	plan_fini(&plan);
	config_fini(&all);
}

static int renew(struct loaded *loaded, size_t *ret_count)
{
	struct config next;
	size_t *changed;
	int r;

	if (loaded->watch && renew_folder(loaded->renew) &&
	    folder_watch_is(loaded->watch, renew_folder(loaded->renew))) {
		renew_expect_hints(loaded->renew);
		assert_true(folder_watch_read(loaded->watch, renew_hint, loaded->renew));
	}
	r = renew_run(loaded->renew, &loaded->config, &next, &changed, ret_count);

	if (r)
		return r;
	for (size_t i = 0; i < next.state.tenant_count; i++) {
		bool listed = false;

		for (size_t j = 0; j < *ret_count; j++)
			listed |= changed[j] == i;
		assert_int_equal(next.state.tenants[i].borrowed, !listed);
	}
	free(changed);
	state_take_borrowed(&next.state, &loaded->config.state);
	config_fini(&loaded->config);
	loaded->config = next;
	return 0;
}

static void changes_one_by_one(void **state)
{
	struct dice dice = {7};
	struct loaded loaded;
	size_t count;

	(void)state;
	load(&loaded);
	assert_non_null(loaded.renew);
	/* nothing changed: that is for a look at everything */
	assert_int_equal(renew(&loaded, &count), -EAGAIN);
	for (unsigned round = 0; round < 30; round++) {
		unsigned number = dice_throw(&dice, TENANTS);

		write_tenant(number, &dice);
		if (dice_throw(&dice, 3) == 0)
			write_tenant((number + 1) % TENANTS, &dice);
		assert_int_equal(renew(&loaded, &count), 0);
		/* those of earlier rounds are still young */
		assert_in_range(count, 1, TENANTS);
		if (round == 0 || hinted)
			assert_in_range(count, 1, 2);
		assert_same(&loaded.config);
	}
	unload(&loaded);
}

static void expect_all(struct loaded *loaded)
{
	size_t count;

	assert_int_equal(renew(loaded, &count), -EAGAIN);
	unload(loaded);
}

static void what_is_left_to_a_whole_load(void **state)
{
	struct dice dice = {8};
	struct loaded loaded;
	char path[512];
	FILE *file;

	(void)state;
	load(&loaded);
	write_platform(64, "");
	expect_all(&loaded);

	/* a file more, and then one less */
	folder_grow_old(RENEW_UNSURE_S + 1);
	load(&loaded);
	file = begin("tenants.d/more.yaml");
	fprintf(file, "apiVersion: mtlb/v1\nkind: TenantConfig\nmetadata: {tenant: t0}\n");
	fclose(file);
	expect_all(&loaded);
	snprintf(path, sizeof(path), "%s/tenants.d/more.yaml", folder);
	unlink(path);

	load(&loaded);
	snprintf(path, sizeof(path), "%s/tenants.d/01.yaml", folder);
	unlink(path);
	expect_all(&loaded);
	write_tenant(TENANTS - 1, &dice);

	/* another tenant's document in the file */
	load(&loaded);
	file = begin("tenants.d/01.yaml");
	fprintf(file, "apiVersion: mtlb/v1\nkind: TenantConfig\nmetadata: {tenant: t0}\n");
	fclose(file);
	expect_all(&loaded);
	write_tenant(TENANTS - 1, &dice);

	/* what is wrong: in one document, and only because of all the others */
	load(&loaded);
	file = begin("tenants.d/01.yaml");
	fprintf(file, "apiVersion: mtlb/v1\nkind: TenantConfig\nmetadata: {tenant: t11}\nx: 1\n");
	fclose(file);
	expect_all(&loaded);
	write_tenant(TENANTS - 1, &dice);

	load(&loaded);
	file = begin("tenants.d/01.yaml");
	fprintf(file, "apiVersion: mtlb/v1\nkind: TenantConfig\nmetadata: {tenant: t11}\n"
		      "pools: [{name: p, backends: [");
	for (unsigned i = 0; i < 40; i++)
		fprintf(file, "{address: 192.0.2.%u}, ", 100 + i);
	fprintf(file,
		"]}]\nservices: [{name: s, vips: [v11], protocol: TCP, ports: [80], pool: p}]\n");
	fclose(file);
	expect_all(&loaded);
	write_tenant(TENANTS - 1, &dice);
}

static void links_are_followed(void **state)
{
	struct dice dice = {9};
	struct loaded loaded;
	char file[512], elsewhere[512];
	size_t count;

	(void)state;
	snprintf(file, sizeof(file), "%s/tenants.d/01.yaml", folder);
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", folder);
	load(&loaded);
	/* one file becomes a link: what it leads to is not in the folder */
	assert_int_equal(rename(file, elsewhere), 0);
	assert_int_equal(symlink(elsewhere, file), 0);
	if (hinted)
		expect_all(&loaded);
	else
		unload(&loaded);
	load(&loaded);
	assert_null(renew_folder(loaded.renew));
	write_tenant(TENANTS - 1, &dice); /* through the link */
	assert_int_equal(renew(&loaded, &count), 0);
	assert_same(&loaded.config);
	unload(&loaded);

	/* another name of the same file */
	unlink(file);
	assert_int_equal(rename(elsewhere, file), 0);
	load(&loaded);
	assert_non_null(renew_folder(loaded.renew));
	assert_int_equal(link(file, elsewhere), 0);
	if (hinted)
		expect_all(&loaded);
	else
		unload(&loaded);
	load(&loaded);
	assert_null(renew_folder(loaded.renew));
	unload(&loaded);
}

/* In place of the one that is watched: hints of before say nothing of it. */
static void a_folder_in_its_place(void **state)
{
	struct dice dice = {11};
	struct loaded loaded;
	char path[512], old[512], file[512], moved[512];
	size_t count;

	(void)state;
	snprintf(path, sizeof(path), "%s/tenants.d", folder);
	snprintf(old, sizeof(old), "%s/old", folder);
	load(&loaded);
	write_tenant(1, &dice);
	assert_int_equal(renew(&loaded, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(rename(path, old), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	for (unsigned i = 0; i < TENANTS; i++) {
		snprintf(moved, sizeof(moved), "%s/%02u.yaml", old, TENANTS - i);
		snprintf(file, sizeof(file), "%s/%02u.yaml", path, TENANTS - i);
		if (i == 1 || i == 5)
			write_tenant(i, &dice);
		else
			assert_int_equal(rename(moved, file), 0);
	}
	assert_int_equal(renew(&loaded, &count), 0);
	assert_same(&loaded.config);
	unload(&loaded);
}

static void another_folder(void **state)
{
	struct dice dice = {10};
	struct folder_watch *watch;
	char path[512], old[512];

	(void)state;
	snprintf(path, sizeof(path), "%s/tenants.d", folder);
	snprintf(old, sizeof(old), "%s/old", folder);
	assert_int_equal(folder_watch_new("/nowhere", &watch), -ENOENT);
	assert_int_equal(folder_watch_new("/proc", &watch), -EOPNOTSUPP);
	assert_int_equal(folder_watch_new(path, &watch), 0);
	assert_int_equal(rename(path, old), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	write_tenant(0, &dice);
	assert_false(folder_watch_is(watch, path));
	assert_true(folder_watch_is(watch, old));
	assert_false(folder_watch_read(watch, renew_hint, NULL));
	folder_watch_free(watch);
}

/* Only of a directory with a file for each tenant is anything kept. */
static void other_layouts(void **state)
{
	struct loaded loaded;

	(void)state;
	write_platform(64,
		       "---\napiVersion: mtlb/v1\nkind: TenantConfig\nmetadata: {tenant: t0}\n");
	unlink(in_folder("tenants.d/12.yaml"));
	folder_grow_old(RENEW_UNSURE_S + 1);
	load(&loaded);
	assert_null(loaded.renew);
	unload(&loaded);
}

static int set_up(void **state)
{
	struct dice dice = {1};

	if (folder_make(state))
		return -1;
	make_folder("tenants.d");
	write_platform(48, "");
	for (unsigned i = 0; i < TENANTS; i++)
		write_tenant(i, &dice);
	return 0;
}

static int set_up_old(void **state)
{
	int r = set_up(state);

	if (r == 0)
		folder_grow_old(RENEW_UNSURE_S + 1);
	return r;
}

static int set_up_hinted(void **state)
{
	hinted = true;
	return set_up_old(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(changes_one_by_one, set_up_old, folder_remove),
		cmocka_unit_test_setup_teardown(what_is_left_to_a_whole_load, set_up_old,
						folder_remove),
		cmocka_unit_test_setup_teardown(other_layouts, set_up, folder_remove),
		cmocka_unit_test_setup_teardown(links_are_followed, set_up_old, folder_remove),
		cmocka_unit_test_setup_teardown(another_folder, set_up, folder_remove),
		cmocka_unit_test_setup_teardown(changes_one_by_one, set_up_hinted, folder_remove),
		cmocka_unit_test_setup_teardown(what_is_left_to_a_whole_load, set_up_hinted,
						folder_remove),
		cmocka_unit_test_setup_teardown(links_are_followed, set_up_hinted, folder_remove),
		cmocka_unit_test_setup_teardown(a_folder_in_its_place, set_up_hinted,
						folder_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
