// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "pinned.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

int pinned_explain(const char *directory, const char *name, int error, struct err *err)
{
	switch (-error) {
	case EACCES:
	case EPERM:
		return err_set(err, error,
			       "not allowed to read what is pinned in %s: %s; root is (try sudo)",
			       directory, strerror(-error));
	case ENOENT:
		if (name)
			return err_set(err, error, "%s/%s: nothing of that name is pinned there",
				       directory, name);
		return err_set(err, error,
			       "no dataplane is pinned in %s: mtlbd makes one when it starts "
			       "(--bpffs DIR names another place)",
			       directory);
	default:
		return err_set(err, error, "%s%s%s: %s", directory, name ? "/" : "",
			       name ? name : "", strerror(-error));
	}
}

static int check_directory(const char *directory, struct err *err)
{
	struct statfs fs;

	if (statfs(directory, &fs))
		return pinned_explain(directory, NULL, -errno, err);
	if (fs.f_type != BPF_FS_MAGIC)
		return err_set(err, -ENOTSUP,
			       "%s is in no bpf filesystem: --bpffs DIR names the directory that "
			       "mtlbd pins in, %s unless it was told otherwise",
			       directory, PINNED_DIRECTORY);
	return 0;
}

/* Links and programs are pinned beside them. */
static bool is_map(const char *name)
{
	return !strncmp(name, "mtlb_", 5) && strlen(name) < PINNED_NAME_MAX;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int collect(DIR *list, struct pinned_names *names)
{
	struct dirent *entry;

	while ((entry = readdir(list))) {
		char(*more)[PINNED_NAME_MAX];

		if (!is_map(entry->d_name))
			continue;
		more = realloc(names->names, (names->count + 1) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		names->names = more;
		snprintf(names->names[names->count++], PINNED_NAME_MAX, "%s", entry->d_name);
	}
	return 0;
}

int pinned_list(const char *directory, struct pinned_names *ret_names, struct err *err)
{
	int error = check_directory(directory, err);
	DIR *list;

	*ret_names = (struct pinned_names){};
	if (error)
		return error;
	list = opendir(directory);
	if (!list)
		return pinned_explain(directory, NULL, -errno, err);
	error = collect(list, ret_names);
	closedir(list);
	if (error) {
		pinned_names_fini(ret_names);
		return err_set(err, error, "out of memory");
	}
	qsort(ret_names->names, ret_names->count, sizeof(*ret_names->names), by_name);
	return 0;
}

void pinned_names_fini(struct pinned_names *names)
{
	free(names->names);
	*names = (struct pinned_names){};
}

uint64_t pinned_fdinfo(int fd, const char *key)
{
	size_t length = strlen(key);
	char path[64], line[256];
	uint64_t value = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, length) && line[length] == ':')
			value = strtoull(line + length + 1, NULL, 10);
	if (file)
		fclose(file);
	return value;
}

static bool is_per_cpu(uint32_t type)
{
	return type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_HASH ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

int pinned_open(const char *directory, const char *name, struct pinned_map *ret_map,
		struct err *err)
{
	LIBBPF_OPTS(bpf_obj_get_opts, read_only, .file_flags = BPF_F_RDONLY);
	__u32 size = sizeof(ret_map->info);
	char path[512];
	int error = check_directory(directory, err);

	*ret_map = (struct pinned_map){.fd = -1};
	if (error)
		return error;
	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return pinned_explain(directory, name, -ENAMETOOLONG, err);
	ret_map->fd = bpf_obj_get_opts(path, &read_only);
	if (ret_map->fd < 0)
		return pinned_explain(directory, name, -errno, err);
	/* fails for a program as well, which is none of ours here */
	if (bpf_obj_get_info_by_fd(ret_map->fd, &ret_map->info, &size)) {
		error = -errno;
		pinned_close(ret_map);
		return pinned_explain(directory, name, error, err);
	}
	snprintf(ret_map->name, sizeof(ret_map->name), "%s", name);
	ret_map->stride = ((size_t)ret_map->info.value_size + 7) / 8 * 8;
	ret_map->cpus = is_per_cpu(ret_map->info.type) ? (unsigned)libbpf_num_possible_cpus() : 1;
	ret_map->memlock = pinned_fdinfo(ret_map->fd, "memlock");
	ret_map->frozen = pinned_fdinfo(ret_map->fd, "frozen") != 0;
	return 0;
}

void pinned_close(struct pinned_map *map)
{
	if (map->fd >= 0)
		close(map->fd);
	map->fd = -1;
}

bool pinned_is_array(const struct pinned_map *map)
{
	return map->info.type == BPF_MAP_TYPE_ARRAY || map->info.type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

bool pinned_is_hash(const struct pinned_map *map)
{
	switch (map->info.type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_LPM_TRIE:
	case BPF_MAP_TYPE_DEVMAP_HASH:
		return true;
	default:
		return false;
	}
}

const char *pinned_type_name(uint32_t type, char text[PINNED_NAME_MAX])
{
	const char *name = libbpf_bpf_map_type_str(type);

	if (name)
		return name;
	snprintf(text, PINNED_NAME_MAX, "type %" PRIu32, type);
	return text;
}

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

struct btf *pinned_btf_of(uint32_t id)
{
	libbpf_print_fn_t print = libbpf_set_print(silent); /* what it lacks is told by who asks */
	struct btf *btf = id ? btf__load_from_kernel_by_id(id) : NULL;

	libbpf_set_print(print);
	return btf;
}

struct btf *pinned_btf(const struct pinned_map *map)
{
	return pinned_btf_of(map->info.btf_id);
}

size_t pinned_value_size(const struct pinned_map *map)
{
	return map->cpus > 1 ? map->stride : map->info.value_size;
}

int pinned_lookup(const struct pinned_map *map, const void *key, void *ret_values)
{
	return bpf_map_lookup_elem(map->fd, key, ret_values) ? -errno : 0;
}
