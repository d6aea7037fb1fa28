// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which interfaces the program is attached to. */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "../base/log.h"
#include "agent.h"

void agent_detach_others(struct agent *agent)
{
	int error = dataplane_detach_others(agent->dataplane, agent->links, agent->link_count);

	if (error)
		log_error("dataplane", "cannot detach from an interface: %s", strerror(-error));
}

static enum dataplane_mode mode_of(enum config_mode mode)
{
	return mode == CONFIG_MODE_NATIVE    ? DATAPLANE_MODE_NATIVE
	       : mode == CONFIG_MODE_GENERIC ? DATAPLANE_MODE_GENERIC
					     : DATAPLANE_MODE_AUTO;
}

int agent_attach(struct agent *agent, const struct config *config, struct err *err)
{
	struct dataplane_link *links = calloc(config->interface_count + 1, sizeof(*links));
	int error = links ? 0 : -ENOMEM;

	for (size_t i = 0; !error && i < config->interface_count; i++) {
		const struct config_interface *interface = &config->interfaces[i];
		const char *name = interface->name;
		bool known = false;

		error = dataplane_attach(agent->dataplane, name, mode_of(interface->mode),
					 &links[i], err);
		if (error) {
			err_prefix(err, "%s", interface->place);
			break;
		}
		for (size_t j = 0; j < agent->link_count; j++)
			known |= agent->links[j].ifindex == links[i].ifindex &&
				 agent->links[j].native == links[i].native;
		if (!known && links[i].native)
			log_info("dataplane", "%s: attached in native mode", name);
		else if (!known)
			log_warn("dataplane",
				 "%s: attached in generic mode, several times slower than native: "
				 "%s",
				 name, links[i].reason);
	}
	if (error) {
		free(links);
		return error;
	}
	free(agent->links);
	agent->links = links;
	agent->link_count = config->interface_count;
	return 0;
}

/* An interface that was removed and made anew has another index, and nothing attached. */
void agent_follow_interfaces(struct agent *agent)
{
	bool gone = false;
	struct err err = {};

	for (size_t i = 0; i < agent->link_count; i++) {
		uint32_t now = if_nametoindex(agent->links[i].interface);

		gone |= now && now != agent->links[i].ifindex;
	}
	if (!gone)
		return;
	if (!agent_attach(agent, &agent->config, &err))
		agent_detach_others(agent); /* the link that went with the old one */
	else if (strcmp(err.text, agent->attach_error.text) != 0)
		log_error("dataplane", "an interface was made anew: %s", err.text);
	agent->attach_error = err;
}
