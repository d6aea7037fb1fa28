// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Single objects of the configuration: read, put, deleted, adopted, released. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../changes.h"
#include "report.h"

/* The parameters of the paths in routes.def stand for the parts of an object in this order. */
static struct edit_object object_of(const struct http_request *request)
{
	struct edit_object object = {.kind = (enum edit_kind)request->route->tag};

	switch (object.kind) {
	case EDIT_VIP:
	case EDIT_TIER:
		object.name = request->params[0];
		break;
	case EDIT_BACKEND:
		object.backend = request->params[2];
		/* fallthrough */
	case EDIT_POOL:
	case EDIT_SERVICE:
		object.name = request->params[1];
		/* fallthrough */
	default:
		object.tenant = request->params[0];
	}
	return object;
}

static bool ends_with(const char *path, const char *end)
{
	size_t length = strlen(path), size = strlen(end);

	return length > size && !strcmp(path + length - size, end);
}

static enum edit_verb verb_of(const struct http_request *request)
{
	if (!strcmp(request->method, "PUT"))
		return EDIT_PUT;
	if (!strcmp(request->method, "DELETE"))
		return EDIT_DELETE;
	return ends_with(request->route->path, "/adopt") ? EDIT_ADOPT : EDIT_RELEASE;
}

void report_refuse(struct http_reply *reply, int code, const struct config_errors *errors,
		   const struct err *err)
{
	static const struct {
		int code, status;
		const char *title;
	} kinds[] = {
		{-EINVAL, 400, "The configuration was not taken"},
		{-ENOENT, 404, "Not Found"},
		{-EEXIST, 412, "Precondition Failed"},
		{-ESTALE, 412, "Precondition Failed"},
		{-EBUSY, 409, "Conflict"},
		{-EOPNOTSUPP, 409, "Conflict"},
		{-ENOSPC, 507, "Insufficient Storage"},
		{-EDQUOT, 507, "Insufficient Storage"},
	};
	const char *title = "Internal Server Error";
	json_t *list = json_array();
	int status = 500;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].code == code) {
			status = kinds[i].status;
			title = kinds[i].title;
		}
	for (size_t i = 0; code == -EINVAL && i < errors->count; i++)
		json_array_append_new(
			list, json_pack("{s:s,s:i,s:i,s:s}", "file", errors->list[i].file, "line",
					errors->list[i].line, "column", errors->list[i].column,
					"text", errors->list[i].text));
	http_problem(reply, status, title, err->text);
	if (json_array_size(list))
		json_object_set_new(reply->body, "errors", list);
	else
		json_decref(list);
}

json_t *report_changes(char **lines, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(lines[i]));
	return list;
}

int report_object(void *context, const struct http_request *request, struct http_reply *reply)
{
	struct agent *agent = context;
	struct edit_object object = object_of(request);
	struct config_errors errors = {};
	struct edit_view view;
	struct err err = {};
	int error = edit_read(agent->options.config, &object, &view, &errors);

	if (error == -ENOENT) {
		http_problem(reply, 404, "Not Found", "there is no such object");
	} else if (error) {
		err_set(&err, error, "a file of the configuration cannot be read");
		report_refuse(reply, error, &errors, &err);
	} else {
		reply->body = json_loads(view.text, 0, NULL);
		memcpy(reply->etag, view.etag, sizeof(view.etag));
		error = reply->body ? 0 : -ENOMEM;
	}
	edit_view_fini(&view);
	config_errors_fini(&errors);
	return reply->body ? 0 : error;
}

static bool read_conditions(const struct http_request *request, struct edit *edit,
			    struct http_reply *reply)
{
	edit->if_match = request->if_match;
	edit->if_none = request->if_none_match != NULL;
	if (!edit->if_none || !strcmp(request->if_none_match, "*"))
		return true;
	http_problem(reply, 400, "Bad Request", "If-None-Match may only be * with this method");
	return false;
}

/* What is wrong with other people's files is not a tenant's to know. */
static void hide_others(const struct http_request *request, const char *own,
			struct config_errors *errors, struct err *err)
{
	size_t kept = 0;

	if (request->caller->role != HTTP_ROLE_TENANT)
		return;
	for (size_t i = 0; i < errors->count; i++) {
		struct config_error *error = &errors->list[i];

		if (!strcmp(error->file, "body") || (own && !strcmp(error->file, own))) {
			struct config_error mine = *error;

			*error = errors->list[kept];
			errors->list[kept++] = mine;
		}
	}
	for (size_t i = kept; i < errors->count; i++) {
		free(errors->list[i].file);
		free(errors->list[i].text);
	}
	errors->count = kept;
	if (kept)
		config_error_format(&errors->list[0], err->text, sizeof(err->text));
	else
		err_set(err, -EINVAL,
			"the node's configuration has errors elsewhere; its operator must mend "
			"them first");
}

int report_edit(void *context, const struct http_request *request, struct http_reply *reply)
{
	struct agent *agent = context;
	struct edit edit = {
		.object = object_of(request),
		.verb = verb_of(request),
		.body = request->text,
		.length = request->length,
	};
	struct config_errors errors = {};
	struct edit_result result = {};
	struct err err = {};
	char **lines = NULL;
	size_t count = 0;
	bool stored;
	int error;

	if (!read_conditions(request, &edit, reply))
		return 0;
	error = agent_edit(agent, &edit, &result, &lines, &count, &stored, &errors, &err);
	if (error) {
		if (error == -EINVAL)
			hide_others(request, result.path, &errors, &err);
		report_refuse(reply, stored ? -EIO : error, &errors, &err);
	} else {
		reply->body = json_pack("{s:o,s:I}", "changes", report_changes(lines, count),
					"generation", (json_int_t)agent->generation);
		if (edit.verb == EDIT_PUT && result.created)
			reply->status = 201;
		if (edit.verb == EDIT_PUT)
			memcpy(reply->etag, result.etag, sizeof(result.etag));
	}
	changes_free(lines, count);
	config_errors_fini(&errors);
	edit_result_fini(&result);
	return 0;
}
