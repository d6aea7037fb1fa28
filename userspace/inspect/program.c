// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pinned.h"

#define SECOND 1000000000ULL

static uint64_t now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

/*
 * The name of an interface, if that is the one: a number means another one in another network
 * namespace, and only the one the link is attached to runs the program.
 */
static void name_interface(struct program_link *link)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	static const char *const modes[] = {"native", "generic", "offload"};
	uint32_t ids[3];

	if (!link->ifindex || bpf_xdp_query((int)link->ifindex, 0, &query))
		return;
	ids[0] = query.drv_prog_id;
	ids[1] = query.skb_prog_id;
	ids[2] = query.hw_prog_id;
	for (int i = 0; i < 3; i++)
		if (ids[i] && ids[i] == link->program &&
		    if_indextoname(link->ifindex, link->interface))
			link->mode = modes[i];
}

static void read_link(struct program *program, const char *directory, const char *name)
{
	struct program_link *link = &program->links[program->link_count];
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);
	char path[512];
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &size) && info.type == BPF_LINK_TYPE_XDP) {
		*link = (struct program_link){
			.id = info.id, .program = info.prog_id, .ifindex = info.xdp.ifindex};
		name_interface(link);
		program->link_count++;
	}
	close(fd);
}

static void read_links(struct program *program, const char *directory)
{
	DIR *list = opendir(directory);
	struct dirent *entry;

	while (list && program->link_count < PROGRAM_LINKS_MAX && (entry = readdir(list)))
		if (!strncmp(entry->d_name, "link_", 5))
			read_link(program, directory, entry->d_name);
	if (list)
		closedir(list);
}

int program_open(const char *directory, struct program *ret_program, struct err *err)
{
	__u32 size = sizeof(ret_program->info);
	struct pinned_names names;
	char path[512];
	int error = pinned_list(directory, &names, err); /* tells best what is wrong */

	if (error)
		return error;
	pinned_names_fini(&names);
	*ret_program = (struct program){};
	if (snprintf(path, sizeof(path), "%s/program", directory) >= (int)sizeof(path))
		return pinned_explain(directory, "program", -ENAMETOOLONG, err);
	ret_program->fd = bpf_obj_get(path); /* a program cannot be opened for reading alone */
	if (ret_program->fd < 0)
		return pinned_explain(directory, "program", -errno, err);
	if (bpf_obj_get_info_by_fd(ret_program->fd, &ret_program->info, &size)) {
		error = -errno;
		program_close(ret_program);
		return pinned_explain(directory, "program", error, err);
	}
	ret_program->memlock = pinned_fdinfo(ret_program->fd, "memlock");
	ret_program->created_at =
		ret_program->info.load_time + now(CLOCK_REALTIME) - now(CLOCK_BOOTTIME);
	read_links(ret_program, directory);
	return 0;
}

void program_close(struct program *program)
{
	close(program->fd);
	program->fd = -1;
}

static int read_times(const struct program *program, uint64_t *ret_runs, uint64_t *ret_ns)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(program->fd, &info, &size))
		return -errno;
	*ret_runs = info.run_cnt;
	*ret_ns = info.run_time_ns;
	return 0;
}

static void wait_for(double seconds)
{
	struct timespec rest = {(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};

	while (nanosleep(&rest, &rest) && errno == EINTR)
		;
}

int program_measure(const struct program *program, double seconds, struct program_times *ret_times,
		    struct err *err)
{
	int fd = bpf_enable_stats(BPF_STATS_RUN_TIME), error;
	uint64_t runs, ns, since = now(CLOCK_MONOTONIC);

	*ret_times = (struct program_times){};
	if (fd < 0)
		return err_set(
			err, -errno,
			"the kernel does not let this process measure programs: %s; it takes "
			"CAP_SYS_ADMIN (try sudo)",
			strerror(errno));
	error = read_times(program, &runs, &ns);
	if (!error) {
		wait_for(seconds);
		error = read_times(program, &ret_times->runs, &ret_times->ns);
		ret_times->seconds = (double)(now(CLOCK_MONOTONIC) - since) / 1e9;
		ret_times->runs -= runs;
		ret_times->ns -= ns;
	}
	close(fd);
	return error ? err_set(err, error, "the program tells nothing of itself: %s",
			       strerror(-error))
		     : 0;
}
