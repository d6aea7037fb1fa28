// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "doctor.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "../lib/client.h"

#define FULL	    0.9 /* a share of a limit that is worth a word */
#define NAMED	    3	/* of many things that are wrong, so many are named */
#define CLIENTS_MTU 1500
#define NAMES	    256

/* Things of one kind that are wrong: the first few by name, and how many. */
struct these {
	char names[NAMES];
	size_t count;
};

static void add(struct these *these, const char *name)
{
	size_t used = strlen(these->names);

	if (these->count < NAMED)
		snprintf(these->names + used, sizeof(these->names) - used, "%s%.64s",
			 used ? ", " : "", name ? name : "?");
	else if (these->count == NAMED)
		snprintf(these->names + used, sizeof(these->names) - used, ", ...");
	these->count++;
}

static const char *text_of(const json_t *item, const char *key)
{
	const char *text = json_string_value(json_object_get(item, key));

	return text ? text : "";
}

static json_t *ask(struct doctor *doctor, const char *target)
{
	json_t *answer;
	struct err err = {};

	if (!client_ask(doctor->call->options->socket, target, NULL, &answer, &err))
		return answer;
	json_decref(answer);
	doctor_say(doctor, "agent", DOCTOR_WARN, NULL, "The agent does not answer %s: %s.", target,
		   err.text);
	return NULL;
}

static void look_at_prober(struct doctor *doctor, const json_t *node)
{
	const json_t *health = json_object_get(node, "health");
	const char *state = text_of(json_object_get(health, "prober"), "state");

	if (!json_integer_value(json_object_get(health, "probes")))
		doctor_say(doctor, "prober", DOCTOR_OK, NULL, "No health checks are configured.");
	else if (!strcmp(state, "runs"))
		doctor_say(doctor, "prober", DOCTOR_OK, NULL, "Health checks are made.");
	else
		doctor_say(
			doctor, "prober", DOCTOR_BAD,
			"look into mtlbd's log for why mtlb-prober ends",
			"The prober does not answer (%s): backends keep the states they had.%s%s",
			state,
			*text_of(json_object_get(health, "prober"), "lastEnd") ? " The last one "
									       : "",
			text_of(json_object_get(health, "prober"), "lastEnd"));
}

static void look_at_configuration(struct doctor *doctor, const json_t *node)
{
	const json_t *config = json_object_get(node, "config");
	const char *error = text_of(config, "lastError");

	if (*error)
		doctor_say(doctor, "config", DOCTOR_BAD,
			   "mtlb config check tells all errors; mtlb config apply when it is right",
			   "What runs is older than the files, which are wrong: %s", error);
	else
		doctor_say(doctor, "config", DOCTOR_OK, NULL, "%s was loaded.",
			   text_of(config, "path"));
}

static void look_at_limits(struct doctor *doctor, const json_t *node)
{
	json_t *limits = json_object_get(node, "capacity"), *limit;
	struct these full = {}, near = {};
	const char *name;

	json_object_foreach (limits, name, limit) {
		double used = json_number_value(json_object_get(limit, "used"));
		double max = json_number_value(json_object_get(limit, "max"));

		if (max > 0 && used >= max * FULL)
			add(used >= max ? &full : &near, name);
	}
	if (full.count)
		doctor_say(doctor, "capacity", DOCTOR_WARN,
			   "raise node.capacity, and make the dataplane anew",
			   "Nothing more fits into: %s.", full.names);
	if (near.count)
		doctor_say(doctor, "capacity", DOCTOR_WARN,
			   "raise node.capacity, and make the dataplane anew",
			   "More than nine tenths are used of: %s.", near.names);
	if (!full.count && !near.count)
		doctor_say(doctor, "capacity", DOCTOR_OK, NULL, "There is room in every table.");
}

static void look_at_drift(struct doctor *doctor)
{
	json_t *drift = ask(doctor, "/v1/node/drift");
	size_t count = json_array_size(json_object_get(drift, "changes"));

	if (drift && count)
		doctor_say(doctor, "drift", DOCTOR_BAD,
			   "mtlb node drift lists it, mtlb node "
			   "repair puts it right",
			   "Somebody else wrote to the dataplane's maps, in %zu places.", count);
	else if (drift)
		doctor_say(doctor, "drift", DOCTOR_OK, NULL,
			   "The maps are as the agent wrote them.");
	json_decref(drift);
}

