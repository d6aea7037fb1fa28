// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "steer.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bpf/l7_steer.skel.h"
#include "../../bpf/abi/place.h"

#define PATH_SIZE 512

struct steer {
	struct l7_steer *skeleton;
	int link;
	struct mtlb_terms *terms;
	uint64_t term;
	bool used[MTLB_PLACE_SOCKETS];
};

static int pin_path(const char *directory, const char *name, char path[PATH_SIZE])
{
	return snprintf(path, PATH_SIZE, "%s/%s", directory, name) < PATH_SIZE ? 0 : -ENAMETOOLONG;
}

static int prepare_maps(struct steer *steer, const char *directory)
{
	struct bpf_map *map;
	char path[PATH_SIZE];
	int error = 0;

	bpf_object__for_each_map(map, steer->skeleton->obj)
	{
		error = error ?: pin_path(directory, bpf_map__name(map), path);
		error = error ?: bpf_map__set_pin_path(map, path);
	}
	return error;
}

/* A pinned link outlives a container whose file system of maps is the host's: then its network
 * namespace is another one, or none (0).
 */
static bool is_of(int link, int space)
{
	struct bpf_link_info info = {};
	uint32_t size = sizeof(info);
	struct stat stat;

	return !bpf_obj_get_info_by_fd(link, &info, &size) && !fstat(space, &stat) &&
	       info.type == BPF_LINK_TYPE_NETNS && info.netns.netns_ino == stat.st_ino;
}

/* Fills steer->link, if there is one of this network namespace: 0. -ENOENT: it is to be made. */
static int find_link(struct steer *steer, const char *path, int space)
{
	steer->link = bpf_obj_get(path);
	if (steer->link < 0)
		return -errno;
	if (is_of(steer->link, space))
		return 0;
	close(steer->link);
	steer->link = -1;
	return unlink(path) ? -errno : -ENOENT;
}

/* To this network namespace, for good; or this version's program in the place of another's. */
static int attach(struct steer *steer, const char *directory)
{
	int program = bpf_program__fd(steer->skeleton->progs.mtlb_steer), space, error;
	char path[PATH_SIZE];

	error = pin_path(directory, "mtlb_steer", path);
	if (error)
		return error;
	space = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (space < 0)
		return -errno;
	error = find_link(steer, path, space);
	if (error != -ENOENT) {
		close(space);
		return error ?: bpf_link_update(steer->link, program, NULL) ? -errno : 0;
	}
	steer->link = bpf_link_create(program, space, BPF_SK_LOOKUP, NULL);
	error = steer->link < 0 ? -errno : 0;
	close(space);
	return error ?: bpf_obj_pin(steer->link, path) ? -errno : 0;
}

static int map_terms(struct steer *steer)
{
	void *terms = mmap(NULL, sizeof(*steer->terms), PROT_READ | PROT_WRITE, MAP_SHARED,
			   steer_terms_fd(steer), 0);

	if (terms == MAP_FAILED)
		return -errno;
	steer->terms = terms;
	steer->term = __atomic_add_fetch(&steer->terms->given, 1, __ATOMIC_RELAXED);
	return 0;
}

static int places_fd(const struct steer *steer)
{
	return bpf_map__fd(steer->skeleton->maps.mtlb_places);
}

static int sockets_fd(const struct steer *steer)
{
	return bpf_map__fd(steer->skeleton->maps.mtlb_place_sockets);
}

/* What an earlier agent's sockets are called. */
static void find_used(struct steer *steer)
{
	struct mtlb_place_key key, next;
	struct mtlb_place place;
	const void *previous = NULL;

	while (!bpf_map_get_next_key(places_fd(steer), previous, &next)) {
		key = next;
		previous = &key;
		if (!bpf_map_lookup_elem(places_fd(steer), &key, &place) &&
		    place.socket < MTLB_PLACE_SOCKETS)
			steer->used[place.socket] = true;
	}
}

static int load(struct steer *steer, const char *directory)
{
	int error = prepare_maps(steer, directory);

	error = error ?: l7_steer__load(steer->skeleton);
	error = error ?: attach(steer, directory);
	return error ?: map_terms(steer);
}

