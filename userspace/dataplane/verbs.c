// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The verbs, the same for the kernel and for the fake: both are arrays in memory. */
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "../../bpf/core/encap.h"
#include "../../bpf/core/hash.h"
#include "internal.h"
#include "kept.h"
#include "words.h"

bool dataplane_adopted(const struct dataplane *dataplane)
{
	return dataplane->adopted;
}

const struct dataplane_view *dataplane_view(const struct dataplane *dataplane)
{
	return &dataplane->view;
}

int dataplane_program_fd(const struct dataplane *dataplane)
{
	return dataplane->program_fd;
}

void dataplane_close(struct dataplane *dataplane)
{
	if (!dataplane)
		return;
	kept_free(dataplane);
	dataplane->ops->close(dataplane);
}

int dataplane_attach(struct dataplane *dataplane, const char *interface, enum dataplane_mode mode,
		     struct dataplane_link *ret_link, struct err *err)
{
	return gate(dataplane) ?: dataplane->ops->attach(dataplane, interface, mode, ret_link, err);
}

int dataplane_detach_others(struct dataplane *dataplane, const struct dataplane_link *keep,
			    size_t count)
{
	return gate(dataplane) ?: dataplane->ops->detach_others(dataplane, keep, count);
}

static void put_entry(struct dataplane *dataplane, void *to, const void *from, size_t size)
{
	put_named(to, from, size);
	kept_write(dataplane, to, size);
}

static void put_words(struct dataplane *dataplane, void *to, const void *from, size_t size)
{
	store_words(to, from, size);
	kept_write(dataplane, to, size);
}

int dataplane_put_tenant(struct dataplane *dataplane, uint32_t index,
			 const struct mtlb_tenant *tenant)
{
	int error = gate(dataplane);

	if (!error)
		put_entry(dataplane, &dataplane->arrays.tenants[index], tenant, sizeof(*tenant));
	return error;
}

static void clear_meter(struct dataplane *dataplane, uint32_t index, int kind)
{
	const struct mtlb_node *node = dataplane->arrays.node;

	dataplane->arrays.meter_times[index].due[kind] = 0;
	for (uint32_t cpu = 0; cpu < node->cpus; cpu++)
		dataplane->arrays.leases[(size_t)cpu * node->tenants + index].left[kind] = 0;
}

/* What was sent ahead of time stays that many packets, due as the new rate says: else a tenant that
 * has just used a small rate up would wait by it for a large one. */
