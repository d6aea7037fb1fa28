// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * script: a program is run, and its exit code says how the backend is. What it says is read for as
 * long as it runs, so that it never waits for us, and kept up to the end of its first line.
 */
#include "script.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kinds.h"
#include "script_calls.h"
#include "script_crowd.h"
#include "script_line.h"
#include "script_place.h"
#include "script_start.h"

#define READ_ONCE    65536 /* of one script, in a round of the loop */
#define VARIABLES    8
#define VARIABLE_MAX 320

struct run {
	struct attempt *attempt;
	struct run *next;
	pid_t pid; /* of it, and of its group */
	struct loop_fd out, error;
	int trouble;
	struct script_line said, complained;
};

static struct script_place place;
static const struct sock_fprog *filter;
static struct loop_fd ended = {.fd = -1}; /* a signalfd */
static int null = -1;
static uint32_t processes;
static struct run *runs;
/* When the processes of all were seen to be used up. Who fails then may have wanted one. */
static uint64_t crowded_ns;

/* what it says */

static void read_once(struct loop_fd *fd, struct script_line *line)
{
	static char bytes[READ_ONCE]; /* one thread, one at a time */
	struct run *run = fd->context;
	ssize_t n = read(fd->fd, bytes, sizeof(bytes));

	if (n > 0)
		script_line_take(line, bytes, (size_t)n);
	else if (!n || (errno != EAGAIN && errno != EINTR))
		loop_fd_remove(run->attempt->loop, fd); /* its end; the exit code comes */
}

static void has_said(struct loop_fd *fd, uint32_t events)
{
	(void)events;
	read_once(fd, &((struct run *)fd->context)->said);
}

static void has_complained(struct loop_fd *fd, uint32_t events)
{
	(void)events;
	read_once(fd, &((struct run *)fd->context)->complained);
}

static const char *words_of(const struct run *run)
{
	return run->complained.length ? run->complained.text : run->said.text;
}

/* how it ended */

/*
 * The kernel counts processes by user, not by script: one that starts more and more of them leaves
 * none for the others, which then fail, and nothing is known of their backends. True: that is how
 * it ended, and the attempt is over.
 */
static bool blame_crowd(struct run *run)
{
	struct script_crowd crowd = script_crowd_count(run->pid);

	if (crowd.all >= processes - processes / 4) { /* those that find none left end at once */
		crowded_ns = loop_now(run->attempt->loop);
		if (crowd.group > processes / 2) {
			attempt_fail(run->attempt, "it started too many processes, and was killed");
			return true;
		}
	}
	if (!crowded_ns || crowded_ns < run->attempt->started_ns)
		return false;
	attempt_fault(run->attempt,
		      "other scripts had all of the %u processes (node.health.scriptsAtOnce)",
		      processes);
	return true;
}

static bool excuse(struct attempt *attempt)
{
	return blame_crowd(attempt->own);
}

static void judge_signal(struct run *run, int number)
{
	const char *words = words_of(run);

	if (number == SIGXCPU)
		attempt_fail(run->attempt, "it used more CPU time than it has time to answer");
	else if (number == SIGSYS)
		attempt_fail(run->attempt, "it made a system call that no script may make");
	else
		attempt_fail(run->attempt, "ended by signal %d (%s)%s%s", number, strsignal(number),
			     *words ? ": " : "", words);
}

/* The script itself was never there. */
static void judge_trouble(struct run *run, int error)
{
	const char *name = run->attempt->probe->question.text[PROBE_TEXT_SCRIPT];

	if (error == -ENOENT)
		attempt_fault(run->attempt,
			      "script \"%s\": the program that its first line names is not there",
			      name);
	else if (error == -ENOEXEC)
		attempt_fault(run->attempt, "script \"%s\" does not begin with #! and a program",
			      name);
	else
		attempt_fault(run->attempt, "script \"%s\" cannot be run: %s", name,
			      strerror(-error));
}

/* It is over, and reaped. Ends the attempt. */
static void judge(struct run *run, int status)
{
	const char *words;
	int error;

	if (read(run->trouble, &error, sizeof(error)) == sizeof(error)) {
		judge_trouble(run, error);
		return;
	}
	if (run->out.added)
		read_once(&run->out, &run->said);
	if (run->error.added)
		read_once(&run->error, &run->complained);
	words = words_of(run);
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		attempt_pass(run->attempt);
	else if (blame_crowd(run))
		return;
	else if (WIFSIGNALED(status))
		judge_signal(run, WTERMSIG(status));
	else
		attempt_fail(run->attempt, "exit code %d%s%s", WEXITSTATUS(status),
			     *words ? ": " : "", words);
}

/* What it left behind goes with it. */
static void kill_all(const struct run *run)
{
	kill(-run->pid, SIGKILL);
}

/*
 * All that ended, those too that a script started and left: they are ours then. The number of one
 * that is not reaped is nobody else's, so its group can be killed.
 */
static void reap(struct loop_fd *fd, uint32_t events)
{
	struct signalfd_siginfo signals[16];
	siginfo_t info;

	(void)events;
	while (read(fd->fd, signals, sizeof(signals)) > 0)
		;
	for (;;) {
		struct run *run = runs;
		int status;

		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) || !info.si_pid)
			return;
		while (run && run->pid != info.si_pid)
			run = run->next;
		if (run)
			kill_all(run);
		if (waitpid(info.si_pid, &status, 0) == info.si_pid && run)
			judge(run, status);
	}
}

