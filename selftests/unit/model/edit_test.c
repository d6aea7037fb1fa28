// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Objects of a configuration, read and written as the API does: what the file of the API becomes,
 * who owns what, conditions, and that a wrong body changes nothing and names its place.
 */
#include <errno.h>

#include "selftests/unit/model/folder.h"
#include "userspace/model/edit.h"

#define PLATFORM                                                                      \
	"apiVersion: mtlb/v1\nkind: Platform\nmetadata: {name: n}\n"                  \
	"node: {interfaces: [{name: eth0}]}\n"                                        \
	"vips: [{name: v1, address: 192.0.2.1}, {name: spare, address: 192.0.2.9}]\n" \
	"tiers: [{name: free, l4: {flows: 128}}]\n"                                   \
	"tenants: [{name: acme, vips: [v1]}, {name: bare}]\n"
#define ACME                                                                         \
	"apiVersion: mtlb/v1\nkind: TenantConfig\nmetadata: {tenant: acme}\n"        \
	"pools: [{name: web, backends: [{address: 10.0.0.1}]}]\n"                    \
	"services: [{name: web, vips: [v1], protocol: TCP, ports: [80], pool: web, " \
	"forward: dsr}]\n"
#define BETA                                                                               \
	"{\"tier\":\"free\",\"vips\":[{\"name\":\"b4\",\"address\":\"192.0.2.7\"}],"       \
	"\"config\":{\"pools\":[{\"name\":\"p\",\"backends\":[{\"address\":\"10.0.0.2\"}," \
	"{\"address\":\"10.0.0.3\"}]}],\"services\":[{\"name\":\"s\",\"vips\":[\"b4\"],"   \
	"\"protocol\":\"TCP\",\"ports\":[80],\"pool\":\"p\",\"forward\":\"dsr\"}]}}"

static const struct edit_object beta = {.kind = EDIT_TENANT, .tenant = "beta"};
static const struct edit_object acme = {.kind = EDIT_TENANT, .tenant = "acme"};

static int set_up(void **state)
{
	if (folder_make(state))
		return -1;
	make_folder("tenants.d");
	make_folder("api.d");
	write_file("platform.yaml", PLATFORM);
	write_file("tenants.d/acme.yaml", ACME);
	return 0;
}

/* Makes the edit, and what the agent would do with its result. The first error is in text. */
static int run(const struct edit *edit, struct config *ret_config, char text[1024], char *ret_etag)
{
	struct config_errors errors = {};
	struct edit_result result;
	struct config config = {};
	int code = edit_load(folder, edit, &config, &errors, &result, NULL);

	text[0] = 0;
	if (errors.count)
		config_error_format(&errors.list[0], text, 1024);
	if (!code && result.text)
		write_file(result.path + strlen(folder) + 1, result.text);
	else if (!code)
		unlink(result.path);
	if (!code && ret_etag)
		memcpy(ret_etag, result.etag, EMIT_ETAG_MAX);
	if (!code && ret_config)
		*ret_config = config;
	else
		config_fini(&config);
	assert_int_equal(code != 0, errors.count != 0);
	config_errors_fini(&errors);
	edit_result_fini(&result);
	return code;
}

static void put(const struct edit_object *object, const char *body, int expected, const char *error)
{
	struct edit edit = {
		.object = *object, .verb = EDIT_PUT, .body = body, .length = strlen(body)};
	char text[1024];
	int code = run(&edit, NULL, text, NULL);

	if (code != expected)
		print_message("%s\n", text);
	assert_int_equal(code, expected);
	if (error && !strstr(text, error))
		fail_msg("\"%s\" does not say \"%s\"", text, error);
}

static void perform(const struct edit_object *object, enum edit_verb verb, int expected,
		    const char *error)
{
	struct edit edit = {.object = *object, .verb = verb};
	char text[1024];

	assert_int_equal(run(&edit, NULL, text, NULL), expected);
	if (error && !strstr(text, error))
		fail_msg("\"%s\" does not say \"%s\"", text, error);
}

/* The object as JSON on one line; "" when there is none. To be freed. */
static char *stored(const struct edit_object *object, bool *ret_api)
{
	struct config_errors errors = {};
	struct edit_view view = {};
	int code = edit_read(folder, object, &view, &errors);
	char *text = NULL, *to;

	assert_int_equal(errors.count, 0);
	config_errors_fini(&errors);
	if (code == -ENOENT)
		return strdup("");
	assert_int_equal(code, 0);
	if (ret_api)
		*ret_api = view.api;
	text = to = strdup(view.text);
	for (const char *c = view.text; *c; c++)
		if (*c != '\n' && *c != ' ')
			*to++ = *c;
	*to = 0;
	edit_view_fini(&view);
	return text;
}

