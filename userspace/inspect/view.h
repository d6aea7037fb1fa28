/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A copy of the pinned maps that have a layout of bpf/abi, as they were when it was opened; and
 * what is said by their names. Refuses a dataplane of another ABI.
 */
#ifndef MTLB_INSPECT_VIEW_H
#define MTLB_INSPECT_VIEW_H

#include <stdint.h>

#include "pinned.h"
#include "../../bpf/abi/counter.h"
#include "../../bpf/abi/flow.h"
#include "../../bpf/abi/member.h"
#include "../../bpf/abi/meter.h"
#include "../../bpf/abi/names.h"
#include "../../bpf/abi/nat.h"
#include "../../bpf/abi/reason.h"

/* ARRAY(field, map, type) */
#define VIEW_NAMES(ARRAY)                                   \
	ARRAY(node, mtlb_node, struct mtlb_node)            \
	ARRAY(tenants, mtlb_tenants, struct mtlb_tenant)    \
	ARRAY(services, mtlb_services, struct mtlb_service) \
	ARRAY(members, mtlb_members, struct mtlb_member)    \
	ARRAY(member_names, mtlb_member_names, struct mtlb_member_name)
#define VIEW_FIGURES(ARRAY)                                                      \
	ARRAY(reason_counters, mtlb_reason_counters, struct mtlb_reason_counter) \
	ARRAY(meters, mtlb_meters, struct mtlb_meter)                            \
	ARRAY(meter_times, mtlb_meter_times, struct mtlb_meter_time)             \
	ARRAY(share, mtlb_share, struct mtlb_share)

enum view_array {
#define ARRAY(field, map, type) VIEW_ARRAY_##field,
	VIEW_NAMES(ARRAY)
	VIEW_FIGURES(ARRAY)
#undef ARRAY
		VIEW_ARRAY_COUNT,
};

struct view {
	const char *directory;
#define ARRAY(field, map, type) const type *field;
	VIEW_NAMES(ARRAY)
	VIEW_FIGURES(ARRAY)
#undef ARRAY
};

/* Names alone; directory must outlive it. 0, or a negative errno and a sentence; -EPROTO: it is of
 * another ABI. */
int view_open(struct view *view, const char *directory, struct err *err);
/* The others as well. */
int view_open_figures(struct view *view, struct err *err);
void view_close(struct view *view);

/* The tenant of that name, 0: there is none. */
uint32_t view_find_tenant(const struct view *view, const char *name);
/* "acme"; "-" of the node itself, and NULL of a number that is nobody's. */
const char *view_tenant_name(const struct view *view, uint32_t tenant);
/* Of a service, its tenant; a service that is gone is the node's. */
uint32_t view_tenant_of(const struct view *view, uint32_t service);

#define VIEW_TEXT_MAX 192
/* "acme/web", "acme/web/10.1.0.21:80"; NULL when nothing has the number. */
const char *view_service_text(const struct view *view, uint32_t service, char text[VIEW_TEXT_MAX]);
const char *view_member_text(const struct view *view, uint32_t member, char text[VIEW_TEXT_MAX]);

/* As mtlb's API writes them. */
char *view_address_text(const struct mtlb_address *address, char text[]);
char *view_endpoint_text(const struct mtlb_address *address, __be16 port, char text[]);
const char *view_protocol_name(uint8_t protocol);
const char *view_flow_state_name(uint32_t state);

/* Sums over the CPUs' rows. */
struct mtlb_reason_counter view_sum_reason(const struct view *view, uint32_t tenant,
					   enum mtlb_reason reason);

#endif
