// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Owns the interface, its routes and its rules in the kernel, and a list of the routes. */
#include "passage.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "../../base/log.h"
#include "../../sys/netlink_change.h"
#include "../../sys/sandbox.h"

struct path {
	struct addr vip;
	bool kept;
	UT_hash_handle hh;
};

struct passage {
	struct dataplane *dataplane;
	struct netlink_request *request;
	struct path *paths;
	char alias[NETLINK_ALIAS_MAX];
	char *user;
	uint32_t ifindex; /* 0: it is not there */
	struct err told;  /* the last thing that was wrong */
};

/* All packets of a family have one neighbour, which needs no answer: the dummy address of RFC 7600,
 * and a link-local one.
 */
static struct addr gateway_to(const struct addr *vip)
{
	struct addr gateway;

	addr_parse(addr_is_ipv4(vip) ? "192.0.0.8" : "fe80::1", &gateway);
	return gateway;
}

static void make_alias(const char *owner, char alias[NETLINK_ALIAS_MAX])
{
	snprintf(alias, NETLINK_ALIAS_MAX, "health checks of mtlbd --bpffs %.200s", owner);
}

/* Whose is the interface? 0: nobody's, there is none; 1: this owner's; -EEXIST: another one's. */
static int whose(struct netlink_request *request, const char *alias, struct err *err)
{
	char is[NETLINK_ALIAS_MAX];
	int error = netlink_alias(request, PASSAGE_INTERFACE, is);

	if (error)
		return error == -ENODEV ? 0
					: err_set(err, error, "cannot ask for interface %s: %s",
						  PASSAGE_INTERFACE, strerror(-error));
	if (strcmp(is, alias) == 0)
		return 1;
	return err_set(err, -EEXIST,
		       "interface " PASSAGE_INTERFACE
		       " is not this agent's (%s): remove it (`ip link "
		       "del " PASSAGE_INTERFACE "`), or give each agent a network namespace",
		       is[0] ? is : "it has no alias");
}

/* Where a family is off there are no rules either. */
static int each_family(struct netlink_request *request, const struct netlink_rule *rule)
{
	int error = 0;

	for (int ipv4 = 1; ipv4 >= 0 && !error; ipv4--) {
		error = rule ? netlink_add_rule(request, ipv4, rule)
			     : netlink_remove_rules(request, ipv4, PASSAGE_TABLE);
		if (!ipv4 && (error == -EAFNOSUPPORT || error == -EOPNOTSUPP))
			error = 0;
	}
	return error;
}

/* The routes go with the interface. */
static int take_down(struct netlink_request *request, const char *alias, struct err *err)
{
	int is = whose(request, alias, err), error = 0;

	if (is < 0)
		return is;
	if (is)
		error = netlink_remove_link(request, PASSAGE_INTERFACE);
	error = error ?: each_family(request, NULL);
	return error ? err_set(err, error, "cannot remove interface %s and its rules: %s",
			       PASSAGE_INTERFACE, strerror(-error))
		     : 0;
}

static int find_user(const struct passage *passage, uid_t *ret_uid)
{
	gid_t gid;

	*ret_uid = geteuid();
	return *ret_uid ? 0 : sandbox_find_user(passage->user, ret_uid, &gid);
}

static int set_rules(struct passage *passage)
{
	struct netlink_rule rule = {.priority = PASSAGE_PRIORITY, .table = PASSAGE_TABLE};
	int error = find_user(passage, &rule.user);

	return error ?: each_family(passage->request, &rule);
}

static int build(struct passage *passage)
{
	const struct netlink_pair pair = {.name = PASSAGE_INTERFACE,
					  .peer = PASSAGE_FAR,
					  .alias = passage->alias,
					  .mtu = PASSAGE_MTU};
	int error = netlink_add_pair(passage->request, &pair);

	error = error ?: dataplane_attach_probe(passage->dataplane, if_nametoindex(PASSAGE_FAR));
	error = error ?: netlink_set_up(passage->request, PASSAGE_FAR);
	error = error ?: netlink_set_up(passage->request, PASSAGE_INTERFACE);
	error = error ?: set_rules(passage);
	passage->ifindex = error ? 0 : if_nametoindex(PASSAGE_INTERFACE);
	return error;
}

static int put_up(struct passage *passage, struct err *err)
{
	int error = take_down(passage->request, passage->alias, err);

	if (error)
		return error;
	error = build(passage);
	if (!error)
		return 0;
	take_down(passage->request, passage->alias, NULL);
	return err_set(err, error, "cannot make interface %s: %s", PASSAGE_INTERFACE,
		       error == -EOPNOTSUPP || error == -ENOTSUP
			       ? "this kernel has no veth, or no XDP in generic mode"
			       : strerror(-error));
}

/* What is wrong again and again is said once. */
static void tell(struct passage *passage, const struct err *err)
{
	if (strcmp(passage->told.text, err->text) != 0)
		log_error("health", "no check can go by a VIP: %s", err->text);
	passage->told = *err;
}

