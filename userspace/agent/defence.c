// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "defence.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/log.h"
#include "../model/flood.h"
#include "report/report.h"

#define SYSCTL "net.ipv4.tcp_syncookies"
#define PATH   "/proc/sys/net/ipv4/tcp_syncookies"

struct counts {
	uint64_t syns, sent, accepted, refused;
};

struct watched {
	uint32_t tenant;
	char name[STATE_NAME_MAX]; /* its number may be given to another one */
	struct counts last, began;
	struct flood flood;
};

struct defence {
	const struct registry *registry;
	struct loop *loop;
	struct events *events;
	struct watched *watched;
	size_t count;
	struct loop_timer timer;
	char told[256]; /* of the kernel's setting, the last time */
};

static const struct mtlb_defence *record_of(const struct registry *registry, uint32_t tenant)
{
	return &dataplane_view(registry->dataplane)->defences[tenant];
}

static struct counts count(const struct registry *registry, uint32_t tenant)
{
	struct mtlb_reason_counter sent, refused, unheard;
	struct mtlb_tenant_counter sum;

	dataplane_sum_tenant(registry->dataplane, tenant, &sum);
	dataplane_sum_reason(registry->dataplane, tenant, MTLB_REASON_syn_cookie, &sent);
	dataplane_sum_reason(registry->dataplane, tenant, MTLB_REASON_bad_cookie, &refused);
	dataplane_sum_reason(registry->dataplane, tenant, MTLB_REASON_no_listener, &unheard);
	return (struct counts){
		.syns = sum.value[MTLB_COUNTER_local_syns],
		.sent = sent.packets,
		.accepted = sum.value[MTLB_COUNTER_cookies_accepted],
		.refused = refused.packets + unheard.packets,
	};
}

int defence_put(const struct registry *registry, uint32_t tenant,
		const struct state_cookies *cookies, bool fresh)
{
	struct mtlb_defence to = {}, before = *record_of(registry, tenant);

	if (!fresh)
		to = before;
	to.mode = cookies->mode == STATE_COOKIES_AUTO	  ? MTLB_DEFENCE_AUTO
		  : cookies->mode == STATE_COOKIES_ALWAYS ? MTLB_DEFENCE_ALWAYS
							  : MTLB_DEFENCE_OFF;
	to.rate = cookies->rate;
	/* what auto decided holds on; all else is no decision of it */
	if (to.mode != MTLB_DEFENCE_AUTO || before.mode != MTLB_DEFENCE_AUTO)
		to.on = to.mode == MTLB_DEFENCE_ALWAYS;
	return dataplane_put_defence(registry->dataplane, tenant, &to);
}

struct state_cookies defence_read(const struct registry *registry, uint32_t tenant)
{
	const struct mtlb_defence *record = record_of(registry, tenant);

	return (struct state_cookies){
		.mode = record->mode == MTLB_DEFENCE_AUTO     ? STATE_COOKIES_AUTO
			: record->mode == MTLB_DEFENCE_ALWAYS ? STATE_COOKIES_ALWAYS
							      : STATE_COOKIES_OFF,
		.rate = record->rate,
	};
}

static void turn(const struct defence *defence, uint32_t tenant, bool on, uint64_t now)
{
	struct mtlb_defence record = *record_of(defence->registry, tenant);
	int error;

	record.on = on;
	record.changed_at = now;
	error = dataplane_put_defence(defence->registry->dataplane, tenant, &record);
	if (error)
		log_error("defence", "cannot turn SYN cookies %s: %s", on ? "on" : "off",
			  strerror(-error));
}

/* the kernel's setting */

/* -1: there is none. */
static int read_sysctl(void)
{
	FILE *file = fopen(PATH, "re");
	int value = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%d", &value) != 1)
		value = -1;
	fclose(file);
	return value;
}

static const char *find_always(const struct defence *defence)
{
	for (size_t i = 0; i < defence->count; i++)
		if (record_of(defence->registry, defence->watched[i].tenant)->mode ==
		    MTLB_DEFENCE_ALWAYS)
			return defence->watched[i].name;
	return NULL;
}

