// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Configurations as files: which are read, what is refused, the hash secret, and the example of the
 * documentation.
 */
#include <errno.h>
#include <sys/prctl.h>

#include "selftests/unit/model/folder.h"
#include "userspace/model/config.h"

#define PLATFORM                                                     \
	"apiVersion: mtlb/v1\nkind: Platform\nmetadata: {name: n}\n" \
	"node: {interfaces: [{name: eth0}]}\ntenants: [{name: acme}]\n"
#define SECRET_PLATFORM(path)                                        \
	"apiVersion: mtlb/v1\nkind: Platform\nmetadata: {name: n}\n" \
	"node: {interfaces: [{name: eth0}], hashSecretFile: " path "}\n"
#define TENANT "apiVersion: mtlb/v1\nkind: TenantConfig\nmetadata: {tenant: acme}\n"

#define NOBODY 65534

/* expected: lines in which @ stands for the folder; NULL: no error. */
static void expect(const char *path, const char *expected)
{
	struct config config;
	struct config_errors errors;
	char lines[4096] = "", wanted[4096] = "";
	size_t used = 0;
	int r = config_load(path, &config, &errors);

	for (size_t i = 0; i < errors.count; i++) {
		char line[2048];

		used += (size_t)snprintf(lines + used, sizeof(lines) - used, "%s%s", i ? "\n" : "",
					 config_error_format(&errors.list[i], line, sizeof(line)));
	}
	config_errors_fini(&errors);
	if (r == 0)
		config_fini(&config);
	used = 0;
	for (const char *c = expected ? expected : ""; *c; c++)
		used += (size_t)snprintf(wanted + used, sizeof(wanted) - used, "%.*s",
					 *c == '@' ? (int)strlen(folder) : 1,
					 *c == '@' ? folder : c);
	assert_string_equal(lines, wanted);
	assert_int_equal(r, expected ? -EINVAL : 0);
}

static void one_file(void **state)
{
	(void)state;
	write_file("a.yaml", PLATFORM "---\n" TENANT);
	expect(in_folder("a.yaml"), NULL);
	expect(in_folder("b.yaml"), "@/b.yaml: cannot be read: No such file or directory");
}

static void platform_and_tenants(void **state)
{
	char path[300];

	(void)state;
	write_file("platform.yaml", PLATFORM);
	expect(folder, "@/tenants.d: cannot read this directory: No such file or directory; create "
		       "it (it may be empty)");
	make_folder("tenants.d");
	expect(folder, NULL);
	write_file("tenants.d/acme.yaml", TENANT);
	write_file("tenants.d/.hidden.yaml", "[");
	write_file("tenants.d/README", "[");
	write_file("other.yaml", "[");
	expect(folder, NULL);
	snprintf(path, sizeof(path), "%s//", folder);
	expect(path, NULL);
	write_file("tenants.d/b.yaml", TENANT);
	expect(folder,
	       "@/tenants.d/b.yaml:3:20: tenant \"acme\" has a second TenantConfig; put all "
	       "into one; the first is at @/tenants.d/acme.yaml:3:20");
	write_file("tenants.d/b.yaml", "");
	write_file("tenants.d/c.yml", TENANT);
	write_file("tenants.d/acme.yaml", "a: [\n");
	expect(folder, "@/tenants.d/acme.yaml:2:1: not valid YAML: did not find expected node "
		       "content, while parsing a flow node\n"
		       "@/tenants.d/b.yaml: holds no document; it must start with \"apiVersion: "
		       "mtlb/v1\" and \"kind: Platform\", \"kind: PlatformPart\" or \"kind: "
		       "TenantConfig\"\n"
		       "@/tenants.d/c.yml: would not be read; name it \"*.yaml\", or move it away");
}

static void any_directory(void **state)
{
	(void)state;
	expect(folder,
	       "@: holds no *.yaml file; platform.yaml and tenants.d/NAME.yaml are expected");
	write_file("b.yaml", PLATFORM);
	write_file("a.yaml", TENANT);
	expect(folder, NULL);
	write_file("c.yaml", PLATFORM);
	expect(folder,
	       "@/c.yaml:1:1: a second Platform document; put all into one; the first is at "
	       "@/b.yaml:1:1");
	unlink(in_folder("b.yaml"));
	unlink(in_folder("c.yaml"));
	expect(folder, "@: holds no Platform document; exactly one is needed");
}

static void what_is_no_file(void **state)
{
	bool root = geteuid() == 0;

	(void)state;
	make_folder("a.yaml");
	expect(folder, "@/a.yaml: is not a regular file");
	expect("/dev/null", "/dev/null: is not a regular file");
	assert_int_equal(mkfifo(in_folder("platform.yaml"), 0600), 0);
	make_folder("tenants.d");
	expect(folder, "@/platform.yaml: is not a regular file");
	unlink(in_folder("platform.yaml"));
	assert_int_equal(symlink("nowhere", in_folder("platform.yaml")), 0);
	expect(folder, "@/platform.yaml: cannot be read: No such file or directory");
	unlink(in_folder("platform.yaml"));
	write_file("platform.yaml", PLATFORM);
	chmod(in_folder("platform.yaml"), 0);
	if (root) { /* who may read anything: so as somebody else, whose folder it is */
		assert_int_equal(chown(folder, NOBODY, NOBODY), 0);
		assert_int_equal(chown(in_folder("tenants.d"), NOBODY, NOBODY), 0);
		assert_int_equal(chown(in_folder("platform.yaml"), NOBODY, NOBODY), 0);
		assert_int_equal(seteuid(NOBODY), 0);
	}
	expect(folder, "@/platform.yaml: cannot be read: Permission denied");
	if (root) {
		assert_int_equal(seteuid(0), 0);
		prctl(PR_SET_DUMPABLE, 1); /* lost with the identity; the leak check needs it */
	}
}