static void rescale_meter(uint64_t *due, uint64_t before, const struct mtlb_meter_rate *rate)
{
	uint64_t now, old, next;
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	now = ((uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec)
	      << MTLB_METER_TICK_SHIFT;
	do {
		unsigned __int128 ahead;

		old = *(volatile uint64_t *)due;
		if ((int64_t)(old - now) <= 0)
			return;
		ahead = (unsigned __int128)(old - now) * rate->interval / before;
		next = now + (ahead < rate->burst ? (uint64_t)ahead : rate->burst);
	} while (!__sync_bool_compare_and_swap(due, old, next));
}

int dataplane_put_meter(struct dataplane *dataplane, uint32_t index, const struct mtlb_meter *meter)
{
	struct mtlb_meter *to = &dataplane->arrays.meters[index], before = *to;
	const struct mtlb_node *node = dataplane->arrays.node;
	int error = gate(dataplane);

	if (error)
		return error;
	/* what another tenant left there is not this one's */
	for (int kind = 0; kind < MTLB_METER_KINDS; kind++)
		if (!before.rate[kind].interval && !(kind == MTLB_METER_PACKETS && before.weight))
			clear_meter(dataplane, index, kind);
	if (!before.guarantee.interval)
		dataplane->arrays.meter_times[index].guarantee_due = 0;
	if (!before.weight)
		dataplane->arrays.meter_times[index].share_due = 0;
	put_words(dataplane, to, meter, sizeof(*meter));
	for (int kind = 0; kind < MTLB_METER_KINDS; kind++)
		if (before.rate[kind].interval && meter->rate[kind].interval)
			rescale_meter((uint64_t *)&dataplane->arrays.meter_times[index].due[kind],
				      before.rate[kind].interval, &meter->rate[kind]);
	if (before.guarantee.interval && meter->guarantee.interval)
		rescale_meter((uint64_t *)&dataplane->arrays.meter_times[index].guarantee_due,
			      before.guarantee.interval, &meter->guarantee);
	for (uint32_t cpu = 0; cpu < node->cpus; cpu++)
		dataplane->arrays.leases[(size_t)cpu * node->tenants + index].unseen = 0;
	return 0;
}

int dataplane_put_share(struct dataplane *dataplane, const struct mtlb_share *share)
{
	struct mtlb_share *to = dataplane->arrays.share;
	uint64_t most = share->capacity << MTLB_FAIR_SHIFT;
	int error = gate(dataplane);

	if (error)
		return error;
	for (int i = 0; i < MTLB_CHARGES; i++)
		*(volatile __u32 *)&to->charge[i] = share->charge[i];
	if (!to->fair || to->fair > most)
		*(volatile __u64 *)&to->fair = most;
	*(volatile __u64 *)&to->interval = share->interval;
	*(volatile __u64 *)&to->capacity = share->capacity;
	kept_write(dataplane, to, offsetof(struct mtlb_share, fair));
	return 0;
}

int dataplane_put_defence(struct dataplane *dataplane, uint32_t tenant,
			  const struct mtlb_defence *defence)
{
	int error = gate(dataplane);

	if (!error)
		put_words(dataplane, &dataplane->arrays.defences[tenant], defence,
			  sizeof(*defence));
	return error;
}

int dataplane_put_service(struct dataplane *dataplane, uint32_t index,
			  const struct mtlb_service *service)
{
	int error = gate(dataplane);

	if (!error)
		put_entry(dataplane, &dataplane->arrays.services[index], service, sizeof(*service));
	return error;
}

int dataplane_put_service_times(struct dataplane *dataplane, uint32_t index, uint64_t changed_at,
				uint64_t learn_until)
{
	struct mtlb_service *service = &dataplane->arrays.services[index];
	int error = gate(dataplane);

	if (error)
		return error;
	*(volatile __u64 *)&service->changed_at = changed_at;
	*(volatile __u64 *)&service->learn_until = learn_until;
	kept_write(dataplane, &service->changed_at, sizeof(service->changed_at));
	kept_write(dataplane, &service->learn_until, sizeof(service->learn_until));
	return 0;
}

void dataplane_set_outer(struct mtlb_member *member, const struct mtlb_address *source,
			 const struct mtlb_address *destination)
{
	member->outer_source = *source;
	member->outer_destination = *destination;
	member->outer_csum = 0;
	if (member->encap == MTLB_ENCAP_IPV4 || member->encap == MTLB_ENCAP_GUE4)
		member->outer_csum = encap_ipv4_csum(source->word[3], destination->word[3]);
	else if (member->encap == MTLB_ENCAP_GUE6)
		member->outer_csum = encap_ipv6_csum(source, destination);
}

int dataplane_put_member(struct dataplane *dataplane, uint32_t index,
			 const struct mtlb_member *member, const struct mtlb_member_name *name)
{
	int error = gate(dataplane);

	if (error)
		return error;
	put_words(dataplane, &dataplane->arrays.members[index], member, sizeof(*member));
	put_entry(dataplane, &dataplane->arrays.member_names[index], name, sizeof(*name));
	return 0;
}

int dataplane_put_member_name(struct dataplane *dataplane, uint32_t index,
			      const struct mtlb_member_name *name)
{
	int error = gate(dataplane);

	if (!error)
		put_entry(dataplane, &dataplane->arrays.member_names[index], name, sizeof(*name));
	return error;
}

/*
 * The outer header of a member that packets meet is never changed under them: the member is closed
 * first, and for that moment its packets are dropped with a reason rather than sent with half of
 * each. One that is closed already may still be in the hands of a packet that saw it open, so the
 * first one to be opened again waits for those (closing). MAC addresses and interface need no such
 * care: each word is whole, and a mixture at worst reaches nobody.
 */
int dataplane_put_forwarding(struct dataplane *dataplane, uint32_t index,
			     const struct mtlb_member *member)
{
	struct mtlb_member *now = &dataplane->arrays.members[index], closed = *now;
	const size_t words = offsetof(struct mtlb_member, outer_source);
	bool was_open = !(now->flags & MTLB_MEMBER_NO_NEXT_HOP), opens, differs;
	int error = gate(dataplane);

	if (error)
		return error;
	opens = !(member->flags & MTLB_MEMBER_NO_NEXT_HOP);
	differs = now->encap != member->encap ||
		  memcmp((char *)now + words, (const char *)member + words, sizeof(*now) - words) !=
			  0;
	if (was_open && (differs || !opens)) {
		closed.flags |= MTLB_MEMBER_NO_NEXT_HOP;
		store_words((char *)now + 8, (char *)&closed + 8, 8);
		dataplane->closing = true;
	}
	if (differs && dataplane->closing) {
		error = dataplane->ops->grace(dataplane);
		if (error)
			return error;
		dataplane->closing = false;
	}
	store_words((char *)now + 16, (const char *)member + 16, sizeof(*now) - 16);
	store_words(now, member, 8);
	barrier_release();
	store_words((char *)now + 8, (const char *)member + 8, 8);
	kept_write(dataplane, now, sizeof(*now));
	return 0;
}

int dataplane_put_slots(struct dataplane *dataplane, uint32_t first, const uint32_t *slots,
			uint32_t count)
{
	struct mtlb_slot_line *to = &dataplane->arrays.slots[first / MTLB_SLOTS_PER_LINE];
	int error = gate(dataplane);

	if (error)
		return error;
	memcpy(to, slots, count * sizeof(*slots));
	kept_write(dataplane, to, count * sizeof(*slots));
	return 0;
}

int dataplane_put_slot(struct dataplane *dataplane, uint32_t at, uint32_t slot)
{
	struct mtlb_slot_line *line = &dataplane->arrays.slots[at / MTLB_SLOTS_PER_LINE];
	int error = gate(dataplane);

	if (error)
		return error;
	*(volatile __u32 *)&line->slot[at % MTLB_SLOTS_PER_LINE] = slot;
	kept_write(dataplane, &line->slot[at % MTLB_SLOTS_PER_LINE], sizeof(slot));
	return 0;
}

static void put_record(struct dataplane *dataplane, uint32_t index, const struct mtlb_vip *vip)
{
	put_words(dataplane, &dataplane->arrays.vips[index], vip, sizeof(*vip));
	barrier_release();
}

int dataplane_put_vip(struct dataplane *dataplane, uint32_t index, const struct mtlb_vip *vip)
{
	int error = gate(dataplane);

	if (error)
		return error;
	put_record(dataplane, index, vip);
	error = dataplane->ops->put_vip_key(dataplane, &vip->key, index);
	return error ?: kept_put_vip(dataplane, &vip->key, index);
}

int dataplane_put_record(struct dataplane *dataplane, uint32_t index, const struct mtlb_vip *vip)
{
	int error = gate(dataplane);

	if (!error)
		put_record(dataplane, index, vip);
	return error;
}

int dataplane_delete_vip(struct dataplane *dataplane, const struct mtlb_vip_key *key)
{
	const struct mtlb_vip_key copy = *key;
	int error = gate(dataplane) ?: dataplane->ops->delete_vip_key(dataplane, &copy);

	if (!error || error == -ENOENT)
		kept_delete_vip(dataplane, &copy);
	return error;
}

uint32_t dataplane_find_vip(const struct dataplane *dataplane, const struct mtlb_vip_key *key)
{
	return dataplane->ops->find_vip_key(dataplane, key);
}

int dataplane_each_vip(const struct dataplane *dataplane,
		       void (*each)(void *context, const struct mtlb_vip_key *key, uint32_t index),
		       void *context)
{
	return dataplane->ops->each_vip_key(dataplane, each, context);
}

int dataplane_put_port_lines(struct dataplane *dataplane, uint32_t index,
			     const struct mtlb_port_line *line)
{
	int error = gate(dataplane);

	if (!error)
		put_words(dataplane, &dataplane->arrays.port_lines[index], line, sizeof(*line));
	return error;
}

int dataplane_put_quic_id(struct dataplane *dataplane, const struct mtlb_quic_key *key,
			  uint32_t member)
{
	int error = gate(dataplane) ?: dataplane->ops->put_quic_id(dataplane, key, member);

	return error ?: kept_put_quic(dataplane, key, member);
}

int dataplane_delete_quic_id(struct dataplane *dataplane, const struct mtlb_quic_key *key)
{
	const struct mtlb_quic_key copy = *key; /* it may be the map's own, and go with the entry */
	int error = gate(dataplane) ?: dataplane->ops->delete_quic_id(dataplane, &copy);

	if (!error || error == -ENOENT)
		kept_delete_quic(dataplane, &copy);
	return error;
}

int dataplane_each_quic_id(const struct dataplane *dataplane,
			   void (*each)(void *context, const struct mtlb_quic_key *key,
					uint32_t member),
			   void *context)
{
	return dataplane->ops->each_quic_id(dataplane, each, context);
}

int dataplane_attach_probe(struct dataplane *dataplane, uint32_t ifindex)
{
	return gate(dataplane) ?: dataplane->ops->attach_probe(dataplane, ifindex);
}

int dataplane_probes_fd(const struct dataplane *dataplane)
{
	return dataplane->probes_fd;
}

int dataplane_probe_program_fd(const struct dataplane *dataplane)
{
	return dataplane->probe_program_fd;
}

int dataplane_put_interface(struct dataplane *dataplane, uint32_t ifindex)
{
	return gate(dataplane) ?: dataplane->ops->put_interface(dataplane, ifindex);
}

int dataplane_held_fd(const struct dataplane *dataplane)
{
	return dataplane->ops->held_fd(dataplane);
}

int dataplane_each_held(struct dataplane *dataplane,
			void (*each)(void *context, const struct mtlb_held *held), void *context)
{
	return dataplane->ops->each_held(dataplane, each, context);
}

int dataplane_events_fd(const struct dataplane *dataplane)
{
	return dataplane->ops->events_fd(dataplane);
}

int dataplane_each_event(struct dataplane *dataplane,
			 void (*each)(void *context, const struct mtlb_event *event), void *context)
{
	return dataplane->ops->each_event(dataplane, each, context);
}

int dataplane_put_back(struct dataplane *dataplane, uint32_t ifindex, const void *frame,
		       uint32_t length)
{
	return gate(dataplane) ?: dataplane->ops->put_back(dataplane, ifindex, frame, length);
}

int dataplane_clear_flows(struct dataplane *dataplane, uint32_t first, uint32_t count)
{
	int error = gate(dataplane);

	if (!error)
		memset(&dataplane->arrays.flows[first], 0, count * sizeof(struct mtlb_flow_bucket));
	return error;
}

static bool free_word(__u64 *word, uint64_t seen)
{
	__u64 expected = seen;

	return __atomic_compare_exchange_n(word, &expected, 0, false, __ATOMIC_RELAXED,
					   __ATOMIC_RELAXED);
}

bool dataplane_free_flow(struct dataplane *dataplane, uint32_t bucket, uint32_t place,
			 uint64_t seen)
{
	return free_word(&dataplane->arrays.flows[bucket].word[place], seen);
}

bool dataplane_free_fragment(struct dataplane *dataplane, uint32_t bucket, uint32_t place,
			     uint64_t seen)
{
	return free_word(&dataplane->arrays.fragments[bucket].word[place], seen);
}

bool dataplane_move_flow(struct dataplane *dataplane, uint32_t bucket, uint64_t word, uint64_t hash,
			 const struct mtlb_flow_facts *facts)
{
	for (uint32_t i = 0; i < MTLB_FLOWS_PER_BUCKET; i++) {
		__u64 *place = &dataplane->arrays.flows[bucket].word[i];
		__u64 expected = 0;

		if (mtlb_flow_tag(*place) == mtlb_flow_tag(word) && *place)
			return true;
		if (*place || !__atomic_compare_exchange_n(place, &expected, word, false,
							   __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			continue;
		dataplane->arrays.flows[bucket].hash[i] = hash;
		if (facts) {
			uint32_t position = bucket * MTLB_FLOWS_PER_BUCKET + i;

			dataplane->arrays.facts[position] = *facts;
			dataplane->arrays.facts[position].position = position;
		}
		return true;
	}
	return false;
}

/* A packet that sets a bit meanwhile has it taken now or next time. */
void dataplane_take_active(struct dataplane *dataplane, uint32_t tenant,
			   struct mtlb_active *ret_active)
{
	__u64 *from = &dataplane->arrays.active[tenant].column[0][0];
	__u64 *to = &ret_active->column[0][0];

	for (size_t i = 0; i < MTLB_ACTIVE_COLUMNS * MTLB_ACTIVE_WORDS; i++) {
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
		if (to[i])
			to[i] = __atomic_exchange_n(&from[i], 0, __ATOMIC_RELAXED);
	}
}

int dataplane_grace(struct dataplane *dataplane)
{
	return gate(dataplane) ?: dataplane->ops->grace(dataplane);
}

uint32_t dataplane_client_slot_hash(const struct dataplane *dataplane,
				    const struct mtlb_address *source)
{
	const struct mtlb_node *node = dataplane->view.node;
	bool ipv4 = !(source->word[0] | source->word[1]) && source->word[2] == core_be32(0xffff);

	return (uint32_t)hash_client(source, !ipv4, node->secret[0], node->secret[1]);
}

void dataplane_sum_member(const struct dataplane *dataplane, uint32_t member,
			  struct mtlb_member_counter *ret_sum)
{
	const struct mtlb_node *node = dataplane->view.node;

	*ret_sum = (struct mtlb_member_counter){};
	for (uint32_t cpu = 0; cpu < node->cpus; cpu++) {
		const struct mtlb_member_counter *row =
			&dataplane->view.member_counters[(size_t)cpu * node->members + member];

		ret_sum->packets += row->packets;
		ret_sum->bytes += row->bytes;
		ret_sum->new_flows += row->new_flows;
		ret_sum->reply_packets += row->reply_packets;
		ret_sum->reply_bytes += row->reply_bytes;
	}
}

static size_t reason_row(const struct mtlb_node *node, uint32_t cpu, uint32_t tenant)
{
	return ((size_t)cpu * node->tenants + tenant) * MTLB_REASONS_PER_TENANT;
}

void dataplane_sum_reason(const struct dataplane *dataplane, uint32_t tenant,
			  enum mtlb_reason reason, struct mtlb_reason_counter *ret_sum)
{
	const struct mtlb_node *node = dataplane->view.node;

	*ret_sum = (struct mtlb_reason_counter){};
	for (uint32_t cpu = 0; cpu < node->cpus; cpu++) {
		const struct mtlb_reason_counter *row =
			&dataplane->view.reason_counters[reason_row(node, cpu, tenant) + reason];

		ret_sum->packets += row->packets;
		ret_sum->bytes += row->bytes;
	}
}

void dataplane_sum_tenant(const struct dataplane *dataplane, uint32_t tenant,
			  struct mtlb_tenant_counter *ret_sum)
{
	const struct mtlb_node *node = dataplane->view.node;

	*ret_sum = (struct mtlb_tenant_counter){};
	for (uint32_t cpu = 0; cpu < node->cpus; cpu++)
		for (size_t i = 0; i < MTLB_COUNTER_COUNT; i++)
			ret_sum->value[i] +=
				dataplane->view
					.tenant_counters[(size_t)cpu * node->tenants + tenant]
					.value[i];
}

uint64_t dataplane_sum_crowded_events(const struct dataplane *dataplane)
{
	const struct mtlb_node *node = dataplane->view.node;
	uint64_t sum = 0;

	for (size_t i = 0; i < (size_t)node->cpus * node->tenants; i++)
		sum += dataplane->view.event_budgets[i].crowded;
	return sum;
}