static void look_at_flows(struct doctor *doctor)
{
	json_t *answer = ask(doctor, "/v1/tenants"), *tenant;
	struct these near = {};
	size_t i;

	json_array_foreach (json_object_get(answer, "items"), i, tenant) {
		const json_t *flows = json_object_get(tenant, "flows");
		double max = json_number_value(json_object_get(flows, "max"));

		if (max > 0 && json_number_value(json_object_get(flows, "used")) >= max * FULL)
			add(&near, text_of(tenant, "name"));
	}
	if (near.count)
		doctor_say(doctor, "flows", DOCTOR_WARN, "raise l4.flows of the tenant's tier",
			   "The flow table is nearly full for %zu tenants: %s.", near.count,
			   near.names);
	else if (answer)
		doctor_say(doctor, "flows", DOCTOR_OK, NULL,
			   "Every tenant has room for more flows.");
	json_decref(answer);
}

static void look_at_services(struct doctor *doctor, const json_t *services)
{
	struct these empty = {};
	const json_t *service;
	char name[160];
	size_t i;

	json_array_foreach (json_object_get(services, "items"), i, service) {
		const json_t *members = json_object_get(service, "members");

		if (json_integer_value(json_object_get(members, "up")))
			continue;
		snprintf(name, sizeof(name), "%.70s/%.70s", text_of(service, "tenant"),
			 text_of(service, "name"));
		add(&empty, name);
	}
	if (empty.count)
		doctor_say(doctor, "members", DOCTOR_BAD,
			   "mtlb health list tells what checks say, mtlb backend list states",
			   "%zu services have no backend that is up: %s.", empty.count,
			   empty.names);
	else
		doctor_say(doctor, "members", DOCTOR_OK, NULL,
			   "Every service has a backend that is up.");
}

static const json_t *service_of(const json_t *services, const json_t *backend)
{
	const json_t *service;
	size_t i;

	json_array_foreach (json_object_get(services, "items"), i, service)
		if (!strcmp(text_of(service, "tenant"), text_of(backend, "tenant")) &&
		    !strcmp(text_of(service, "name"), text_of(backend, "service")))
			return service;
	return NULL;
}

/* Bytes that go before a packet on its way to a member. */
static int overhead(const char *forward, const char *member)
{
	int outer = strchr(member, ':') ? 40 : 20;

	if (!strcmp(forward, "ipip"))
		return outer;
	return !strcmp(forward, "gue") ? outer + 8 : 0;
}

/* That clients send: an interface with room for outer headers takes more than they have. */
static int largest_packet(const struct doctor *doctor)
{
	int mtu = 0;

	for (size_t i = 0; i < doctor->link_count; i++)
		if (doctor->links[i].mtu > mtu)
			mtu = doctor->links[i].mtu;
	return mtu < CLIENTS_MTU ? mtu : CLIENTS_MTU;
}

static void look_at_ways(struct doctor *doctor, const json_t *services)
{
	json_t *answer = ask(doctor, "/v1/backends"), *backend;
	struct these unreachable = {}, narrow = {};
	int mtu = largest_packet(doctor), smallest = 0;
	char name[128];
	size_t i;

	json_array_foreach (json_object_get(answer, "items"), i, backend) {
		const json_t *hop = json_object_get(backend, "nextHop");
		const char *forward = text_of(service_of(services, backend), "forward");
		int room = (int)json_integer_value(json_object_get(hop, "mtu")) -
			   overhead(forward, text_of(backend, "address"));

		if (!strcmp(text_of(backend, "state"), "gone") || !strcmp(forward, "local"))
			continue;
		snprintf(name, sizeof(name), "%.48s (%.32s)", text_of(backend, "address"),
			 text_of(hop, "status"));
		if (strcmp(text_of(hop, "status"), "ok") != 0) {
			add(&unreachable, name);
		} else if (room < mtu) {
			add(&narrow, text_of(backend, "address"));
			smallest = !smallest || room < smallest ? room : smallest;
		}
	}
	if (unreachable.count)
		doctor_say(doctor, "next-hops", DOCTOR_BAD,
			   "ip route get ADDRESS, ip neigh: is there a route, does its neighbour "
			   "answer?",
			   "There is no way to %zu backends: %s.", unreachable.count,
			   unreachable.names);
	else if (answer)
		doctor_say(doctor, "next-hops", DOCTOR_OK, NULL,
			   "The way to every backend is known.");
	if (narrow.count)
		doctor_say(doctor, "mtu", DOCTOR_WARN,
			   "raise the MTU of the way to the members, or set the services' mss",
			   "Packets come in with up to %d bytes, of which %d fit on the way to %s "
			   "(%zu in all).",
			   mtu, smallest, narrow.names, narrow.count);
	else if (answer && mtu)
		doctor_say(doctor, "mtu", DOCTOR_OK, NULL,
			   "What comes in fits the ways to the members, outer headers included.");
	json_decref(answer);
}

