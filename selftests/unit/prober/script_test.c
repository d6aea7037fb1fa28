// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * userspace/prober/script: real scripts that answer, complain, hang, babble, try to get away or
 * cannot be run; and places where scripts must not be.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "userspace/prober/kinds.h"
#include "userspace/prober/script.h"
#include "userspace/prober/script_line.h"
#include "userspace/prober/script_place.h"

#define SHORT_MS 300   /* of an attempt that must run into its limit */
#define LONG_MS	 20000 /* of one that must not */

static struct loop *loop;
static bool waiting; /* else there is nothing to stop */
static char directory[] = "/tmp/mtlb-script-test-XXXXXX";

struct outcome {
	enum probes_outcome outcome;
	char error[PROBES_ERROR_MAX];
};

static void done(struct attempt *attempt, enum probes_outcome outcome, const char *error)
{
	struct outcome *ret = attempt->context;

	ret->outcome = outcome;
	snprintf(ret->error, sizeof(ret->error), "%s", error);
	if (waiting)
		loop_stop(loop);
}

static const char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void put(const char *name, const char *text, mode_t mode)
{
	FILE *file = fopen(path_of(name), "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(path_of(name), mode), 0);
}

static struct outcome run_named(const char *name, uint32_t timeout_ms)
{
	struct outcome outcome = {.outcome = PROBES_OUTCOMES};
	struct attempt attempt = {.done = done, .context = &outcome};
	struct probes_probe probe = {
		.kind = PROBE_SCRIPT, .port = 8080, .interval_ms = 1000, .timeout_ms = timeout_ms};
	const char *texts[PROBE_TEXTS] = {[PROBE_TEXT_SCRIPT] = name,
					  [PROBE_TEXT_TENANT] = "acme",
					  [PROBE_TEXT_POOL] = "web"};

	assert_int_equal(addr_parse("2001:db8::7", &probe.address), 0);
	for (int i = 0; i < PROBE_TEXTS; i++) {
		probe.question.text[i] = texts[i] ? texts[i] : "";
		probe.question.length[i] = (uint16_t)strlen(probe.question.text[i]);
	}
	attempt_start(&attempt, loop, &probe);
	waiting = outcome.outcome == PROBES_OUTCOMES;
	if (waiting)
		assert_int_equal(loop_run(loop), 0);
	waiting = false;
	assert_false(attempt.running);
	return outcome;
}

static struct outcome run(const char *text, uint32_t timeout_ms)
{
	put("it", text, 0755);
	return run_named("it", timeout_ms);
}

#define ENDS(outcome_, error_, got)                                \
	do {                                                       \
		struct outcome got_ = got;                         \
                                                                   \
		assert_string_equal(got_.error, error_);           \
		assert_int_equal(got_.outcome, PROBES_##outcome_); \
	} while (0)
#define GOOD(text)	   ENDS(GOOD, "", run("#!/bin/sh\n" text, LONG_MS))
#define BAD(text, error)   ENDS(BAD, error, run("#!/bin/sh\n" text, LONG_MS))
#define FAULT(name, error) ENDS(FAULT, error, run_named(name, LONG_MS))

static void exit_codes(void **state)
{
	(void)state;
	GOOD("exit 0");
	GOOD("echo something; echo else >&2");
	BAD("exit 1", "exit code 1");
	BAD("exit 255", "exit code 255");
	BAD("kill -9 $$", "ended by signal 9 (Killed)");
}

static void its_words(void **state)
{
	(void)state;
	BAD("echo out of order; exit 3", "exit code 3: out of order");
	BAD("echo progress; echo 'no database' >&2; exit 1", "exit code 1: no database");
	BAD("printf '\\n\\n  \\tsecond\\nthird\\n'; exit 1", "exit code 1: second");
	BAD("printf 'a\\tb\\033[31mc\\377'; exit 1", "exit code 1: a b?[31mc?");
	BAD("echo last; kill -TERM $$", "ended by signal 15 (Terminated): last");
}

static void environment(void **state)
{
	(void)state;
	BAD("echo $MTLB_TENANT/$MTLB_POOL $MTLB_ADDRESS $MTLB_PORT $MTLB_TIMEOUT $(pwd) $(umask); "
	    "exit 1",
	    "exit code 1: acme/web 2001:db8::7 8080 20.000 / 0077");
	setenv("SECRET", "of the agent", 1);
	BAD("echo \"<$SECRET>\"; exit 1", "exit code 1: <>");
	BAD("echo $(ls /proc/self/fd); exit 1", "exit code 1: 0 1 2 3"); /* 3: ls's own */
	BAD("read line || exit 4", "exit code 4");
}

/* However much it says, it is read, and no more of it kept than a line. */
static void babbling(void **state)
{
	struct outcome outcome;

	(void)state;
	GOOD("head -c 100000000 /dev/zero; head -c 3000000 /dev/zero >&2");
	outcome = run("#!/bin/sh\nhead -c 100000 /dev/zero | tr '\\0' x; exit 1", LONG_MS);
	assert_int_equal(outcome.outcome, PROBES_BAD);
	assert_int_equal(strlen(outcome.error), strlen("exit code 1: ") + SCRIPT_LINE_MAX - 1);
	ENDS(BAD, "timeout after 300ms and was killed",
	     run("#!/bin/sh\nwhile :; do echo more; done", SHORT_MS));
}

static bool runs(const char *file)
{
	char text[32] = "";
	FILE *pid = fopen(path_of(file), "r");

	assert_non_null(pid);
	assert_non_null(fgets(text, sizeof(text), pid));
	fclose(pid);
	return kill(atoi(text), 0) == 0;
}

/* The loop reaps what it is given to, in its own time. */
static struct loop_timer look;

static void look_again(struct loop_timer *timer)
{
	if (runs(timer->context))
		assert_int_equal(loop_timer_set(loop, timer, 1000000), 0);
	else
		loop_stop(loop);
}

static void wait_for_end(const char *file)
{
	look = (struct loop_timer){.fire = look_again, .context = (void *)(uintptr_t)file};
	assert_int_equal(loop_timer_set(loop, &look, 0), 0);
	assert_int_equal(loop_run(loop), 0);
}

/* Nothing of it is left, whatever it started and however it ended. */
static void its_children(void **state)
{
	char text[512];

	(void)state;
	snprintf(text, sizeof(text), "#!/bin/sh\nsleep 1000 &\necho $! >%s/pid\nexit 0\n",
		 directory);
	ENDS(GOOD, "", run(text, LONG_MS));
	wait_for_end("pid");
	snprintf(text, sizeof(text), "#!/bin/sh\nsleep 1000 &\necho $! >%s/pid\nsleep 1000\n",
		 directory);
	ENDS(BAD, "timeout after 2s and was killed", run(text, 2000));
	wait_for_end("pid");
}

/* A session or a group of its own would outlive it. */
static void no_way_out(void **state)
{
	(void)state;
	BAD("setsid sleep 1000 2>&1",
	    "exit code 1: setsid: setsid failed: Operation not permitted");
	BAD("kill -9 $PPID 2>/dev/null || exit 7", "exit code 7");
	BAD("kill -9 -1 2>/dev/null || exit 8", "exit code 8");
	BAD("prlimit --pid $PPID --nofile=1 2>/dev/null || exit 9", "exit code 9");
	BAD("ulimit -c; exit 1", "exit code 1: 0");
	BAD("ulimit -n; exit 1", "exit code 1: 256");
	BAD("grep NoNewPrivs /proc/self/status; exit 1", "exit code 1: NoNewPrivs: 1");
}

static void cannot_be_run(void **state)
{
	(void)state;
	FAULT("absent", "script \"absent\" is not in node.health.scriptDirectory");
	put("plain", "#!/bin/sh\n", 0644);
	FAULT("plain",
	      "script \"plain\" is not executable for node.health.scriptUser; chmod a+rx it");
	put("headless", "exit 0\n", 0755);
	FAULT("headless", "script \"headless\" does not begin with #! and a program");
	put("lost", "#!/no/such/shell\n", 0755);
	FAULT("lost", "script \"lost\": the program that its first line names is not there");
	put("open", "#!/bin/sh\n", 0775);
	FAULT("open", "others may write to script \"open\"; chmod go-w it");
	put("given", "#!/bin/sh\n", 0755);
	assert_int_equal(chown(path_of("given"), 1, 0), 0);
	FAULT("given", "script \"given\" is not root's; chown it");
	assert_int_equal(symlink("/bin/true", path_of("link")), 0);
	FAULT("link", "script \"link\" is no regular file; put the file itself there");
	FAULT("../bin/true", "a script is called by its name, not by a path");
	FAULT("..", "a script is called by its name, not by a path");
}

static void place_of(const char *path, const char *wanted)
{
	struct script_place place;
	char why[PROBES_ERROR_MAX] = "";

	assert_int_equal(script_place_init(&place, path), 0);
	script_place_check(&place, "it", why, sizeof(why));
	assert_string_equal(why, wanted);
}

static void places(void **state)
{
	char wanted[256], path[256];

	(void)state;
	put("it", "#!/bin/sh\n", 0755);
	place_of(directory, "");
	place_of("/no/such", "there is no /no (node.health.scriptDirectory)");
	place_of("/dev/null",
		 "/dev/null is no directory, or a symbolic link (node.health.scriptDirectory)");
	assert_int_equal(mkdir(path_of("sub"), 0755), 0);
	assert_int_equal(symlink("sub", path_of("other")), 0);
	snprintf(wanted, sizeof(wanted),
		 "%s is no directory, or a symbolic link (node.health.scriptDirectory)",
		 path_of("other"));
	snprintf(path, sizeof(path), "%s", path_of("other"));
	place_of(path, wanted);
	assert_int_equal(chmod(directory, 01777), 0);
	snprintf(wanted, sizeof(wanted), "others may write to %s, where scripts are; chmod go-w it",
		 directory);
	place_of(directory, wanted);
	/* what leads there: not so bad as long as nobody can rename what is root's */
	snprintf(path, sizeof(path), "%s", path_of("sub"));
	place_of(path, "script \"it\" is not in node.health.scriptDirectory");
	assert_int_equal(chmod(directory, 0777), 0);
	place_of(path, wanted);
	assert_int_equal(chmod(directory, 0755), 0);
	assert_int_equal(chown(path, 1, 0), 0);
	snprintf(wanted, sizeof(wanted), "%s, where scripts are, is not root's; chown it", path);
	place_of(path, wanted);
}

static void lines(void **state)
{
	struct script_line line = {};

	(void)state;
	script_line_take(&line, "\n \n", 3);
	script_line_take(&line, "two ", 4);
	assert_string_equal(line.text, "two ");
	assert_false(line.ended);
	script_line_take(&line, "parts\r\nmore", 11);
	assert_string_equal(line.text, "two parts");
	script_line_take(&line, "never", 5);
	assert_string_equal(line.text, "two parts");
}

/* One that is stopped leaves nothing behind. */
static void stopped_in_the_middle(void **state)
{
	struct outcome outcome = {.outcome = PROBES_OUTCOMES};
	struct attempt attempt = {.done = done, .context = &outcome};
	struct probes_probe probe = {
		.kind = PROBE_SCRIPT, .interval_ms = 1000, .timeout_ms = LONG_MS};
	char text[256];

	(void)state;
	snprintf(text, sizeof(text), "#!/bin/sh\necho $$ >%s/self\nmv %s/self %s/pid\nsleep 1000\n",
		 directory, directory, directory);
	put("it", text, 0755);
	unlink(path_of("pid"));
	for (int i = 0; i < PROBE_TEXTS; i++)
		probe.question.text[i] = i == PROBE_TEXT_SCRIPT ? "it" : "";
	attempt_start(&attempt, loop, &probe);
	while (access(path_of("pid"), F_OK))
		usleep(1000);
	assert_true(runs("pid"));
	attempt_stop(&attempt);
	wait_for_end("pid");
	assert_int_equal(outcome.outcome, PROBES_OUTCOMES);
}

static int prepare(void **state)
{
	(void)state;
	return !mkdtemp(directory) || chmod(directory, 0755) || loop_new(&loop) ||
	       script_prepare(loop, directory, 8);
}

static int clean(void **state)
{
	char command[128];

	(void)state;
	loop_free(loop);
	snprintf(command, sizeof(command), "rm -r %s", directory);
	return system(command) == -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exit_codes),	 cmocka_unit_test(its_words),
		cmocka_unit_test(environment),	 cmocka_unit_test(babbling),
		cmocka_unit_test(its_children),	 cmocka_unit_test(no_way_out),
		cmocka_unit_test(cannot_be_run), cmocka_unit_test(places),
		cmocka_unit_test(lines),	 cmocka_unit_test(stopped_in_the_middle),
	};

	return cmocka_run_group_tests(tests, prepare, clean);
}
