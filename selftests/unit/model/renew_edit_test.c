// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Edits by the API of which only one file is read: the outcome is that of an edit that loads all of
 * them, to the letter, or it is left to that.
 */
#include <errno.h>

#include "selftests/host/dice.h"
#include "selftests/unit/model/folder.h"
#include "userspace/model/diff.h"
#include "userspace/model/renew.h"

#define TENANTS 6
#define ROUNDS	400

static void write_tenant(unsigned number, unsigned weight)
{
	char name[64], text[512];

	snprintf(name, sizeof(name), "tenants.d/t%u.yaml", number);
	snprintf(text, sizeof(text),
		 "apiVersion: mtlb/v1\nkind: TenantConfig\nmetadata: {tenant: t%u}\n"
		 "pools: [{name: p, backends: [{address: 192.0.2.1, weight: %u}]}]\n"
		 "services: [{name: s, vips: [v%u], protocol: TCP, ports: [80], pool: p, "
		 "forward: ipip}]\n",
		 number, weight, number);
	write_file(name, text);
}

static void write_platform(void)
{
	char text[4096];
	int length = snprintf(text, sizeof(text),
			      "apiVersion: mtlb/v1\nkind: Platform\nmetadata: {name: n}\n"
			      "node:\n  interfaces: [{name: eth0}]\n"
			      "  encapSource: {ipv4: 192.0.2.254}\n"
			      "  capacity: {aclPrefixes: 20, members: 24}\nvips:\n");

	for (unsigned i = 0; i < TENANTS; i++)
		length += snprintf(text + length, sizeof(text) - (size_t)length,
				   "  - {name: v%u, address: 198.51.100.%u}\n", i, i + 1);
	length += snprintf(text + length, sizeof(text) - (size_t)length,
			   "tiers: [{name: a, l4: {packets: 5k/s, aclPrefixes: 9}}]\ntenants:\n");
	for (unsigned i = TENANTS; i-- > 0;)
		length += snprintf(text + length, sizeof(text) - (size_t)length,
				   "  - {name: t%u, tier: a, vips: [v%u]}\n", i, i);
	write_file("platform.yaml", text);
}

static int set_up(void **state)
{
	if (folder_make(state))
		return -1;
	make_folder("tenants.d");
	make_folder("api.d");
	for (unsigned i = 0; i < TENANTS; i++)
		write_tenant(i, 1);
	write_platform();
	folder_grow_old(RENEW_UNSURE_S + 1);
	return 0;
}

/* As the agent does. */
static void write_result(const struct edit_result *result)
{
	if (result->text)
		write_file(result->path + strlen(folder) + 1, result->text);
	else
		unlink(result->path);
}

struct kept {
	struct config config;
	struct renew *renew;
};

static void take(struct kept *kept, struct config *next)
{
	state_take_borrowed(&next->state, &kept->config.state);
	config_fini(&kept->config);
	kept->config = *next;
}

static void load_all(struct kept *ret)
{
	struct renew_files files = {};
	struct config_errors errors;

	assert_int_equal(config_load_files(folder, &ret->config, &errors, &files), 0);
	config_errors_fini(&errors);
	/* those that were written just now are too young to be sure of */
	for (size_t i = 0; i < files.count; i++)
		files.list[i].stamp.unsure = false;
	assert_int_equal(renew_new(&files, &ret->config, &ret->renew), 0);
	assert_non_null(ret->renew);
	renew_files_fini(&files);
}

/* By a load of everything; what there was is kept of it. */
static void edit_all(struct kept *kept, enum edit_verb verb, const struct edit_object *object,
		     const char *body)
{
	struct edit edit = {
		.object = *object, .verb = verb, .body = body, .length = body ? strlen(body) : 0};
	struct renew_files files = {};
	struct config_errors errors;
	struct edit_result result;
	struct config next;

	assert_int_equal(edit_load(folder, &edit, &next, &errors, &result, &files), 0);
	config_errors_fini(&errors);
	if (kept->renew)
		renew_trust(&files, renew_files_of(kept->renew));
	renew_free(kept->renew);
	write_result(&result);
	renew_note_written(&files, result.path);
	edit_result_fini(&result);
	take(kept, &next);
	assert_int_equal(renew_new(&files, &kept->config, &kept->renew), 0);
	assert_non_null(kept->renew);
	renew_files_fini(&files);
}