/* Says once what is wrong, and again when something else is. */
static void check_sysctl(struct defence *defence)
{
	const char *always = find_always(defence);
	char text[sizeof(defence->told)] = "";
	int value = read_sysctl();
	bool wanted = false;

	for (size_t i = 0; i < defence->count; i++)
		wanted |= record_of(defence->registry, defence->watched[i].tenant)->mode !=
			  MTLB_DEFENCE_OFF;
	if (!wanted)
		;
	else if (value < 0)
		snprintf(text, sizeof(text),
			 "this kernel has no " SYSCTL ": SYNs for services with forward: local get "
			 "no cookies in a flood; use one with CONFIG_SYN_COOKIES=y");
	else if (value == 0)
		snprintf(text, sizeof(text),
			 SYSCTL " is 0, which IPv6 obeys as well: SYNs for services with forward: "
				"local get no cookies in a flood; run `sysctl -w " SYSCTL "=1`");
	else if (value == 1 && always)
		snprintf(text, sizeof(text),
			 SYSCTL
			 " is 1: in spite of synCookies: always, SYNs for %s get cookies only "
			 "while its server's own queue is full; run `sysctl -w " SYSCTL "=2`",
			 always);
	if (text[0] && strcmp(text, defence->told) != 0) {
		log_warn("defence", "%s", text);
		events_raise(defence->events, "syn-cookies-missing", "-", NULL, "%s", text);
	}
	memcpy(defence->told, text, sizeof(text));
}

/* events */

static json_t *details(const struct flood *flood, uint64_t limit)
{
	return json_pack("{s:I,s:I,s:I}", "rate", (json_int_t)flood->rate, "peak",
			 (json_int_t)flood->peak, "limit", (json_int_t)limit);
}

static void begins(struct defence *defence, const struct watched *watched, uint64_t limit)
{
	char sentence[320];

	snprintf(sentence, sizeof(sentence),
		 "SYN cookies on for %s: %llu SYNs a second for its services with forward: local, "
		 "more than synRate (%llu)",
		 watched->name, (unsigned long long)watched->flood.rate, (unsigned long long)limit);
	log_warn("defence", "%s", sentence);
	events_raise(defence->events, "syn-cookies-on", watched->name,
		     details(&watched->flood, limit), "%s", sentence);
	check_sysctl(defence);
}

static void ends(struct defence *defence, const struct watched *watched, uint64_t limit,
		 uint64_t seconds)
{
	const struct counts *from = &watched->began, *to = &watched->last;
	json_t *more = details(&watched->flood, limit);
	char sentence[320];

	json_object_set_new(more, "seconds", json_integer((json_int_t)seconds));
	json_object_set_new(more, "sent", json_integer((json_int_t)(to->sent - from->sent)));
	json_object_set_new(more, "accepted",
			    json_integer((json_int_t)(to->accepted - from->accepted)));
	json_object_set_new(more, "refused",
			    json_integer((json_int_t)(to->refused - from->refused)));
	snprintf(sentence, sizeof(sentence),
		 "SYN cookies off for %s after %llu s: at most %llu SYNs a second, %llu cookies "
		 "sent, %llu came back good, %llu packets refused",
		 watched->name, (unsigned long long)seconds,
		 (unsigned long long)watched->flood.peak,
		 (unsigned long long)(to->sent - from->sent),
		 (unsigned long long)(to->accepted - from->accepted),
		 (unsigned long long)(to->refused - from->refused));
	log_info("defence", "%s", sentence);
	events_raise(defence->events, "syn-cookies-off", watched->name, more, "%s", sentence);
}

/* looks */

static bool is_still(const struct defence *defence, const struct watched *watched)
{
	const struct registry_tenant *tenant = defence->registry->tenant_at[watched->tenant];

	return tenant && strcmp(tenant->name, watched->name) == 0;
}

static void look_at(struct defence *defence, struct watched *watched, uint64_t now)
{
	const struct mtlb_defence *record = record_of(defence->registry, watched->tenant);
	struct counts counts, before = watched->last;
	uint64_t changed_at = record->changed_at;

	if (record->mode != MTLB_DEFENCE_AUTO)
		return;
	counts = watched->last = count(defence->registry, watched->tenant);
	switch (flood_look(&watched->flood, now,
			   counts.syns > before.syns ? counts.syns - before.syns : 0,
			   record->rate)) {
	case FLOOD_BEGINS:
		watched->began = counts;
		turn(defence, watched->tenant, true, now);
		begins(defence, watched, record->rate);
		break;
	case FLOOD_ENDS:
		turn(defence, watched->tenant, false, now);
		ends(defence, watched, record->rate,
		     now > changed_at ? (now - changed_at) / 1000000000 : 0);
		break;
	case FLOOD_SAME:
		break;
	}
}

void defence_look(struct defence *defence, uint64_t now)
{
	for (size_t i = 0; i < defence->count; i++)
		if (is_still(defence, &defence->watched[i]))
			look_at(defence, &defence->watched[i], now);
}