int steer_open(const char *directory, struct steer **ret_steer, struct err *err)
{
	struct steer *steer = calloc(1, sizeof(*steer));
	int error;

	if (!steer)
		return err_set(err, -ENOMEM, "no memory");
	steer->link = -1;
	steer->skeleton = l7_steer__open();
	error = steer->skeleton ? load(steer, directory) : -errno;
	if (error) {
		steer_close(steer);
		return err_set(err, error,
			       "the kernel refuses the program that gives listeners their "
			       "connections (%s): it takes Linux 5.9, and nobody else's sk_lookup "
			       "link pinned as %s/mtlb_steer",
			       strerror(-error), directory);
	}
	find_used(steer);
	*ret_steer = steer;
	return 0;
}

void steer_close(struct steer *steer)
{
	if (!steer)
		return;
	if (steer->terms)
		munmap(steer->terms, sizeof(*steer->terms));
	if (steer->link >= 0)
		close(steer->link);
	l7_steer__destroy(steer->skeleton);
	free(steer);
}

void steer_remove(const char *directory)
{
	static const char *const pins[] = {"mtlb_steer", "mtlb_places", "mtlb_place_sockets",
					   "mtlb_terms"};
	const struct mtlb_terms end = {.current = MTLB_TERM_END, .given = MTLB_TERM_END};
	char path[PATH_SIZE];
	uint32_t first = 0;
	int fd;

	if (pin_path(directory, "mtlb_terms", path))
		return;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return;
	bpf_map_update_elem(fd, &first, &end, BPF_ANY);
	close(fd);
	for (size_t i = 0; i < sizeof(pins) / sizeof(pins[0]); i++)
		if (!pin_path(directory, pins[i], path))
			unlink(path);
}

int steer_terms_fd(const struct steer *steer)
{
	return bpf_map__fd(steer->skeleton->maps.mtlb_terms);
}

uint64_t steer_term(const struct steer *steer)
{
	return steer->term;
}

void steer_begin_term(struct steer *steer)
{
	__atomic_store_n(&steer->terms->current, steer->term, __ATOMIC_RELEASE);
}

int steer_add_socket(struct steer *steer, int socket, uint32_t *ret_number)
{
	uint64_t value = (uint64_t)socket;
	uint32_t number = 0;

	while (number < MTLB_PLACE_SOCKETS && steer->used[number])
		number++;
	if (number == MTLB_PLACE_SOCKETS)
		return -ENOSPC;
	if (bpf_map_update_elem(sockets_fd(steer), &number, &value, BPF_ANY))
		return -errno;
	steer->used[number] = true;
	*ret_number = number;
	return 0;
}

void steer_remove_socket(struct steer *steer, uint32_t number)
{
	bpf_map_delete_elem(sockets_fd(steer), &number);
	steer->used[number] = false;
}

static struct mtlb_place_key key_of(const struct addr *address, uint16_t port)
{
	struct mtlb_place_key key = {.port = port};

	memcpy(key.address, address->byte, sizeof(key.address));
	return key;
}

int steer_put(struct steer *steer, const struct addr *address, uint16_t port, uint32_t socket)
{
	struct mtlb_place_key key = key_of(address, port);
	struct mtlb_place place = {.key = key, .socket = socket};

	return bpf_map_update_elem(places_fd(steer), &key, &place, BPF_ANY) ? -errno : 0;
}

int steer_sweep(struct steer *steer,
		bool (*keep)(void *context, const struct addr *address, uint16_t port),
		void *context)
{
	struct mtlb_place_key key, next;
	const void *previous = NULL;

	while (!bpf_map_get_next_key(places_fd(steer), previous, &next)) {
		struct addr address;

		memcpy(address.byte, next.address, sizeof(address.byte));
		if (keep(context, &address, next.port)) {
			key = next;
			previous = &key;
		} else if (bpf_map_delete_elem(places_fd(steer), &next)) {
			return -errno;
		}
	}
	return 0;
}