/* Tenants 0 and 1 are adopted from files, "new" is the API's alone. */
static void begin(struct kept *ret)
{
	struct stat stat_;

	*ret = (struct kept){};
	if (stat(in_folder("api.d/tenant.new.yaml"), &stat_) == 0) {
		load_all(ret);
		return;
	}
	for (unsigned i = 0; i < 2; i++) {
		struct edit_object object = {.kind = EDIT_TENANT, .tenant = i ? "t1" : "t0"};

		edit_all(ret, EDIT_ADOPT, &object, NULL);
	}
	edit_all(ret, EDIT_PUT, &(struct edit_object){.kind = EDIT_TENANT, .tenant = "new"},
		 "{\"tier\":\"a\",\"vips\":[{\"name\":\"w\",\"address\":\"198.51.100.77\"}],"
		 "\"config\":{\"pools\":[{\"name\":\"p\",\"backends\":[{\"address\":\"192.0.2.9\"}]"
		 "}],"
		 "\"services\":[{\"name\":\"s\",\"vips\":[\"w\"],\"protocol\":\"UDP\","
		 "\"ports\":[53],\"pool\":\"p\",\"forward\":\"ipip\"}]}}");
}

static void end(struct kept *kept)
{
	renew_free(kept->renew);
	config_fini(&kept->config);
}

static void assert_same(const struct config *some, const struct config *all)
{
	struct plan plan;

	assert_int_equal(plan_make(&some->state, &all->state, &plan), 0);
	if (plan.count) {
		char text[512];

		fail_msg("%s", op_format(&plan.ops[0], text, sizeof(text)));
	}
	plan_fini(&plan);
}

/* Both ways; true: the short one did it. */
static bool edit_both(struct kept *kept, const struct edit *edit)
{
	struct edit_result some = {}, all;
	struct config next = {}, other;
	struct config_errors errors;
	size_t changed = SIZE_MAX;
	int r, error;

	assert_true(renew_is_for(edit));
	r = renew_edit(kept->renew, folder, edit, &kept->config, &next, &changed, &some);
	error = edit_load(folder, edit, &other, &errors, &all, NULL);
	config_errors_fini(&errors);
	if (r == 0) {
		assert_int_equal(error, 0);
		assert_string_equal(some.text, all.text);
		assert_string_equal(some.path, all.path);
		assert_string_equal(some.etag, all.etag);
		assert_int_equal(some.created, all.created);
		for (size_t i = 0; i < next.state.tenant_count; i++)
			assert_int_equal(next.state.tenants[i].borrowed, i != changed);
		assert_same(&next, &other);
		write_result(&some);
		renew_wrote(kept->renew, some.path);
		take(kept, &next);
		edit_result_fini(&some);
	} else {
		/* nothing that could have been done is left */
		assert_int_not_equal(error, 0);
	}
	if (!error)
		config_fini(&other);
	edit_result_fini(&all);
	if (r && r != -EINVAL) {
		assert_int_equal(r, -EAGAIN);
		renew_free(kept->renew);
		config_fini(&kept->config);
		load_all(kept);
	}
	return r == 0;
}

static const char *const owners[] = {"t0", "t1", "new"};

static void edits_one_by_one(void **state)
{
	struct dice dice = {21};
	struct kept kept;
	unsigned done = 0, refused = 0;

	(void)state;
	begin(&kept);
	for (unsigned round = 0; round < ROUNDS; round++) {
		char body[512], backend[32];
		struct edit edit = {.object.tenant = owners[dice_throw(&dice, 3)], .body = body};
		const char *vip = !strcmp(edit.object.tenant, "t0")   ? "v0"
				  : !strcmp(edit.object.tenant, "t1") ? "v1"
								      : "w";

		snprintf(backend, sizeof(backend), "192.0.2.%u", dice_throw(&dice, 12));
		switch (dice_throw(&dice, 6)) {
		case 0:
			edit.object.kind = EDIT_ACL;
			snprintf(body, sizeof(body),
				 "{\"deny\":[\"203.0.113.%u\",\"203.0.%u.0/24\"]}",
				 dice_throw(&dice, 256), dice_throw(&dice, 115));
			break;
		case 1:
			edit.object.kind = EDIT_SERVICE;
			edit.object.name = dice_throw(&dice, 2) ? "s" : "other";
			snprintf(body, sizeof(body),
				 "{\"vips\":[\"%s\"],\"protocol\":\"%s\",\"ports\":[%u],"
				 "\"pool\":\"%s\",\"forward\":\"ipip\"}",
				 vip, dice_throw(&dice, 2) ? "TCP" : "UDP",
				 80 + dice_throw(&dice, 3), dice_throw(&dice, 5) ? "p" : "q");
			break;
		case 2:
			edit.object.kind = EDIT_POOL;
			edit.object.name = dice_throw(&dice, 2) ? "p" : "q";
			snprintf(body, sizeof(body),
				 "{\"backends\":[{\"address\":\"%s\"},{\"address\":\"192.0.2.%u\"}]"
				 "}",
				 backend, dice_throw(&dice, 12));
			break;
		default:
			edit.object.kind = EDIT_BACKEND;
			edit.object.name = dice_throw(&dice, 4) ? "p" : "q";
			edit.object.backend = backend;
			snprintf(body, sizeof(body), "{\"weight\":%u}", dice_throw(&dice, 110));
		}
		edit.length = strlen(body);
		edit.verb = dice_throw(&dice, 4) ? EDIT_PUT : EDIT_DELETE;
		edit.if_none = dice_throw(&dice, 8) == 0;
		edit.if_match = dice_throw(&dice, 8) == 0 ? "\"0123\"" : NULL;
		if (edit_both(&kept, &edit))
			done++;
		else
			refused++;
	}
	assert_true(done > ROUNDS / 4);
	assert_true(refused > ROUNDS / 10);
	end(&kept);
}