static void size_is_bounded(void **state)
{
	(void)state;
	write_file("a.yaml", PLATFORM);
	assert_int_equal(truncate(in_folder("a.yaml"), (16 << 20) + 1), 0);
	expect(folder, "@/a.yaml: is too large: at most 16777216 bytes");
	assert_int_equal(truncate(in_folder("a.yaml"), 16 << 20), 0);
	expect(folder, "@/a.yaml:6:1: a NUL byte; the file must be UTF-8 text");
}

static void load_key(const char *secret, uint8_t ret_key[16])
{
	struct config_errors errors;
	struct config config;

	write_file("secret", secret);
	assert_int_equal(config_load(in_folder("p.yaml"), &config, &errors), 0);
	assert_true(config.has_hash_secret);
	memcpy(ret_key, config.hash_secret, 16);
	config_fini(&config);
}

static void secret(void **state)
{
	/* SipHash-2-4-128 of the text without the white space, with the key "mtlb hash secret" */
	static const uint8_t digest[16] = {0x3f, 0xd3, 0x17, 0x03, 0x0c, 0xbc, 0xd1, 0x54,
					   0x19, 0xbb, 0x2c, 0xaa, 0x87, 0xce, 0xe9, 0x23};
	uint8_t key[16];

	(void)state;
	write_file("p.yaml", SECRET_PLATFORM("secret"));
	load_key("0123456789abcdef", key);
	assert_memory_equal(key, digest, 16);
	load_key(" \n0123456789abcdef\r\n", key);
	assert_memory_equal(key, digest, 16);
	load_key("0123456789abcdeF", key);
	assert_memory_not_equal(key, digest, 16);
}

static void bad_secrets(void **state)
{
	char text[512];

	(void)state;
	write_file("p.yaml", SECRET_PLATFORM("secret"));
	expect(in_folder("p.yaml"),
	       "@/p.yaml:4:52: @/secret cannot be read: No such file or directory");
	write_file("secret", "  0123456789abcde\n");
	expect(in_folder("p.yaml"),
	       "@/p.yaml:4:52: the secret @/secret has 15 bytes, and at least 16 are needed; make "
	       "one: head -c 32 /dev/urandom | base64 > @/secret");
	write_file("secret", "0123456789abcdef\n");
	chmod(in_folder("secret"), 0644);
	expect(in_folder("p.yaml"),
	       "@/p.yaml:4:52: every user of this machine can open the secret @/secret; run: "
	       "chmod 600 @/secret");
	snprintf(text, sizeof(text), SECRET_PLATFORM("%s"), folder);
	write_file("p.yaml", text);
	expect(in_folder("p.yaml"), "@/p.yaml:4:52: @ is not a regular file");
}

/* The example is part of the documentation: from the working directory, or from this file's. */
static void example(void **state)
{
	struct config_errors errors;
	struct config config;
	char path[1024] = "docs/example";

	(void)state;
	if (access(path, F_OK) < 0) {
		const char *slash = strrchr(__FILE__, '/');

		snprintf(path, sizeof(path), "%.*s../../../docs/example",
			 slash ? (int)(slash - __FILE__) + 1 : 0, __FILE__);
	}
	assert_int_equal(config_load(path, &config, &errors), 0);
	assert_int_equal(config.state.tenant_count, 2);
	assert_int_equal(config.state.tenants[0].service_count, 2);
	assert_int_equal(config.state.tenants[0].flows, 65536);
	config_fini(&config);
}

/* The one that is wrong is named, whichever it is; a file that an editor has half written is one.
 */
static void one_of_ten_thousand(void **state)
{
	static char platform[10000 * 24 + 512];
	size_t used = (size_t)snprintf(
		platform, sizeof(platform), "%s",
		"apiVersion: mtlb/v1\nkind: Platform\nmetadata: {name: n}\n"
		"node: {interfaces: [{name: eth0}], capacity: {tenants: 10100, flows: 64M}}\n"
		"tenants:\n");
	char text[256], name[64];

	(void)state;
	make_folder("tenants.d");
	for (int i = 0; i < 10000; i++) {
		used += (size_t)snprintf(platform + used, sizeof(platform) - used,
					 "- {name: t%d}\n", i);
		snprintf(text, sizeof(text),
			 "apiVersion: mtlb/v1\nkind: TenantConfig\nmetadata: {tenant: t%d}\n"
			 "pools:\n- {name: p, backends: [{address: 10.0.%d.%d}]}\n",
			 i, i / 200, 1 + i % 200);
		if (i == 7654)
			text[strlen(text) - 5] = 0;
		snprintf(name, sizeof(name), "tenants.d/t%d.yaml", i);
		write_file(name, text);
	}
	write_file("platform.yaml", platform);
	expect(folder,
	       "@/tenants.d/t7654.yaml:6:1: not valid YAML: did not find expected ',' or '}', "
	       "while parsing a flow mapping that starts at line 5");
	write_file("tenants.d/t7654.yaml",
		   "apiVersion: mtlb/v1\nkind: TenantConfig\nmetadata: {tenant: t7654}\n");
	expect(folder, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_file, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(platform_and_tenants, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(any_directory, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(what_is_no_file, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(size_is_bounded, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(one_of_ten_thousand, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(secret, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(bad_secrets, folder_make, folder_remove),
		cmocka_unit_test(example),
	};

	return cmocka_run_group_tests_name("config_files", tests, NULL, NULL);
}
