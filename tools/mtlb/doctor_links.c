// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "doctor.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINK_PREFIX "link_" /* and the index of the interface */

struct card {
	char driver[32];
	int mtu;
	bool up;
};

static void read_card(const char *interface, struct card *card)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq request = {};

	*card = (struct card){.driver = "unknown driver"};
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (!ioctl(fd, SIOCGIFMTU, &request))
		card->mtu = request.ifr_mtu;
	if (!ioctl(fd, SIOCGIFFLAGS, &request))
		card->up = request.ifr_flags & IFF_UP && request.ifr_flags & IFF_RUNNING;
	request.ifr_data = (char *)&info;
	if (!ioctl(fd, SIOCETHTOOL, &request))
		snprintf(card->driver, sizeof(card->driver), "%s", info.driver);
	close(fd);
}

void doctor_look_at_jit(struct doctor *doctor, uint32_t machine_code)
{
	if (!machine_code)
		doctor_say(doctor, "jit", DOCTOR_BAD,
			   "sysctl -w net.core.bpf_jit_enable=1, then start mtlbd again",
			   "The program is interpreted: many times slower.");
	else
		doctor_say(doctor, "jit", DOCTOR_OK, NULL, "The program is machine code.");
}

/* The ID of the program that is pinned, 0 after a finding. */
static uint32_t look_at_program(struct doctor *doctor)
{
	struct bpf_prog_info info = {};
	uint32_t size = sizeof(info);
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/program", doctor->directory);
	fd = bpf_obj_get(path);
	if (fd < 0 && errno == EPERM) {
		doctor_say(doctor, "program", DOCTOR_WARN, "ask again as root",
			   "%s may not be opened: whether it runs is not known.", path);
		return 0;
	}
	if (fd < 0) {
		doctor_say(doctor, "program", DOCTOR_BAD, "start mtlbd (systemctl start mtlbd)",
			   "No dataplane is pinned in %s: %s.", doctor->directory, strerror(errno));
		return 0;
	}
	if (bpf_obj_get_info_by_fd(fd, &info, &size)) {
		doctor_say(doctor, "program", DOCTOR_BAD, "start mtlbd again",
			   "The kernel does not know %s: %s.", path, strerror(errno));
		info.id = 0;
	} else {
		doctor_say(doctor, "program", DOCTOR_OK, NULL,
			   "The dataplane is loaded, as program %u.", info.id);
	}
	close(fd);
	if (info.id)
		doctor_look_at_jit(doctor, info.jited_prog_len);
	return info.id;
}

/* Two interfaces and replies that come by the other one: the kernel drops answers to checks. */
void doctor_look_at_rp_filter(struct doctor *doctor, const char *interface)
{
	int strictest = -1;

	for (int i = 0; i < 2; i++) {
		char path[128];
		FILE *file;
		int value;

		snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter",
			 i ? "all" : interface);
		file = doctor_open(doctor, path);
		if (file && fscanf(file, "%d", &value) == 1 && value > strictest)
			strictest = value;
		if (file)
			fclose(file);
	}
	if (strictest == 1)
		doctor_say(doctor, "rp_filter", DOCTOR_WARN,
			   "sysctl -w net.ipv4.conf.all.rp_filter=2, unless each answer comes back "
			   "by the interface its question left by",
			   "%s drops packets whose sender is routed by another interface: answers "
			   "to health checks may be among them.",
			   interface);
	else
		doctor_say(doctor, "rp_filter", DOCTOR_OK, NULL,
			   "%s takes answers whichever way their senders are routed.", interface);
}

/* Nobody else's program takes the place of a link's: where the interface of that number runs
 * another one, it is another interface. */
static bool is_elsewhere(const struct bpf_link_info *info)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	return !bpf_xdp_query((int)info->xdp.ifindex, 0, &query) &&
	       query.attach_mode != XDP_ATTACHED_MULTI && query.prog_id != info->prog_id;
}