static void expect(const struct edit_object *object, const char *wanted)
{
	char *text = stored(object, NULL);

	assert_string_equal(text, wanted);
	free(text);
}

static struct config load(void)
{
	struct config_errors errors = {};
	struct config config = {};

	assert_int_equal(config_load(folder, &config, &errors), 0);
	config_errors_fini(&errors);
	return config;
}

/* What is put is what is read, and comes back the same; then it goes without a trace. */
static void onboard_and_offboard(void **state)
{
	struct config config;
	char path[512];

	(void)state;
	put(&beta, BETA, 0, NULL);
	config = load();
	assert_int_equal(config.state.tenant_count, 3);
	assert_int_equal(config.notes.count, 0);
	config_fini(&config);
	expect(&beta, "{\"name\":\"beta\"," /* and as it was sent: */
		      "\"tier\":\"free\",\"vips\":[{\"name\":\"b4\",\"address\":\"192.0.2.7\"}],"
		      "\"config\":{\"pools\":[{\"name\":\"p\",\"backends\":[{\"address\":"
		      "\"10.0.0.2\"},{\"address\":\"10.0.0.3\"}]}],\"services\":[{\"name\":\"s\","
		      "\"vips\":[\"b4\"],\"protocol\":\"TCP\",\"ports\":[80],\"pool\":\"p\","
		      "\"forward\":\"dsr\"}]}}");
	/* its own VIP stays when it is only named from now on; another one comes */
	put(&beta, "{tier: free, vips: [b4, spare]}", 0, NULL);
	config = load();
	assert_int_equal(config.state.tenants[2].address_count, 2);
	assert_int_equal(config.state.tenants[2].service_count, 1);
	config_fini(&config);
	/* no more named, it is no more: its service needs it */
	put(&beta, "{tier: free, vips: [spare]}", -EINVAL, "unknown VIP \"b4\"");
	perform(&beta, EDIT_DELETE, 0, NULL);
	snprintf(path, sizeof(path), "%s/api.d/tenant.beta.yaml", folder);
	assert_int_equal(access(path, F_OK), -1);
	config = load();
	assert_int_equal(config.state.tenant_count, 2);
	config_fini(&config);
	perform(&beta, EDIT_DELETE, -ENOENT, "does not exist");
}

static void parts_of_a_config(void **state)
{
	struct edit_object pool = {EDIT_POOL, "beta", "p", NULL};
	struct edit_object other = {EDIT_POOL, "beta", "q", NULL};
	struct edit_object service = {EDIT_SERVICE, "beta", "s", NULL};
	struct edit_object backend = {EDIT_BACKEND, "beta", "p", "10.0.0.3"};
	struct edit_object mapped = {EDIT_BACKEND, "beta", "q", "2001:DB8::1"};
	struct edit_object astray = {EDIT_BACKEND, "beta", "z", "10.0.0.3"};
	struct edit_object acl = {EDIT_ACL, "beta", NULL, NULL};
	struct edit_object config = {EDIT_CONFIG, "beta", NULL, NULL};

	(void)state;
	put(&beta, BETA, 0, NULL);
	put(&backend, "{\"weight\": 7, \"state\": \"drain\"}", 0, NULL);
	expect(&pool, "{\"name\":\"p\",\"backends\":[{\"address\":\"10.0.0.2\"},{\"address\":"
		      "\"10.0.0.3\",\"weight\":7,\"state\":\"drain\"}]}");
	perform(&backend, EDIT_DELETE, 0, NULL);
	perform(&backend, EDIT_DELETE, -ENOENT, NULL);
	put(&astray, "{}", -ENOENT, "has no pool \"z\"");
	put(&acl, "{deny: [203.0.113.0/24]}", 0, NULL);
	expect(&acl, "{\"deny\":[\"203.0.113.0/24\"]}");
	perform(&acl, EDIT_DELETE, 0, NULL);
	expect(&acl, "");
	put(&other, "{name: q, backends: [{address: 10.0.0.9}]}", 0, NULL);
	put(&mapped, "{}", 0, NULL);
	mapped.backend = "2001:db8:0::1"; /* another spelling */
	put(&mapped, "{weight: 2}", 0, NULL);
	expect(&other, "{\"name\":\"q\",\"backends\":[{\"address\":\"10.0.0.9\"},{\"address\":"
		       "\"2001:db8:0::1\",\"weight\":2}]}");
	put(&other, "{name: r, backends: []}", -EINVAL, "body:1:8: \"name\" must be \"q\"");
	perform(&pool, EDIT_DELETE, -EINVAL, "unknown pool \"p\"");
	perform(&service, EDIT_DELETE, 0, NULL);
	perform(&pool, EDIT_DELETE, 0, NULL);
	put(&config,
	    "apiVersion: mtlb/v1\nkind: TenantConfig\nmetadata: {tenant: beta}\npools: []\n", 0,
	    NULL);
	expect(&config, "{\"pools\":[]}");
	put(&config, "{metadata: {tenant: acme}}", -EINVAL, "\"tenant\" must be \"beta\"");
	perform(&config, EDIT_DELETE, 0, NULL);
	expect(&config, "");
}

