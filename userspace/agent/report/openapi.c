// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The description of the API as OpenAPI 3.1, made of the table of routes and of the schema of the
 * configuration, so that it cannot say anything else than they do.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../base/version.h"
#include "../../model/schema.h"
#include "report.h"

static json_t *reference(const char *id)
{
	char text[96];

	snprintf(text, sizeof(text), "#/components/schemas/%s", id);
	return json_pack("{s:s}", "$ref", text);
}

/* schemas of the configuration */

static json_t *choices(const struct schema_row *row)
{
	json_t *words = json_array();
	const char *word = row->choices;

	if (!strcmp(row->choices, "false|true")) {
		json_decref(words);
		return json_pack("{s:s}", "type", "boolean");
	}
	while (*word) {
		size_t length = strcspn(word, "|");

		json_array_append_new(words, json_stringn(word, length));
		word += length + (word[length] != 0);
	}
	return json_pack("{s:s,s:o}", "type", "string", "enum", words);
}

static json_t *value_schema(const struct schema_row *row)
{
	switch (row->type) {
	case SCHEMA_TYPE_NUMBER:
		return json_pack("{s:s,s:I,s:I}", "type", "integer", "minimum",
				 (json_int_t)row->min, "maximum", (json_int_t)row->max);
	case SCHEMA_TYPE_RATE:
		if (row->child)
			return json_pack("{s:[{s:[ss]},o]}", "oneOf", "type", "string", "integer",
					 reference(schema_objects[row->child].id));
		/* fallthrough */
	case SCHEMA_TYPE_COUNT:
	case SCHEMA_TYPE_PORTS:
		return json_pack("{s:[ss]}", "type", "string", "integer");
	case SCHEMA_TYPE_CHOICE:
		return choices(row);
	case SCHEMA_TYPE_LABELS:
		return json_pack("{s:s,s:{s:s}}", "type", "object", "additionalProperties", "type",
				 "string");
	case SCHEMA_TYPE_OBJECT:
		return reference(schema_objects[row->child].id);
	default:
		return json_pack("{s:s}", "type", "string");
	}
}

static json_t *key_schema(const struct schema_row *row)
{
	json_t *schema = value_schema(row);

	if (row->list)
		schema = json_pack("{s:s,s:o,s:I}", "type", "array", "items", schema, "minItems",
				   (json_int_t)row->at_least);
	json_object_set_new(schema, "description", json_string(row->sentence));
	if (row->fallback)
		json_object_set_new(schema, "default", json_string(row->fallback));
	return schema;
}

/* The header of a document is not part of what is sent; a name is part of the path as well. */
static bool is_left_out(const struct schema_row *row)
{
	return row->object == SCHEMA_OBJECT_tenant_config &&
	       (!strcmp(row->key, "apiVersion") || !strcmp(row->key, "kind") ||
		!strcmp(row->key, "metadata"));
}

static json_t *object_schema(enum schema_object object)
{
	json_t *properties = json_object(), *required = json_array(), *schema;

	for (int i = 0; i < SCHEMA_KEYS; i++) {
		const struct schema_row *row = &schema_rows[i];

		if (row->object != object || is_left_out(row))
			continue;
		json_object_set_new(properties, row->key, key_schema(row));
		if (row->required && strcmp(row->key, "name"))
			json_array_append_new(required, json_string(row->key));
	}
	if (object == SCHEMA_OBJECT_tenant) {
		/* what only the API's form of it has */
		json_object_set_new(properties, "config", reference("tenant_config"));
		json_object_set_new(
			properties, "vips",
			json_pack(
				"{s:s,s:{s:[{s:s},o]},s:s}", "type", "array", "items", "oneOf",
				"type", "string", reference("vip"), "description",
				"VIPs granted to it, by name; those that are spelled out are made, "
				"and go with it."));
	}
	schema = json_pack("{s:s,s:s,s:o,s:b}", "type", "object", "description",
			   schema_objects[object].sentence, "properties", properties,
			   "additionalProperties", 0);
	if (json_array_size(required))
		json_object_set(schema, "required", required);
	json_decref(required);
	return schema;
}