static void look_at_mode(struct doctor *doctor, const char *interface, const struct card *card,
			 uint32_t ifindex, uint32_t program)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	if (bpf_xdp_query((int)ifindex, 0, &query)) {
		doctor_say(doctor, "interface", DOCTOR_WARN, NULL,
			   "%s: the kernel does not tell what is attached.", interface);
		return;
	}
	if (query.prog_id != program && query.attach_mode != XDP_ATTACHED_MULTI)
		doctor_say(doctor, "interface", DOCTOR_BAD, "start mtlbd again",
			   "%s (%s) runs program %u, not the dataplane's %u.", interface,
			   card->driver, query.prog_id, program);
	else if (query.attach_mode == XDP_ATTACHED_SKB)
		doctor_say(doctor, "interface", DOCTOR_WARN,
			   "set the interface to mode native if its driver can",
			   "%s (%s) runs the dataplane in generic mode: several times slower.",
			   interface, card->driver);
	else
		doctor_say(doctor, "interface", DOCTOR_OK, NULL,
			   "%s (%s, MTU %d) runs the dataplane in native mode.", interface,
			   card->driver, card->mtu);
}

static void look_at_link(struct doctor *doctor, const char *pin, uint32_t program)
{
	uint32_t ifindex = (uint32_t)strtoul(pin + strlen(LINK_PREFIX), NULL, 10);
	char interface[IF_NAMESIZE] = "", path[512];
	struct bpf_link_info info = {};
	uint32_t size = sizeof(info);
	struct doctor_link *link;
	struct card card;
	int fd;

	if_indextoname(ifindex, interface);
	snprintf(path, sizeof(path), "%s/%.255s", doctor->directory, pin);
	fd = bpf_obj_get(path);
	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) && info.xdp.ifindex &&
	    (!*interface || is_elsewhere(&info))) {
		doctor_say(
			doctor, "interface", DOCTOR_WARN,
			"ask again where mtlbd runs: nsenter --net=/proc/$(pidof mtlbd)/ns/net "
			"mtlb doctor",
			"Interface %u, which the dataplane is attached to, is of another network "
			"namespace: how it does is not known.",
			ifindex);
		close(fd);
		return;
	}
	if (fd < 0 || !info.xdp.ifindex) {
		doctor_say(doctor, "interface", DOCTOR_BAD,
			   "bring the interface back, or take it out of node.interfaces, and run "
			   "mtlb config apply",
			   "Interface %u is gone: the dataplane is attached to nothing there.",
			   ifindex);
		if (fd >= 0)
			close(fd);
		return;
	}
	close(fd);
	read_card(interface, &card);
	look_at_mode(doctor, interface, &card, ifindex, program);
	if (!card.up)
		doctor_say(doctor, "link", DOCTOR_BAD,
			   "ip link set INTERFACE up; look at the cable",
			   "%s is down: no packet comes in.", interface);
	else
		doctor_say(doctor, "link", DOCTOR_OK, NULL, "%s is up.", interface);
	doctor_look_at_rp_filter(doctor, interface);
	if (doctor->link_count == DOCTOR_LINKS_MAX)
		return;
	link = &doctor->links[doctor->link_count++];
	snprintf(link->interface, sizeof(link->interface), "%.15s", interface);
	link->mtu = card.mtu;
}

void doctor_look_at_links(struct doctor *doctor)
{
	uint32_t program = look_at_program(doctor);
	DIR *list = program ? opendir(doctor->directory) : NULL;
	struct dirent *entry;
	size_t found = 0;

	if (!program)
		return;
	while (list && (entry = readdir(list))) {
		if (strncmp(entry->d_name, LINK_PREFIX, strlen(LINK_PREFIX)) != 0)
			continue;
		look_at_link(doctor, entry->d_name, program);
		found++;
	}
	if (list)
		closedir(list);
	if (!found)
		doctor_say(doctor, "interface", DOCTOR_BAD,
			   "name the interfaces in node.interfaces, and run mtlb config apply",
			   "The dataplane is attached to no interface: it sees no packet.");
}