static struct netlink_path path_to(const struct passage *passage, const struct addr *vip)
{
	return (struct netlink_path){.destination = *vip,
				     .gateway = gateway_to(vip),
				     .ifindex = passage->ifindex,
				     .table = PASSAGE_TABLE};
}

static int add_path(struct passage *passage, const struct addr *vip, struct err *err)
{
	struct netlink_path path = path_to(passage, vip);
	int error = netlink_add_path(passage->request, &path);
	char text[ADDR_TEXT_MAX];

	return error ? err_set(err, error, "cannot add a route to %s by %s: %s",
			       addr_format(vip, text), PASSAGE_INTERFACE, strerror(-error))
		     : 0;
}

static void forget(struct passage *passage, struct path *path)
{
	HASH_DEL(passage->paths, path);
	free(path);
}

static struct path *find(const struct passage *passage, const struct addr *vip)
{
	struct path *path;

	HASH_FIND(hh, passage->paths, vip, sizeof(*vip), path);
	return path;
}

static int remember(struct passage *passage, const struct addr *vip)
{
	struct path *path = calloc(1, sizeof(*path));

	if (!path)
		return -ENOMEM;
	path->vip = *vip;
	HASH_ADD(hh, passage->paths, vip, sizeof(path->vip), path);
	if (path->hh.tbl)
		return 0;
	free(path);
	return -ENOMEM;
}

int passage_use(struct passage *passage, const struct addr *vip, struct err *err)
{
	int error = passage->ifindex ? 0 : put_up(passage, err);

	if (!error && find(passage, vip))
		return 0;
	error = error ?: add_path(passage, vip, err);
	if (!error && remember(passage, vip))
		error = err_set(err, -ENOMEM, "out of memory");
	if (error)
		tell(passage, err);
	return error;
}

void passage_begin(struct passage *passage)
{
	for (struct path *path = passage->paths; path; path = path->hh.next)
		path->kept = false;
}

void passage_keep(struct passage *passage, const struct addr *vip)
{
	struct path *path = find(passage, vip);

	if (path)
		path->kept = true;
}

static void remove_all(struct passage *passage)
{
	struct err err = {};

	if (!passage->ifindex)
		return;
	passage->ifindex = 0;
	if (take_down(passage->request, passage->alias, &err))
		log_error("health", "%s", err.text);
}

void passage_end(struct passage *passage)
{
	struct path *path, *next;

	HASH_ITER (hh, passage->paths, path, next) {
		struct netlink_path route = path_to(passage, &path->vip);

		if (path->kept)
			continue;
		if (netlink_remove_path(passage->request, &route))
			log_error("health", "a route by %s cannot be removed", PASSAGE_INTERFACE);
		forget(passage, path);
	}
	if (!passage->paths)
		remove_all(passage);
}

static void build_anew(struct passage *passage)
{
	struct err err = {};
	struct path *path;
	int error;

	log_warn("health", "interface %s is gone: it is made anew", PASSAGE_INTERFACE);
	passage->ifindex = 0;
	error = put_up(passage, &err);
	for (path = passage->paths; path && !error; path = path->hh.next)
		error = add_path(passage, &path->vip, &err);
	if (!error)
		return;
	tell(passage, &err);
	while ((path = passage->paths))
		forget(passage, path);
	remove_all(passage);
}

void passage_look(struct passage *passage)
{
	int error;

	if (!passage->ifindex)
		return;
	if (if_nametoindex(PASSAGE_INTERFACE) != passage->ifindex) {
		build_anew(passage);
		return;
	}
	error = set_rules(passage);
	if (error)
		log_error("health", "cannot see to the rules of %s: %s", PASSAGE_INTERFACE,
			  strerror(-error));
}

int passage_open(struct dataplane *dataplane, const char *owner, const char *user,
		 struct passage **ret_passage)
{
	struct passage *passage = calloc(1, sizeof(*passage));
	struct err err = {};
	int error = passage ? netlink_request_new(&passage->request, &err) : -ENOMEM;

	if (error)
		goto failed;
	passage->dataplane = dataplane;
	passage->user = user ? strdup(user) : NULL;
	error = user && !passage->user ? -ENOMEM : 0;
	if (error)
		goto failed;
	make_alias(owner, passage->alias);
	/* another one's is a matter for whoever wants to use it */
	error = take_down(passage->request, passage->alias, &err);
	if (error && error != -EEXIST)
		log_error("health", "%s", err.text);
	*ret_passage = passage;
	return 0;

failed:
	passage_close(passage);
	return error;
}

void passage_close(struct passage *passage)
{
	struct path *path;

	if (!passage)
		return;
	while ((path = passage->paths))
		forget(passage, path);
	if (passage->request)
		remove_all(passage);
	netlink_request_free(passage->request);
	free(passage->user);
	free(passage);
}

int passage_remove(const char *owner, struct err *err)
{
	struct netlink_request *request = NULL;
	char alias[NETLINK_ALIAS_MAX];
	int error = netlink_request_new(&request, err);

	if (error)
		return error;
	make_alias(owner, alias);
	error = take_down(request, alias, err);
	netlink_request_free(request);
	return error == -EEXIST ? 0 : error;
}