/* What files have is theirs until it is adopted, and again when it is released. */
static void files_own(void **state)
{
	struct edit_object pool = {EDIT_POOL, "acme", "web", NULL};
	struct edit_object config = {EDIT_CONFIG, "acme", NULL, NULL};
	struct edit_object bare = {EDIT_CONFIG, "bare", NULL, NULL};
	struct edit_object service = {EDIT_SERVICE, "acme", "web", NULL};
	struct edit adopt = {.object = acme, .verb = EDIT_ADOPT};
	struct edit_object nobody = {EDIT_CONFIG, "nobody", NULL, NULL};
	struct edit_object vip = {EDIT_VIP, NULL, "v1", NULL},
			   tier = {EDIT_TIER, NULL, "free", NULL};
	struct config loaded;
	bool api = true;
	char *text, said[1024];

	(void)state;
	text = stored(&acme, &api);
	assert_false(api);
	free(text);
	put(&acme, "{}", -EBUSY, "is kept in a file");
	put(&pool, "{backends: [{address: 10.0.0.5}]}", -EBUSY, "tenants.d/acme.yaml:1");
	put(&vip, "{address: 192.0.2.3}", -EBUSY, "the VIP is kept in a file");
	put(&tier, "{}", -EBUSY, "the tier is kept in a file");
	perform(&acme, EDIT_DELETE, -EBUSY, "is kept in a file");
	perform(&acme, EDIT_RELEASE, -ENOENT, "the API keeps no tenant");
	put(&nobody, "{}", -ENOENT, "there is no tenant \"nobody\"");
	/* a tenant of a file without a TenantConfig may get one */
	put(&bare, "{pools: [{name: x, backends: [{address: 10.0.0.1}]}]}", 0, NULL);

	assert_int_equal(run(&adopt, &loaded, said, NULL), 0);
	assert_int_equal(loaded.notes.count, 2);
	for (size_t i = 0; i < loaded.notes.count; i++)
		assert_non_null(strstr(loaded.notes.list[i].text, "api.d/tenant.acme.yaml"));
	config_fini(&loaded);
	perform(&acme, EDIT_ADOPT, -EEXIST, "keeps it already");
	text = stored(&acme, &api);
	assert_true(api);
	free(text);
	put(&pool, "{backends: [{address: 10.0.0.5}]}", 0, NULL);
	loaded = load();
	assert_int_equal(loaded.state.tenant_count, 2);
	assert_int_equal(loaded.notes.count, 2);
	assert_int_equal(loaded.state.tenants[0].services[0].members[0].address.byte[15], 5);
	config_fini(&loaded);
	/* what it deletes does not show as the file has it still */
	perform(&service, EDIT_DELETE, 0, NULL);
	expect(&service, "");
	perform(&service, EDIT_DELETE, -ENOENT, "does not exist");
	perform(&acme, EDIT_DELETE, -EBUSY, "would come back");
	perform(&config, EDIT_DELETE, -EBUSY, "would come back");
	perform(&acme, EDIT_RELEASE, 0, NULL);
	loaded = load();
	assert_int_equal(loaded.notes.count, 0);
	assert_int_equal(loaded.state.tenants[0].services[0].members[0].address.byte[15], 1);
	config_fini(&loaded);
	put(&beta, BETA, 0, NULL);
	perform(&beta, EDIT_RELEASE, -EBUSY, "no file has this tenant");
}

