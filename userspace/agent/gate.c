// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "gate.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../base/log.h"
#include "../model/digest.h"
#include "../model/tokens.h"
#include "agent.h"
#include "audit.h"

#define NS_PER_S       UINT64_C(1000000000)
#define WRITES_BURST_S 10
#define REFUSED_PER_S  1
#define REFUSED_BURST  20

static void take_token(const struct token *token, struct http_caller *caller)
{
	static const enum http_role roles[] = {
		[TOKEN_TENANT] = HTTP_ROLE_TENANT,
		[TOKEN_VIEWER] = HTTP_ROLE_VIEWER,
		[TOKEN_OPERATOR] = HTTP_ROLE_OPERATOR,
	};

	caller->role = roles[token->role];
	snprintf(caller->name, sizeof(caller->name), "%s", token->name);
	snprintf(caller->tenant, sizeof(caller->tenant), "%s", token->tenant);
}

/* A token counts even where root would be known: root can try what others may. */
static void identify(void *context, const struct http_credentials *credentials,
		     struct http_caller *ret_caller)
{
	const struct agent *agent = context;
	const struct tokens *tokens = agent->config.api.tokens;
	const char *common_name = credentials->bearer ? NULL : credentials->common_name;
	const struct token *token = NULL;

	*ret_caller = (struct http_caller){.role = HTTP_ROLE_NONE};
	snprintf(ret_caller->name, sizeof(ret_caller->name), "%s", credentials->peer);
	if (tokens && (credentials->bearer || common_name))
		token = tokens_find(tokens, credentials->bearer, common_name);
	if (token)
		take_token(token, ret_caller);
	else if (!credentials->bearer && credentials->local &&
		 (credentials->uid == 0 || credentials->uid == geteuid()))
		ret_caller->role = HTTP_ROLE_OPERATOR;
}

static const char *audit_path(const struct agent *agent)
{
	return agent->config.api.audit;
}

static int before(void *context, const struct http_request *request, struct err *err)
{
	struct agent *agent = context;
	char digest[DIGEST_TEXT_MAX];
	json_t *record;

	digest_text(request->text, request->length, digest);
	record = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "what", "asked", "who",
			   request->caller->name, "role", http_role_name(request->caller->role),
			   "method", request->method, "path", request->path, "bodySha256", digest);
	return audit_append(audit_path(agent), record, &agent->audited, err);
}

static void after(void *context, const struct http_request *request, int status)
{
	struct agent *agent = context;
	struct err err = {};
	json_t *record = json_pack("{s:s,s:I,s:i,s:I}", "what", "answered", "asked", agent->audited,
				   "status", status, "generation", (json_int_t)agent->generation);

	if (audit_append(audit_path(agent), record, NULL, &err))
		log_error("audit", "%s %s by %s ended with %d, but: %s", request->method,
			  request->path, request->caller->name, status, err.text);
}

/* A tenant's tool that runs wild must not keep the agent from everybody else's changes. */
static unsigned int wait(void *context, const struct http_request *request)
{
	const struct http_caller *caller = request->caller;
	struct agent *agent = context;
	uint32_t rate = agent->config.api.tenant_writes;
	uint64_t ns;

	if (caller->role != HTTP_ROLE_TENANT)
		return 0;
	ns = pace_take(&agent->writes, caller->tenant, rate, rate * WRITES_BURST_S,
		       loop_now(agent->loop));
	return (unsigned int)((ns + NS_PER_S - 1) / NS_PER_S);
}

/* Strangers could fill the disk with what they are refused: of each of the statuses some, and how
 * many are left out.
 */
static void refused(void *context, const struct http_request *request, int status)
{
	const struct http_caller *caller = request->caller;
	struct agent *agent = context;
	struct err err = {};
	json_t *record;
	char key[16];

	snprintf(key, sizeof(key), "%d", status);
	if (pace_take(&agent->refusals, key, REFUSED_PER_S, REFUSED_BURST, loop_now(agent->loop))) {
		agent->refused_unwritten++;
		return;
	}
	record = json_pack("{s:s,s:s,s:s,s:s,s:s,s:i,s:I}", "what", "refused", "who", caller->name,
			   "role", http_role_name(caller->role), "method", request->method, "path",
			   request->path, "status", status, "unwritten",
			   (json_int_t)agent->refused_unwritten);
	if (audit_append(audit_path(agent), record, NULL, &err))
		log_error("audit", "%s %s by %s was refused with %d, but: %s", request->method,
			  request->path, caller->name, status, err.text);
	else
		agent->refused_unwritten = 0;
}

const struct http_gate gate = {
	.identify = identify,
	.wait = wait,
	.refused = refused,
	.before = before,
	.after = after,
};
