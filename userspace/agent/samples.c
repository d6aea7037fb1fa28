// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "samples.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "../base/log.h"
#include "../model/attack.h"
#include "report/report.h"
#include "report/reasons.h"

struct samples {
	const struct registry *registry;
	struct loop *loop;
	struct watchers *watchers;
	struct attacks *attacks;
	struct loop_fd ready;
	struct loop_timer look_timer; /* set while there is something to look at */
	uint64_t now;
};

static json_t *flags_text(uint8_t flags)
{
	static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG"};
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (flags & 1U << i)
			json_array_append_new(list, json_string(names[i]));
	return list;
}

static const char *service_name(const struct samples *samples, const struct mtlb_event *event)
{
	const struct registry_service *service = NULL;
	const struct dataplane_view *view = dataplane_view(samples->registry->dataplane);

	if (event->service && event->service < view->node->services)
		service = samples->registry->service_at[event->service];
	return service && service->key.tenant == event->tenant ? service->key.name : "";
}

static json_t *line_of(const struct samples *samples, const struct mtlb_event *event,
		       const char *tenant)
{
	char interface[IF_NAMESIZE] = "";
	json_t *line;

	if_indextoname(event->ifindex, interface);
	line = json_pack("{s:o,s:s,s:s,s:s,s:s,s:o,s:i,s:o,s:i,s:I,s:I,s:s}", "at",
			 report_monotonic(event->at), "tenant", tenant, "reason",
			 reason_name(event->reason), "service", service_name(samples, event),
			 "protocol", report_ip_protocol(event->protocol), "source",
			 report_address(&event->source), "sourcePort", ntohs(event->source_port),
			 "destination", report_address(&event->destination), "destinationPort",
			 ntohs(event->destination_port), "length", (json_int_t)event->length,
			 "packets", (json_int_t)event->packets, "interface", interface);
	if (event->protocol == IPPROTO_TCP)
		json_object_set_new(line, "flags", flags_text(event->tcp_flags));
	if (event->related)
		json_object_set_new(line, "related", json_true());
	return line;
}

static void take_one(void *context, const struct mtlb_event *event)
{
	struct samples *samples = context;
	const struct dataplane_view *view = dataplane_view(samples->registry->dataplane);
	const struct registry_tenant *tenant;
	const char *reason;

	/* a program of another making wrote it, or the tenant is gone */
	if (event->tenant >= view->node->tenants || event->reason >= MTLB_REASON_COUNT)
		return;
	tenant = samples->registry->tenant_at[event->tenant];
	if (!tenant)
		return;
	attacks_take(samples->attacks, event, samples->now);
	if (reason_verdict(event->reason) != MTLB_VERDICT_DROP)
		return;
	reason = reason_name(event->reason);
	if (watchers_want(samples->watchers, WATCHERS_DROPS, tenant->name, reason))
		watchers_tell(samples->watchers, WATCHERS_DROPS, tenant->name, reason,
			      line_of(samples, event, tenant->name));
}

static void look_soon(struct samples *samples)
{
	if (!samples->look_timer.place &&
	    loop_timer_set(samples->loop, &samples->look_timer, ATTACK_LOOK_NS))
		log_error("attack", "no memory for a timer: attacks are not seen for now");
}

void samples_take(struct samples *samples, uint64_t now)
{
	samples->now = now;
	dataplane_each_event(samples->registry->dataplane, take_one, samples);
	look_soon(samples);
}

static void came(struct loop_fd *fd, uint32_t events)
{
	struct samples *samples = fd->context;

	(void)events;
	samples_take(samples, loop_now(samples->loop));
}

static void look_due(struct loop_timer *timer)
{
	struct samples *samples = timer->context;

	if (attacks_look(samples->attacks, loop_now(samples->loop)))
		look_soon(samples);
}

int samples_new(const struct registry *registry, struct loop *loop, struct watchers *watchers,
		struct attacks *attacks, struct samples **ret_samples)
{
	struct samples *samples = calloc(1, sizeof(*samples));
	int error = 0;

	if (!samples)
		return -ENOMEM;
	samples->registry = registry;
	samples->loop = loop;
	samples->watchers = watchers;
	samples->attacks = attacks;
	samples->ready = (struct loop_fd){
		.fd = dataplane_events_fd(registry->dataplane), .ready = came, .context = samples};
	samples->look_timer = (struct loop_timer){.fire = look_due, .context = samples};
	if (samples->ready.fd >= 0)
		error = loop_fd_set(loop, &samples->ready, EPOLLIN);
	if (error) {
		free(samples);
		return error;
	}
	*ret_samples = samples;
	return 0;
}

void samples_free(struct samples *samples)
{
	loop_fd_remove(samples->loop, &samples->ready);
	loop_timer_cancel(samples->loop, &samples->look_timer);
	free(samples);
}