static void conditions(void **state)
{
	struct edit edit = {.object = beta,
			    .verb = EDIT_PUT,
			    .body = BETA,
			    .length = strlen(BETA),
			    .if_match = "*"};
	char text[1024], etag[EMIT_ETAG_MAX], again[EMIT_ETAG_MAX];

	(void)state;
	assert_int_equal(run(&edit, NULL, text, NULL), -ESTALE);
	edit.if_match = NULL;
	edit.if_none = true;
	assert_int_equal(run(&edit, NULL, text, etag), 0);
	assert_int_equal(run(&edit, NULL, text, NULL), -EEXIST);
	edit.if_none = false;
	edit.if_match = etag;
	assert_int_equal(run(&edit, NULL, text, again), 0);
	assert_string_equal(etag, again); /* nothing changed */
	edit.body = "{tier: free, vips: [b4, spare]}";
	edit.length = strlen(edit.body);
	assert_int_equal(run(&edit, NULL, text, again), 0);
	assert_string_not_equal(etag, again);
	assert_int_equal(run(&edit, NULL, text, NULL), -ESTALE);
	assert_non_null(strstr(text, again));
	edit.verb = EDIT_DELETE;
	assert_int_equal(run(&edit, NULL, text, NULL), -ESTALE);
	edit.if_match = again;
	assert_int_equal(run(&edit, NULL, text, NULL), 0);
}

static void wrong_bodies(void **state)
{
	static const struct {
		const char *body, *error;
	} wrong[] = {
		{"", "body: the body must be one map"},
		{"[]", "the body must be one map"},
		{"a: 1\n---\nb: 2\n", "the body must be one map"},
		{"{", "body:2:1: not valid YAML"},
		{"{tyer: free}", "body:1:2: unknown key \"tyer\""},
		{"{tier: fee}", "body:1:8: unknown tier \"fee\"; did you mean \"free\"?"},
		{"{name: other}", "body:1:8: \"name\" must be \"beta\""},
		{"{vips: [v1]}", "already granted to tenant \"acme\""},
		{"{vips: [{address: 192.0.2.8}]}", "must be a name"},
		{"{vips: [{name: n, address: 192.0.2.9}]}", "duplicate VIP address"},
		{"{config: []}", "body:1:2: \"config\" must be a map"},
		{"{\"config\":{\"pools\":[{\"name\":\"p\",\"backends\":[{\"address\":\"x\"}]}]}}",
		 "body:1:"},
	};
	struct edit_object strange = {EDIT_TENANT, "../../etc/passwd", NULL, NULL};
	struct config config;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		put(&beta, wrong[i].body, -EINVAL, wrong[i].error);
	put(&strange, "{}", -EINVAL, "DNS label");
	expect(&strange, "");
	config = load();
	assert_int_equal(config.state.tenant_count, 2);
	config_fini(&config);
}

/* An error of a file is reported although the edit looked at it first. */
static void wrong_files(void **state)
{
	struct edit edit = {.object = acme, .verb = EDIT_ADOPT};
	struct config_errors errors;
	struct edit_result result;
	struct config config;
	char path[512];

	(void)state;
	write_file("tenants.d/acme.yaml", ACME "poolz: []\n");
	perform(&acme, EDIT_ADOPT, -EINVAL, "unknown key \"poolz\"");
	put(&beta, BETA, -EINVAL, "unknown key \"poolz\"");
	write_file("tenants.d/acme.yaml", ACME);
	/* by hand, and not as the API names its files */
	write_file("api.d/mine.yaml",
		   "apiVersion: mtlb/v1\nkind: PlatformPart\ntenants: [{name: beta}]\n");
	put(&beta, BETA, -EBUSY, "a file that the API did not write");
	snprintf(path, sizeof(path), "%s/platform.yaml", folder);
	assert_int_equal(edit_load(path, &edit, &config, &errors, &result, NULL), -EOPNOTSUPP);
	config_errors_fini(&errors);
	edit_result_fini(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(onboard_and_offboard, set_up, folder_remove),
		cmocka_unit_test_setup_teardown(parts_of_a_config, set_up, folder_remove),
		cmocka_unit_test_setup_teardown(files_own, set_up, folder_remove),
		cmocka_unit_test_setup_teardown(conditions, set_up, folder_remove),
		cmocka_unit_test_setup_teardown(wrong_bodies, set_up, folder_remove),
		cmocka_unit_test_setup_teardown(wrong_files, set_up, folder_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