static json_t *schemas(void)
{
	json_t *all = json_object();

	for (int object = 0; object < SCHEMA_OBJECTS; object++)
		json_object_set_new(all, schema_objects[object].id,
				    object_schema((enum schema_object)object));
	json_object_set_new(all, "problem",
			    json_pack("{s:s,s:s,s:{s:{s:s},s:{s:s},s:{s:s},s:{s:s},s:{s:s}}}",
				      "type", "object", "description", "RFC 9457", "properties",
				      "type", "type", "string", "title", "type", "string", "status",
				      "type", "integer", "detail", "type", "string", "errors",
				      "type", "array"));
	json_object_set_new(all, "changed",
			    json_pack("{s:s,s:{s:{s:s,s:{s:s},s:s},s:{s:s,s:s}}}", "type", "object",
				      "properties", "changes", "type", "array", "items", "type",
				      "string", "description", "What was done, a line each.",
				      "generation", "type", "integer", "description",
				      "Counts the configurations applied."));
	return all;
}

/* paths */

static const struct {
	const char *path, *name, *sentence;
} queries[] = {
#define QUERY(path, name, sentence) {path, name, sentence},
#include "routes.def"
};

static json_t *parameters(const struct http_route *route)
{
	json_t *list = json_array();

	for (const char *at = strchr(route->path, '{'); at; at = strchr(at + 1, '{'))
		json_array_append_new(list, json_pack("{s:s%,s:s,s:b,s:{s:s}}", "name", at + 1,
						      strcspn(at + 1, "}"), "in", "path",
						      "required", 1, "schema", "type", "string"));
	if (route->schema && strcmp(route->method, "GET"))
		json_array_append_new(
			list, json_pack("{s:s,s:s,s:{s:s},s:s}", "name", "If-Match", "in", "header",
					"schema", "type", "string", "description",
					"Only if the object still has this ETag; else 412."));
	if (route->schema && !strcmp(route->method, "PUT"))
		json_array_append_new(
			list, json_pack("{s:s,s:s,s:{s:s},s:s}", "name", "If-None-Match", "in",
					"header", "schema", "type", "string", "description",
					"*: only if there is no such object yet; else 412."));
	if (route->need == HTTP_NEED_ITEMS)
		json_array_append_new(list, json_pack("{s:s,s:s,s:{s:s}}", "name", "tenant", "in",
						      "query", "schema", "type", "string"));
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++)
		if (!strcmp(route->path, queries[i].path))
			json_array_append_new(list, json_pack("{s:s,s:s,s:{s:s},s:s}", "name",
							      queries[i].name, "in", "query",
							      "schema", "type", "string",
							      "description", queries[i].sentence));
	return list;
}

static json_t *problem(const char *description)
{
	return json_pack("{s:s,s:{s:{s:o}}}", "description", description, "content",
			 "application/problem+json", "schema", reference("problem"));
}

static json_t *content(const char *description, json_t *schema)
{
	return json_pack("{s:s,s:{s:{s:o}}}", "description", description, "content",
			 "application/json", "schema", schema);
}

static json_t *texts(const struct http_route *route)
{
	json_t *kinds = json_object();

	for (size_t i = 0; route->types[i]; i++)
		json_object_set_new(kinds, route->types[i],
				    json_pack("{s:{s:s}}", "schema", "type", "string"));
	return json_pack("{s:s,s:o}", "description", "It.", "content", kinds);
}

