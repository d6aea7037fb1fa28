// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What mtlb doctor finds on hosts that this one is not: /proc and /sys are a directory that the
 * test fills. What can be wrong within a namespace is in lab/doctor.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../tools/mtlb/doctor.h"

#define IPV4 "/proc/sys/net/ipv4/"

const struct noun *const nouns[] = {NULL}; /* mtlb's own are beside its main() */

struct host {
	char root[64];
	struct doctor doctor;
};

/* A file of the host, and the directories it is in. */
static void has(const struct host *host, const char *path, const char *text)
{
	char whole[256];
	FILE *file;

	snprintf(whole, sizeof(whole), "%s%s", host->root, path);
	for (char *slash = whole + strlen(host->root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = 0;
		mkdir(whole, 0700);
		*slash = '/';
	}
	file = fopen(whole, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void lacks(const struct host *host, const char *path)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "%s%s", host->root, path);
	assert_int_equal(unlink(whole), 0);
}

/* One that is well. */
static int setup(void **state)
{
	struct host *host = calloc(1, sizeof(*host));

	assert_non_null(host);
	strcpy(host->root, "/tmp/mtlb-doctor-XXXXXX");
	assert_non_null(mkdtemp(host->root));
	host->doctor = (struct doctor){.directory = "/sys/fs/bpf/mtlb", .root = host->root};
	has(host, "/proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
	has(host, "/sys/kernel/btf/vmlinux", "types");
	has(host, IPV4 "ip_forward", "0\n");
	has(host, "/proc/sys/net/ipv6/conf/all/forwarding", "0\n");
	has(host, IPV4 "conf/all/rp_filter", "0\n");
	has(host, IPV4 "conf/eth0/rp_filter", "0\n");
	*state = host;
	return 0;
}

static int teardown(void **state)
{
	struct host *host = *state;
	char command[96];

	snprintf(command, sizeof(command), "rm -r %s", host->root);
	json_decref(host->doctor.findings);
	free(host);
	return system(command);
}

static const char *text_of(const json_t *finding, const char *key)
{
	return json_string_value(json_object_get(finding, key));
}

/* Looks anew, and expects that of a check. remedy NULL: none. */
static void expect(struct host *host, const char *check, const char *level, const char *sentence,
		   const char *remedy)
{
	const json_t *finding;
	size_t i;

	json_array_foreach (host->doctor.findings, i, finding) {
		if (strcmp(text_of(finding, "check"), check) != 0)
			continue;
		assert_string_equal(text_of(finding, "level"), level);
		if (!strstr(text_of(finding, "sentence"), sentence))
			fail_msg("%s: %s", check, text_of(finding, "sentence"));
		if (remedy)
			assert_string_equal(text_of(finding, "remedy"), remedy);
		else
			assert_null(text_of(finding, "remedy"));
		return;
	}
	fail_msg("nothing is said of %s", check);
}

static void look(struct host *host)
{
	json_decref(host->doctor.findings);
	host->doctor.findings = json_array();
	host->doctor.bad = 0;
	doctor_look_at_host(&host->doctor);
	doctor_look_at_rp_filter(&host->doctor, "eth0");
}

static void a_host_that_is_well(void **state)
{
	struct host *host = *state;

	look(host);
	expect(host, "kernel", "ok", "Linux 6.1.0-18-amd64.", NULL);
	expect(host, "btf", "ok", "tells its types", NULL);
	expect(host, "forwarding", "ok", "does not route", NULL);
	expect(host, "rp_filter", "ok", "eth0", NULL);
}

static void kernels_that_are_too_old(void **state)
{
	static const char *const old[] = {"5.10.0-28-amd64", "6.0.19", "4.19.0", "2.6.39.4"};
	static const char *const young[] = {"6.1", "6.18.44-rc1", "7.0.0", "10.1.2"};
	struct host *host = *state;

	for (size_t i = 0; i < sizeof(old) / sizeof(*old); i++) {
		has(host, "/proc/sys/kernel/osrelease", old[i]);
		look(host);
		expect(host, "kernel", "bad", "is older than mtlb is made for",
		       "boot a kernel of at least 6.1");
		assert_true(host->doctor.bad > 0);
	}
	for (size_t i = 0; i < sizeof(young) / sizeof(*young); i++) {
		has(host, "/proc/sys/kernel/osrelease", young[i]);
		look(host);
		expect(host, "kernel", "ok", young[i], NULL);
	}
}

static void a_kernel_that_does_not_tell_what_it_is(void **state)
{
	struct host *host = *state;

	lacks(host, "/proc/sys/kernel/osrelease");
	look(host);
	expect(host, "kernel", "bad", "/proc/sys/kernel/osrelease does not tell", "mount /proc");
}

static void a_kernel_without_types(void **state)
{
	struct host *host = *state;

	lacks(host, "/sys/kernel/btf/vmlinux");
	look(host);
	expect(host, "btf", "bad", "(/sys/kernel/btf/vmlinux) are not there: No such file",
	       "boot a kernel with CONFIG_DEBUG_INFO_BTF=y");
	assert_true(host->doctor.bad > 0);
}

static void an_interpreter(void **state)
{
	struct host *host = *state;

	look(host);
	doctor_look_at_jit(&host->doctor, 0);
	expect(host, "jit", "bad", "is interpreted",
	       "sysctl -w net.core.bpf_jit_enable=1, then start mtlbd again");
	look(host);
	doctor_look_at_jit(&host->doctor, 4096);
	expect(host, "jit", "ok", "machine code", NULL);
}

static void answers_that_the_host_drops(void **state)
{
	static const char remedy[] = "sysctl -w net.ipv4.conf.all.rp_filter=2, unless each answer "
				     "comes back by the interface its question left by";
	struct host *host = *state;

	has(host, IPV4 "conf/eth0/rp_filter", "1\n");
	look(host);
	expect(host, "rp_filter", "warn", "eth0 drops packets", remedy);
	has(host, IPV4 "conf/eth0/rp_filter", "0\n");
	has(host, IPV4 "conf/all/rp_filter", "1\n");
	look(host);
	expect(host, "rp_filter", "warn", "eth0 drops packets", remedy);
	/* what counts is the larger one, and 2 is loose */
	has(host, IPV4 "conf/eth0/rp_filter", "2\n");
	look(host);
	expect(host, "rp_filter", "ok", "eth0", NULL);
}

static void a_host_that_routes(void **state)
{
	struct host *host = *state;

	has(host, IPV4 "ip_forward", "1\n");
	look(host);
	expect(host, "forwarding", "ok", "The host routes packets that mtlb leaves to it", NULL);
	has(host, IPV4 "ip_forward", "0\n");
	has(host, "/proc/sys/net/ipv6/conf/all/forwarding", "1\n");
	look(host);
	expect(host, "forwarding", "ok", "(ip_forward 0, IPv6 1)", NULL);
}

static void a_place_where_nothing_can_be_pinned(void **state)
{
	struct host *host = *state;
	char place[96];

	snprintf(place, sizeof(place), "%s/mtlb", host->root);
	host->doctor.directory = place;
	look(host);
	expect(host, "bpffs", "bad", "is no bpf file system", "mount -t bpf bpf /sys/fs/bpf");
	host->doctor.directory = "/nowhere/at/all";
	look(host);
	expect(host, "bpffs", "bad", "/nowhere/at: No such file", "mount -t bpf bpf /sys/fs/bpf");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_host_that_is_well),
		CASE(kernels_that_are_too_old),
		CASE(a_kernel_that_does_not_tell_what_it_is),
		CASE(a_kernel_without_types),
		CASE(an_interpreter),
		CASE(answers_that_the_host_drops),
		CASE(a_host_that_routes),
		CASE(a_place_where_nothing_can_be_pinned),
	};

	return cmocka_run_group_tests_name("tools/doctor", tests, NULL, NULL);
}