static int try(struct kept *kept, const char *tenant)
{
	const char *body = "{\"weight\":7}";
	struct edit edit = {.object = {EDIT_BACKEND, tenant, "p", "192.0.2.1"},
			    .body = body,
			    .length = strlen(body)};
	struct edit_result result;
	struct config next;
	size_t changed;
	int r = renew_edit(kept->renew, folder, &edit, &kept->config, &next, &changed, &result);

	if (r == 0) {
		config_fini(&next);
		edit_result_fini(&result);
	}
	return r;
}

static void what_is_left_to_all(void **state)
{
	struct edit whole = {.object = {EDIT_TENANT, "t0", NULL, NULL}, .verb = EDIT_PUT};
	struct kept kept;

	(void)state;
	assert_false(renew_is_for(&whole));
	whole.object.kind = EDIT_CONFIG;
	assert_true(renew_is_for(&whole));
	whole.verb = EDIT_DELETE;
	assert_false(renew_is_for(&whole));

	begin(&kept);
	/* of a file: that is refused, and in words; what is kept stays of use */
	assert_int_equal(try(&kept, "t3"), -EINVAL);
	assert_int_equal(try(&kept, "nobody"), -EINVAL);
	assert_int_equal(try(&kept, "../t0"), -EINVAL);
	assert_int_equal(try(&kept, "t0"), 0);

	/* another tenant's file changed, and is taken as well */
	write_tenant(4, 9);
	assert_int_equal(try(&kept, "t0"), -EAGAIN);
	end(&kept);

	begin(&kept);
	write_platform();
	assert_int_equal(try(&kept, "t0"), -EAGAIN);
	end(&kept);
}

/* The API's file was changed by hand. */
static void what_is_not_the_api_s(void **state)
{
	struct kept kept;

	(void)state;
	begin(&kept);
	write_file("api.d/tenant.t0.yaml",
		   "apiVersion: mtlb/v1\nkind: TenantConfig\nmetadata: {tenant: t0}\n");
	assert_int_equal(try(&kept, "t0"), -EAGAIN);
	end(&kept);
}

/* A file of the API beside does not keep a tenant's own file from being taken alone. */
static void files_beside_the_api(void **state)
{
	struct config next;
	struct kept kept;
	size_t *changed, count;

	(void)state;
	begin(&kept);
	for (unsigned round = 0; round < 3; round++) {
		write_tenant(3, 20 + round);
		assert_int_equal(renew_run(kept.renew, &kept.config, &next, &changed, &count), 0);
		assert_int_equal(count, 1);
		assert_string_equal(next.state.tenants[changed[0]].name, "t3");
		free(changed);
		take(&kept, &next);
	}
	/* one whose document is left out is for a look at everything */
	write_tenant(0, 3);
	assert_int_equal(renew_run(kept.renew, &kept.config, &next, &changed, &count), -EAGAIN);
	end(&kept);

	/* and so is a file of the API that came, or went */
	begin(&kept);
	write_tenant(3, 40);
	unlink(in_folder("api.d/tenant.t1.yaml"));
	assert_int_equal(renew_run(kept.renew, &kept.config, &next, &changed, &count), -EAGAIN);
	end(&kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(edits_one_by_one, set_up, folder_remove),
		cmocka_unit_test_setup_teardown(what_is_left_to_all, set_up, folder_remove),
		cmocka_unit_test_setup_teardown(what_is_not_the_api_s, set_up, folder_remove),
		cmocka_unit_test_setup_teardown(files_beside_the_api, set_up, folder_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