static json_t *responses(const struct http_route *route)
{
	bool read = !strcmp(route->method, "GET");
	json_t *all = json_object();

	if (route->types)
		json_object_set_new(all, "200", texts(route));
	else if (read)
		json_object_set_new(all, "200",
				    content("It.", route->schema
							   ? reference(route->schema)
							   : json_pack("{s:s}", "type", "object")));
	else
		json_object_set_new(all, "200", content("Done.", reference("changed")));
	if (!strcmp(route->method, "PUT"))
		json_object_set_new(all, "201", content("Made.", reference("changed")));
	if (!read) {
		json_object_set_new(all, "400", problem("What was sent is wrong."));
		json_object_set_new(all, "409", problem("A file has it; or it is in use."));
		json_object_set_new(all, "412", problem("It is not what the condition says."));
		json_object_set_new(all, "503", problem("The audit log cannot be written."));
	}
	if (route->need == HTTP_NEED_ITEMS) {
		json_object_set_new(all, "400", problem("A parameter is wrong."));
		json_object_set_new(all, "503", problem("It cannot be told now."));
	}
	json_object_set_new(all, "401", problem("Nobody knows who asks."));
	json_object_set_new(all, "403", problem("The role may not do this."));
	if (route->need == HTTP_NEED_TENANT_WRITES)
		json_object_set_new(all, "429", problem("Too many changes by this tenant."));
	if (strchr(route->path, '{'))
		json_object_set_new(all, "404", problem("There is no such thing."));
	return all;
}

static json_t *roles(const struct http_route *route)
{
	switch (route->need) {
	case HTTP_NEED_OPERATOR:
		return json_pack("[s]", "operator");
	case HTTP_NEED_VIEWER:
		return json_pack("[ss]", "operator", "viewer");
	case HTTP_NEED_TENANT_WRITES:
		return json_pack("[ss]", "operator", "tenant");
	default:
		return json_pack("[sss]", "operator", "viewer", "tenant");
	}
}

static json_t *operation(const struct http_route *route)
{
	json_t *made = json_pack("{s:s,s:o,s:o,s:o}", "summary", route->summary, "parameters",
				 parameters(route), "responses", responses(route), "x-mtlb-roles",
				 roles(route));
	char id[160];
	size_t used = (size_t)snprintf(id, sizeof(id), "%s", route->method);

	for (char *at = id; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	for (const char *at = route->path + (strncmp(route->path, "/v1/", 4) ? 0 : 3);
	     *at && used < sizeof(id) - 1; at++)
		if (isalnum((unsigned char)*at) || *at == '/')
			id[used++] = *at == '/' ? '_' : *at;
	id[used] = 0;
	json_object_set_new(made, "operationId", json_string(id));
	if (route->schema && !strcmp(route->method, "PUT"))
		json_object_set_new(made, "requestBody",
				    json_pack("{s:b,s:{s:{s:o},s:{s:o}}}", "required", 1, "content",
					      "application/json", "schema",
					      reference(route->schema), "application/yaml",
					      "schema", reference(route->schema)));
	return made;
}

static json_t *paths(void)
{
	size_t count;
	const struct http_route *routes = report_routes(&count);
	json_t *all = json_object();

	for (size_t i = 0; i < count; i++) {
		json_t *path = json_object_get(all, routes[i].path);
		char method[8];

		if (!path) {
			path = json_object();
			json_object_set_new(all, routes[i].path, path);
		}
		snprintf(method, sizeof(method), "%s", routes[i].method);
		for (char *at = method; *at; at++)
			*at = (char)tolower((unsigned char)*at);
		json_object_set_new(path, method, operation(&routes[i]));
	}
	return all;
}

int report_openapi(void *context, const struct http_request *request, struct http_reply *reply)
{
	(void)context;
	(void)request;
	reply->body = json_pack(
		"{s:s,s:{s:s,s:s,s:s,s:{s:s}},s:o,s:{s:o,s:{s:{s:s,s:s}}},s:[{s:[]}]}", "openapi",
		"3.1.0", "info", "title", "mtlb", "version", version_text, "description",
		"The API of mtlbd. Bodies may be JSON or YAML. Who may use what is in "
		"x-mtlb-roles; a "
		"tenant sees and edits its own things only.",
		"license", "name", "GPL-2.0-only OR BSD-2-Clause", "paths", paths(), "components",
		"schemas", schemas(), "securitySchemes", "token", "type", "http", "scheme",
		"bearer", "security", "token");
	return reply->body ? 0 : -ENOMEM;
}
