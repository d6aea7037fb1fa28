// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "map_key.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../userspace/base/addr.h"

static int add_key(struct map_keys *keys, const void *key, size_t size)
{
	char *more = realloc(keys->bytes, (keys->count + 1) * size);

	if (!more)
		return -ENOMEM;
	memcpy(more + keys->count++ * size, key, size);
	keys->bytes = more;
	keys->size = size;
	return 0;
}

void map_keys_fini(struct map_keys *keys)
{
	free(keys->bytes);
	*keys = (struct map_keys){};
}

static bool parse_number(const char *text, uint64_t max, uint64_t *ret_number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*ret_number = strtoull(text, &end, 0);
	return !*end && !errno && *ret_number <= max;
}

static int parse_hex(const struct map_reading *reading, int argc, char **argv,
		     struct map_keys *keys, struct err *err)
{
	size_t size = reading->map.info.key_size;
	char key[size + 1];

	if ((size_t)argc != size)
		return err_set(err, -EINVAL, "the key has %zu bytes, not %d", size, argc);
	for (int i = 0; i < argc; i++) {
		char *end;
		unsigned long byte = strtoul(argv[i], &end, 16);

		if (end == argv[i] || *end || byte > 255)
			return err_set(err, -EINVAL, "\"%s\" is no byte in hex: expected 00 to ff",
				       argv[i]);
		key[i] = (char)byte;
	}
	return add_key(keys, key, size);
}

/* One row for each CPU. */
static int add_rows(const struct map_reading *reading, uint64_t row, uint32_t at,
		    struct map_keys *keys)
{
	int error = 0;

	for (uint32_t cpu = 0; !error && cpu < reading->view.node->cpus; cpu++) {
		uint32_t index = (uint32_t)(cpu * row + at);

		error = add_key(keys, &index, sizeof(index));
	}
	return error;
}

static int find_tenant(const struct view *view, const char *name, uint32_t *ret, struct err *err)
{
	*ret = strcmp(name, "-") ? view_find_tenant(view, name) : 0;
	if (!*ret && strcmp(name, "-") != 0)
		return err_set(err, -ENOENT, "there is no tenant \"%s\" (`mtlb map dump tenants`)",
			       name);
	return 0;
}

static int find_text(const struct view *view, uint32_t count,
		     const char *(*text_of)(const struct view *, uint32_t, char *),
		     const char *name, uint32_t *ret, const char *form, struct err *err)
{
	char text[VIEW_TEXT_MAX];

	for (uint32_t i = 1; i < count; i++) {
		const char *is = text_of(view, i, text);

		if (is && !strcmp(is, name)) {
			*ret = i;
			return 0;
		}
	}
	return err_set(err, -ENOENT, "there is none called \"%s\": expected a number or %s", name,
		       form);
}

static const char *service_text(const struct view *view, uint32_t service, char *text)
{
	return view_service_text(view, service, text);
}

static const char *member_text(const struct view *view, uint32_t member, char *text)
{
	return view_member_text(view, member, text);
}

static int find_service(const struct view *view, const char *name, uint32_t *ret, struct err *err)
{
	return find_text(view, view->node->services, service_text, name, ret, "TENANT/SERVICE",
			 err);
}

static int find_member(const struct view *view, const char *name, uint32_t *ret, struct err *err)
{
	return find_text(view, view->node->members, member_text, name, ret,
			 "TENANT/SERVICE/ENDPOINT", err);
}

static int by_reason(const struct map_reading *reading, int argc, char **argv,
		     struct map_keys *keys, struct err *err)
{
	uint64_t row = (uint64_t)reading->view.node->tenants * MTLB_REASONS_PER_TENANT;
	uint32_t tenant;
	int reason, error = find_tenant(&reading->view, argv[0], &tenant, err);

	if (error)
		return error;
	if (argc != 2)
		return err_set(err, -EINVAL, "expected TENANT REASON (`mtlb drop list` has both)");
	reason = meaning_find_reason(argv[1]);
	if (reason < 0)
		return err_set(err, -ENOENT, "there is no reason \"%s\"", argv[1]);
	return add_rows(reading, row, tenant * MTLB_REASONS_PER_TENANT + (uint32_t)reason, keys);
}

/* By what the index of the array stands for. */
static int by_words(const struct map_reading *reading, int argc, char **argv, struct map_keys *keys,
		    struct err *err)
{
	const struct view *view = &reading->view;
	enum meaning_key kind = meaning_key_of(reading->map.name);
	uint32_t index = 0;
	int error;

