// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The API's socket file: who may open it, who may replace it, what is left behind. */
#include "../../../userspace/agent/api/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[64], run[80], path[96];

static int group_setup(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/mtlb-listen-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(run, sizeof(run), "%s/run", directory);
	snprintf(path, sizeof(path), "%s/api.sock", run);
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	return rmdir(run) || rmdir(directory);
}

static void test_modes(void **state)
{
	static const mode_t masks[] = {022, 0, 0777};
	struct listen_socket listener;
	struct stat status;
	struct err err;
	mode_t old;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(masks) / sizeof(*masks); i++) {
		old = umask(masks[i]);
		assert_int_equal(listen_open(&listener, path, &err), 0);
		umask(old);
		assert_int_equal(stat(path, &status), 0);
		assert_int_equal(status.st_mode & 07777, 0600);
		listen_unlink(&listener);
		close(listener.fd);
		assert_int_equal(access(path, F_OK), -1);
	}
}

static void test_one_at_a_time(void **state)
{
	struct listen_socket first, second;
	char expected[160];
	struct err err;

	(void)state;
	assert_int_equal(listen_open(&first, path, &err), 0);
	assert_int_equal(listen_open(&second, path, &err), -EADDRINUSE);
	snprintf(expected, sizeof(expected), "another agent answers on %s", path);
	assert_string_equal(err.text, expected);
	assert_int_equal(second.fd, -1);

	/* Dead: its file is there, but nobody answers. */
	close(first.fd);
	assert_int_equal(listen_open(&second, path, &err), 0);
	listen_unlink(&second);
	close(second.fd);
	assert_int_equal(access(path, F_OK), -1);
}

/* Someone removed the file of the first: when that one ends, the second one's file stays. */
static void test_leaves_others_alone(void **state)
{
	struct listen_socket first, second;
	struct err err;

	(void)state;
	assert_int_equal(listen_open(&first, path, &err), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(listen_open(&second, path, &err), 0);
	listen_unlink(&first);
	close(first.fd);
	assert_int_equal(access(path, F_OK), 0);
	listen_unlink(&second);
	close(second.fd);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_full_queue(void **state)
{
	struct listen_socket first, second;
	struct err err;
	int fds[64];
	size_t i;

	(void)state;
	assert_int_equal(listen_open(&first, path, &err), 0);
	assert_int_equal(listen(first.fd, 1), 0);
	for (i = 0; i < 64; i++) {
		fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fds[i], (struct sockaddr *)&first.address, sizeof(first.address));
	}
	assert_int_equal(listen_open(&second, path, &err), -EADDRINUSE);
	for (i = 0; i < 64; i++)
		close(fds[i]);
	listen_unlink(&first);
	close(first.fd);
}

static void test_lock(void **state)
{
	struct listen_socket listener;
	struct err err;
	int fd = open(run, O_RDONLY | O_DIRECTORY);

	(void)state;
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(listen_open(&listener, path, &err), -EWOULDBLOCK);
	assert_non_null(strstr(err.text, "is locked"));
	close(fd);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_bad_places(void **state)
{
	struct listen_socket listener;
	char long_path[200];
	struct err err;
	FILE *file;

	(void)state;
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(listen_open(&listener, path, &err), -EEXIST);
	assert_non_null(strstr(err.text, "exists and is not a socket"));
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(unlink(path), 0);

	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(listen_open(&listener, path, &err), -EEXIST);
	assert_int_equal(unlink(path), 0);

	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = 0;
	assert_int_equal(listen_open(&listener, long_path, &err), -ENAMETOOLONG);
	assert_int_equal(listen_open(&listener, "", &err), -EINVAL);
	assert_int_equal(listen_open(&listener, "/proc/nothing/api.sock", &err), -ENOENT);
	assert_int_equal(listen_open(&listener, "/dev/null/api.sock", &err), -ENOTDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_one_at_a_time),
		cmocka_unit_test(test_leaves_others_alone),
		cmocka_unit_test(test_full_queue),
		cmocka_unit_test(test_lock),
		cmocka_unit_test(test_bad_places),
	};

	return cmocka_run_group_tests_name("agent/listen", tests, group_setup, group_teardown);
}