static void look_soon(struct defence *defence)
{
	if (defence->count && loop_timer_set(defence->loop, &defence->timer, FLOOD_LOOK_NS))
		log_error("defence", "no memory for a timer: floods of SYNs are not seen");
}

static void look_due(struct loop_timer *timer)
{
	struct defence *defence = timer->context;

	defence_look(defence, loop_now(defence->loop));
	look_soon(defence);
}

/* whom */

static bool has_local(const struct state_tenant *tenant)
{
	for (size_t i = 0; i < tenant->service_count; i++)
		if (tenant->services[i].forward == STATE_FORWARD_LOCAL &&
		    tenant->services[i].protocol == IPPROTO_TCP)
			return true;
	return false;
}

static const struct watched *find(const struct defence *defence, uint32_t tenant, const char *name)
{
	for (size_t i = 0; i < defence->count; i++)
		if (defence->watched[i].tenant == tenant &&
		    strcmp(defence->watched[i].name, name) == 0)
			return &defence->watched[i];
	return NULL;
}

/* Goes on with what it knows of the tenant, or with what the agent before it did. */
static struct watched watch(const struct defence *defence, const struct registry_tenant *tenant,
			    uint64_t now)
{
	const struct watched *known = find(defence, tenant->index, tenant->name);
	const struct mtlb_defence *record = record_of(defence->registry, tenant->index);
	struct watched watched = {.tenant = tenant->index};

	if (known && known->flood.on == !!record->on)
		return *known;
	memcpy(watched.name, tenant->name, sizeof(watched.name));
	watched.last = watched.began = count(defence->registry, tenant->index);
	flood_init(&watched.flood, now, record->on);
	return watched;
}

/* One that has no such service any more is not under attack. */
static void forget(const struct defence *defence, const struct watched *list, size_t count,
		   uint64_t now)
{
	struct registry_tenant *tenant, *next;

	HASH_ITER (by_name, defence->registry->tenants, tenant, next) {
		const struct mtlb_defence *record = record_of(defence->registry, tenant->index);
		bool listed = false;

		if (!record->on || record->mode != MTLB_DEFENCE_AUTO)
			continue;
		for (size_t i = 0; i < count; i++)
			listed |= list[i].tenant == tenant->index;
		if (!listed)
			turn(defence, tenant->index, false, now);
	}
}

int defence_set(struct defence *defence, const struct state *state, uint64_t now)
{
	struct watched *list = calloc(state->tenant_count + 1, sizeof(*list));
	size_t count = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < state->tenant_count; i++) {
		const struct registry_tenant *tenant =
			registry_tenant(defence->registry, state->tenants[i].name);

		if (tenant && has_local(&state->tenants[i]))
			list[count++] = watch(defence, tenant, now);
	}
	forget(defence, list, count, now);
	free(defence->watched);
	defence->watched = list;
	defence->count = count;
	check_sysctl(defence);
	if (!defence->timer.place)
		look_soon(defence);
	return 0;
}

int defence_new(const struct registry *registry, struct loop *loop, struct events *events,
		struct defence **ret_defence)
{
	struct defence *defence = calloc(1, sizeof(*defence));

	if (!defence)
		return -ENOMEM;
	defence->registry = registry;
	defence->loop = loop;
	defence->events = events;
	defence->timer = (struct loop_timer){.fire = look_due, .context = defence};
	*ret_defence = defence;
	return 0;
}

void defence_free(struct defence *defence)
{
	loop_timer_cancel(defence->loop, &defence->timer);
	free(defence->watched);
	free(defence);
}

json_t *defence_json(const struct registry *registry, uint32_t tenant)
{
	static const char *const modes[] = {
		[MTLB_DEFENCE_AUTO] = "auto",
		[MTLB_DEFENCE_ALWAYS] = "always",
		[MTLB_DEFENCE_OFF] = "off",
	};
	const struct mtlb_defence *record = record_of(registry, tenant);
	struct counts counts = count(registry, tenant);

	return json_pack("{s:s,s:s,s:I,s:o,s:I,s:I,s:I,s:I}", "mode",
			 record->mode <= MTLB_DEFENCE_OFF ? modes[record->mode] : "?", "state",
			 record->on ? "on" : "off", "rate", (json_int_t)record->rate, "since",
			 report_monotonic(record->changed_at), "syns", (json_int_t)counts.syns,
			 "sent", (json_int_t)counts.sent, "accepted", (json_int_t)counts.accepted,
			 "refused", (json_int_t)counts.refused);
}