/* how it begins */

struct environment {
	char text[VARIABLES][VARIABLE_MAX];
	char *list[VARIABLES + 1];
	size_t count;
};

static void set(struct environment *environment, const char *name, const char *value)
{
	char *text = environment->text[environment->count];

	snprintf(text, VARIABLE_MAX, "%s=%s", name, value);
	environment->list[environment->count++] = text;
	environment->list[environment->count] = NULL;
}

static void set_all(struct environment *environment, const struct probes_probe *probe)
{
	char text[ADDR_TEXT_MAX] = "";

	set(environment, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	set(environment, "LC_ALL", "C.UTF-8");
	set(environment, "MTLB_TENANT", probe->question.text[PROBE_TEXT_TENANT]);
	set(environment, "MTLB_POOL", probe->question.text[PROBE_TEXT_POOL]);
	if (probe->port)
		snprintf(text, sizeof(text), "%u", probe->port);
	set(environment, "MTLB_PORT", text);
	snprintf(text, sizeof(text), "%u.%03u", probe->timeout_ms / 1000, probe->timeout_ms % 1000);
	set(environment, "MTLB_TIMEOUT", text);
	set(environment, "MTLB_ADDRESS", addr_format(&probe->address, text));
}

static int launch(struct run *run, int out, int error, int trouble)
{
	const struct probes_probe *probe = run->attempt->probe;
	char path[PATH_MAX + NAME_MAX];
	struct environment environment = {};
	struct script_launch launch = {
		.path = path,
		.environment = environment.list,
		.in = null,
		.out = out,
		.error = error,
		.trouble = trouble,
		.processes = processes,
		.cpu_s = probe->timeout_ms / 1000 + 2,
		.filter = filter,
	};

	set_all(&environment, probe);
	snprintf(path, sizeof(path), "%s/%s", place.directory,
		 probe->question.text[PROBE_TEXT_SCRIPT]);
	return script_start(&launch, &run->pid);
}

/* Pipes to it; our ends do not wait, its own do. */
static int open_pipes(int pipes[3][2])
{
	for (int i = 0; i < 3; i++)
		if (pipe2(pipes[i], O_CLOEXEC) || fcntl(pipes[i][0], F_SETFL, O_NONBLOCK))
			return -errno;
	return 0;
}

static void close_pipes(int pipes[3][2], int which)
{
	for (int i = 0; i < 3; i++)
		if (pipes[i][which] >= 0)
			close(pipes[i][which]);
}

static int begin(struct run *run)
{
	int pipes[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
	struct loop *loop = run->attempt->loop;
	int error = open_pipes(pipes) ?: launch(run, pipes[0][1], pipes[1][1], pipes[2][1]);

	close_pipes(pipes, 1);
	run->out = (struct loop_fd){.fd = pipes[0][0], .ready = has_said, .context = run};
	run->error = (struct loop_fd){.fd = pipes[1][0], .ready = has_complained, .context = run};
	run->trouble = pipes[2][0];
	if (run->pid) {
		run->next = runs;
		runs = run;
	}
	error = error ?: loop_fd_set(loop, &run->out, EPOLLIN);
	return error ?: loop_fd_set(loop, &run->error, EPOLLIN);
}

static int start(struct attempt *attempt)
{
	const char *name = attempt->probe->question.text[PROBE_TEXT_SCRIPT];
	char why[PROBES_ERROR_MAX];
	struct run *run;
	int error;

	if (ended.fd < 0)
		return -ENOTSUP;
	if (script_place_check(&place, name, why, sizeof(why))) {
		attempt_fault(attempt, "%s", why);
		return 0;
	}
	run = calloc(1, sizeof(*run));
	if (!run)
		return -ENOMEM;
	run->attempt = attempt;
	attempt->own = run;
	attempt->phase = "and was killed";
	error = begin(run);
	if (error)
		attempt_fault(attempt, "script \"%s\" cannot be started: %s", name,
			      strerror(-error));
	return 0;
}

static void close_end(struct attempt *attempt, struct loop_fd *fd)
{
	loop_fd_remove(attempt->loop, fd);
	if (fd->fd >= 0)
		close(fd->fd);
}

/* One that is still there is killed; reap() sees its end. */
static void stop(struct attempt *attempt)
{
	struct run *run = attempt->own, **link = &runs;

	if (!run)
		return;
	if (run->pid)
		kill_all(run);
	while (*link && *link != run)
		link = &(*link)->next;
	if (*link)
		*link = run->next;
	close_end(attempt, &run->out);
	close_end(attempt, &run->error);
	if (run->trouble >= 0)
		close(run->trouble);
	free(run);
}

int script_prepare(struct loop *loop, const char *directory, uint32_t at_once)
{
	int error = script_place_init(&place, directory);
	sigset_t signals;

	if (error)
		return error;
	processes = SCRIPT_PROCESSES * at_once;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	if (null < 0 || sigprocmask(SIG_BLOCK, &signals, NULL) ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
		return -errno;
	filter = script_calls_filter();
	if (!filter)
		return -ENOMEM;
	ended = (struct loop_fd){.fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK),
				 .ready = reap};
	return ended.fd < 0 ? -errno : loop_fd_set(loop, &ended, EPOLLIN);
}

const struct attempt_kind script_kind = {.start = start, .stop = stop, .excuse = excuse};
