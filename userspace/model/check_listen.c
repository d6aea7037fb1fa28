// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "check_listen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

uint16_t check_listen_first(const struct tree_node *ports)
{
	return (uint16_t)ports->number;
}

uint16_t check_listen_last(const struct tree_node *ports)
{
	return (uint16_t)(ports->number >> 16);
}

static bool is_any(const struct tree_node *ports)
{
	return check_listen_first(ports) == 0;
}

struct check_listen_text check_listen_text(uint16_t first, uint16_t last)
{
	struct check_listen_text text;

	if (first == 0)
		snprintf(text.text, sizeof(text.text), "any port");
	else if (first == last)
		snprintf(text.text, sizeof(text.text), "port %u", first);
	else
		snprintf(text.text, sizeof(text.text), "ports %u-%u", first, last);
	return text;
}

static struct check_listen_text vip_text(const struct state_vip *vip)
{
	return check_listen_text(vip->port, vip->last);
}

static struct check_listen_text ports_text(const struct tree_node *ports)
{
	return check_listen_text(check_listen_first(ports), check_listen_last(ports));
}

/* Of two places in one document: the order in which they are read. */
static int order_places(const struct tree_node *a, const struct tree_node *b)
{
	int order = (a->line > b->line) - (a->line < b->line);

	return order ? order : (a->column > b->column) - (a->column < b->column);
}

static int by_port(const void *left, const void *right)
{
	const struct tree_node *a = *(const struct tree_node *const *)left;
	const struct tree_node *b = *(const struct tree_node *const *)right;
	int order = (int)check_listen_first(a) - (int)check_listen_first(b);

	return order ? order : order_places(a, b);
}

static void refuse_twice(struct check *check, const struct tree_node *a, const struct tree_node *b)
{
	const struct tree_node *later = order_places(a, b) > 0 ? a : b;

	if (a->number == b->number)
		errors_add(check->errors, tree_place(later), "%s %s listed twice",
			   ports_text(a).text,
			   check_listen_first(a) == check_listen_last(a) ? "is" : "are");
	else
		errors_add(check->errors, tree_place(later),
			   "%s and %s overlap; list each port once", ports_text(a).text,
			   ports_text(b).text);
}

int check_listen_ports(struct check *check, const struct tree_node *list)
{
	const struct tree_node **ports, *item, *widest;
	size_t count = 0;

	if (!list || list->count < 2)
		return 0;
	for (item = schema_first(list); item; item = schema_next(item)) {
		if (!is_any(item))
			continue;
		errors_add(check->errors, tree_place(item),
			   "\"any\" stands for every port; leave the other ports out");
		return 0;
	}
	ports = calloc(list->count, sizeof(*ports));
	if (!ports)
		return -ENOMEM;
	for (item = schema_first(list); item; item = schema_next(item))
		ports[count++] = item;
	if (count > 1)
		qsort(ports, count, sizeof(*ports), by_port);
	widest = ports[0];
	for (size_t i = 1; i < count && !errors_full(check->errors); i++) {
		if (check_listen_first(ports[i]) <= check_listen_last(widest))
			refuse_twice(check, widest, ports[i]);
		if (check_listen_last(ports[i]) > check_listen_last(widest))
			widest = ports[i];
	}
	free(ports);
	return 0;
}

int check_listen_add(struct check_listens *listens, const struct state_service *service,
		     const char *protocol, const struct state_vip *vip,
		     const struct tree_node *node)
{
	if (listens->count == listens->room) {
		size_t room = listens->room ? 2 * listens->room : 16;
		struct check_listen *list = realloc(listens->list, room * sizeof(*list));

		if (!list)
			return -ENOMEM;
		listens->list = list;
		listens->room = room;
	}
	listens->list[listens->count] = (struct check_listen){
		.vip = *vip,
		.service = service,
		.protocol = protocol,
		.node = node,
		.number = listens->count,
	};
	listens->count++;
	return 0;
}

/* All of one VIP and protocol stand together, by port. */
static int by_place(const void *left, const void *right)
{
	const struct check_listen *a = left, *b = right;
	int order = (int)a->service->protocol - (int)b->service->protocol;

	order = order ? order : addr_compare(&a->vip.address, &b->vip.address);
	order = order ? order : (int)a->vip.port - (int)b->vip.port;
	return order ? order : (a->number > b->number) - (a->number < b->number);
}

static bool same_place(const struct check_listen *a, const struct check_listen *b)
{
	return a->service->protocol == b->service->protocol &&
	       addr_compare(&a->vip.address, &b->vip.address) == 0;
}

static void refuse_overlap(struct check *check, const struct check_listen *a,
			   const struct check_listen *b)
{
	const struct check_listen *first = a->number < b->number ? a : b;
	const struct check_listen *second = first == a ? b : a;
	char text[ADDR_TEXT_MAX];

	if (a->vip.port == a->vip.last && b->vip.port == b->vip.last)
		check_report_twice(check, second->node, first->node,
				   "%s %s is used by two services, \"%s\" and \"%s\"", a->protocol,
				   addr_format_endpoint(&a->vip.address, a->vip.port, text),
				   first->service->name, second->service->name);
	else
		check_report_twice(check, second->node, first->node,
				   "%s of \"%s\" and %s of \"%s\" overlap on %s",
				   vip_text(&first->vip).text, first->service->name,
				   vip_text(&second->vip).text, second->service->name,
				   addr_format(&a->vip.address, text));
}

static void refuse_range(struct check *check, const struct check_listen *listen)
{
	char text[ADDR_TEXT_MAX];

	errors_add(check->errors, tree_place(listen->node),
		   "%s are one range too many for %s on %s: at most %d; join ranges, or use "
		   "another VIP",
		   vip_text(&listen->vip).text, listen->protocol,
		   addr_format(&listen->vip.address, text), CHECK_LISTEN_RANGES);
}

void check_listens(struct check *check, struct check_listens *listens)
{
	const struct check_listen *widest = NULL, *last_range = NULL;
	size_t ranges = 0;

	if (listens->count > 1)
		qsort(listens->list, listens->count, sizeof(*listens->list), by_place);
	for (size_t i = 0; i < listens->count && !errors_full(check->errors); i++) {
		const struct check_listen *now = &listens->list[i];

		if (!widest || !same_place(widest, now)) {
			widest = now;
			last_range = NULL;
			ranges = 0;
		} else {
			/* within one service: check_listen_ports() told */
			if (now->vip.port <= widest->vip.last && now->service != widest->service)
				refuse_overlap(check, widest, now);
			if (now->vip.last > widest->vip.last)
				widest = now;
		}
		if (now->vip.port == now->vip.last)
			continue;
		if (!last_range || now->number > last_range->number)
			last_range = now;
		if (++ranges == CHECK_LISTEN_RANGES + 1)
			refuse_range(check, last_range);
	}
}

void check_listens_fini(struct check_listens *listens)
{
	free(listens->list);
	*listens = (struct check_listens){};
}