	if (!reading->named)
		return err_set(err, -EINVAL, "\"%s\" is no number", argv[0]);
	if (kind == MEANING_KEY_CPU_TENANT_REASON)
		return by_reason(reading, argc, argv, keys, err);
	if (argc > 1)
		return err_set(err, -EINVAL, "\"%s\" is one word too many", argv[1]);
	switch (kind) {
	case MEANING_KEY_TENANT:
	case MEANING_KEY_CPU_TENANT:
		error = find_tenant(view, argv[0], &index, err);
		break;
	case MEANING_KEY_SERVICE:
		error = find_service(view, argv[0], &index, err);
		break;
	case MEANING_KEY_MEMBER:
	case MEANING_KEY_CPU_MEMBER:
		error = find_member(view, argv[0], &index, err);
		break;
	default:
		error = err_set(err, -EINVAL, "\"%s\" is no number, and its elements have no names",
				argv[0]);
	}
	if (error)
		return error;
	if (kind == MEANING_KEY_CPU_TENANT)
		return add_rows(reading, view->node->tenants, index, keys);
	if (kind == MEANING_KEY_CPU_MEMBER)
		return add_rows(reading, view->node->members, index, keys);
	return add_key(keys, &index, sizeof(index));
}

static int parse_index(const struct map_reading *reading, int argc, char **argv,
		       struct map_keys *keys, struct err *err)
{
	uint32_t max = reading->map.info.max_entries, index;
	uint64_t number;

	if (argc != 1 || !parse_number(argv[0], UINT64_MAX, &number))
		return by_words(reading, argc, argv, keys, err);
	if (number >= max)
		return err_set(err, -ERANGE, "it has %u elements: expected a number below that",
			       max);
	index = (uint32_t)number;
	return add_key(keys, &index, sizeof(index));
}

static int find_protocol(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} protocols[] = {{"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}, {"sctp", IPPROTO_SCTP}};

	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (!strcasecmp(name, protocols[i].name))
			return protocols[i].number;
	return -1;
}

/* Of a VIP: the address alone, or with protocol and port. */
static int parse_vip(int argc, char **argv, struct map_keys *keys, struct err *err)
{
	struct mtlb_vip_key key = {};
	struct addr addr;
	uint64_t port = 0;
	int protocol = 0;

	if (addr_parse(argv[0], &addr))
		return err_set(err, -EINVAL, "\"%s\" is no address", argv[0]);
	if (argc != 1 && argc != 3)
		return err_set(err, -EINVAL, "expected ADDRESS, or ADDRESS PROTOCOL PORT");
	if (argc == 3) {
		protocol = find_protocol(argv[1]);
		if (protocol < 0)
			return err_set(err, -EINVAL,
				       "\"%s\" is no protocol: expected tcp, udp or sctp", argv[1]);
		if (!parse_number(argv[2], UINT16_MAX, &port))
			return err_set(err, -EINVAL, "\"%s\" is no port", argv[2]);
	}
	memcpy(&key.address, &addr, sizeof(key.address));
	key.protocol = (uint8_t)protocol;
	key.port = htons((uint16_t)port);
	return add_key(keys, &key, sizeof(key));
}

int map_key_parse(const struct map_reading *reading, int argc, char **argv,
		  struct map_keys *ret_keys, struct err *err)
{
	const struct pinned_map *map = &reading->map;
	uint64_t number;
	uint32_t word;

	if (!pinned_is_array(map) && !pinned_is_hash(map))
		return err_set(err, -ENOTSUP, "nothing can be looked up in a map of this type");
	if (!strcmp(argv[0], "hex"))
		return parse_hex(reading, argc - 1, argv + 1, ret_keys, err);
	if (pinned_is_array(map))
		return parse_index(reading, argc, argv, ret_keys, err);
	if (!strcmp(map->name, "mtlb_vips") && map->info.key_size == sizeof(struct mtlb_vip_key))
		return parse_vip(argc, argv, ret_keys, err);
	if (map->info.key_size != sizeof(word) || argc != 1 ||
	    !parse_number(argv[0], UINT32_MAX, &number))
		return err_set(err, -EINVAL, "expected hex and the key's %u bytes",
			       map->info.key_size);
	word = (uint32_t)number;
	return add_key(ret_keys, &word, sizeof(word));
}