/* The interface of this host that has the address, NULL: none. */
static const char *interface_with(const struct ifaddrs *list, const char *address)
{
	for (; list; list = list->ifa_next) {
		const struct sockaddr *at = list->ifa_addr;
		char text[INET6_ADDRSTRLEN] = "";

		if (at && at->sa_family == AF_INET)
			inet_ntop(AF_INET, &((const struct sockaddr_in *)at)->sin_addr, text,
				  sizeof(text));
		else if (at && at->sa_family == AF_INET6)
			inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)at)->sin6_addr, text,
				  sizeof(text));
		if (*text && !strcmp(text, address))
			return list->ifa_name;
	}
	return NULL;
}

/* The services of forward: local want just that. */
static bool is_meant_to_be_local(const json_t *services, const json_t *vip)
{
	const json_t *service = service_of(services, vip);

	return !strcmp(text_of(service, "forward"), "local");
}

/* On another port or protocol. */
static bool has_local_port(const json_t *services, const json_t *vips, const char *address)
{
	const json_t *vip;
	size_t i;

	json_array_foreach (vips, i, vip)
		if (!strcmp(text_of(vip, "address"), address) &&
		    is_meant_to_be_local(services, vip))
			return true;
	return false;
}

static void look_at_local(struct doctor *doctor, const struct these *missing)
{
	if (missing->count)
		doctor_say(doctor, "local", DOCTOR_WARN, "ip addr add ADDRESS dev lo",
			   "VIPs of services with forward: local, or of listeners, are no "
			   "addresses of "
			   "this host, which nobody gets an answer from: %s.",
			   missing->names);
	else
		doctor_say(doctor, "local", DOCTOR_OK, NULL,
			   "All VIPs that this host serves itself are addresses of it.");
}

static void look_at_vips(struct doctor *doctor, const json_t *services)
{
	json_t *answer = ask(doctor, "/v1/vips"), *vip;
	struct ifaddrs *list = NULL;
	struct these local = {}, missing = {};
	char name[128];
	size_t i;

	if (!answer || getifaddrs(&list)) {
		json_decref(answer);
		return;
	}
	json_array_foreach (json_object_get(answer, "items"), i, vip) {
		const char *interface = interface_with(list, text_of(vip, "address"));

		snprintf(name, sizeof(name), "%.48s (on %.16s)", text_of(vip, "address"),
			 interface ? interface : "");
		if (interface && !strstr(local.names, name) &&
		    !has_local_port(services, json_object_get(answer, "items"),
				    text_of(vip, "address")))
			add(&local, name);
		snprintf(name, sizeof(name), "%.48s", text_of(vip, "address"));
		if (!interface && is_meant_to_be_local(services, vip) &&
		    !strstr(missing.names, name))
			add(&missing, name);
	}
	freeifaddrs(list);
	json_decref(answer);
	if (local.count)
		doctor_say(doctor, "vips", DOCTOR_WARN,
			   "ip addr del ADDRESS dev INTERFACE; only forward: local wants it there",
			   "VIPs are addresses of this host as well, which then talks to itself "
			   "instead of to the members: %s.",
			   local.names);
	else
		doctor_say(doctor, "vips", DOCTOR_OK, NULL,
			   "No VIP that is forwarded is an address of this host.");
	look_at_local(doctor, &missing);
}

void doctor_look_at_agent(struct doctor *doctor)
{
	struct err err = {};
	json_t *node, *services;

	if (client_ask(doctor->call->options->socket, "/v1/node", NULL, &node, &err)) {
		json_decref(node);
		doctor_say(doctor, "agent", DOCTOR_BAD,
			   "start mtlbd (systemctl start mtlbd); until then nothing changes, and "
			   "no backend that fails is taken out",
			   "%s.", err.text);
		return;
	}
	doctor_say(doctor, "agent", DOCTOR_OK, NULL, "mtlbd %s answers.", text_of(node, "version"));
	look_at_configuration(doctor, node);
	look_at_prober(doctor, node);
	look_at_limits(doctor, node);
	json_decref(node);
	look_at_drift(doctor);
	look_at_flows(doctor);
	services = ask(doctor, "/v1/services");
	if (!services)
		return;
	look_at_services(doctor, services);
	look_at_ways(doctor, services);
	look_at_vips(doctor, services);
	json_decref(services);
}
