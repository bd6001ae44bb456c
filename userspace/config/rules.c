// SPDX-License-Identifier: Apache-2.0
// Rules over several keys of an object, or over several objects.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/check.h"

void sl_check_gateway(struct sl_reader *r, json_t *value, void *to)
{
	const char *user_dir = geteuid() == 0 ? NULL : getenv("XDG_RUNTIME_DIR");
	struct sl_rules *rules = to;
	char path[64];

	if (rules->run_dir)
		return;
	if (!user_dir || user_dir[0] != '/' ||
	    snprintf(path, sizeof(path), "%s/sluice", user_dir) >= (int)sizeof(path))
		strcpy(path, "/run/sluice");
	sl_reader_store_text(r, sizeof(rules->run_dir), &rules->run_dir, sl_str_of(path));
}

/* The kernel would share the connections out between them (SO_REUSEPORT), and nobody means that. */
void sl_check_listener(struct sl_reader *r, json_t *value, void *to)
{
	const struct sl_listener_conf *self = to;

	for (const struct sl_listener_conf *l = r->rules->listeners; l < self; l++)
		if (l->name && sl_addr_eq(&l->address, &self->address)) {
			sl_report_fault(&r->report, "listener '%.64s' has the same address",
					l->name);
			return;
		}
}

void sl_check_respond(struct sl_reader *r, json_t *value, void *to)
{
	const struct sl_respond_conf *self = to;

	/* RFC 9110 15.3.5, 15.3.6, 15.4.5: these never have content. */
	if (self->body.len && (self->status == 204 || self->status == 205 || self->status == 304))
		fault_member(r, "body", "a %u has no body", self->status);
}

/* The next "{name}" behind *rest; false when there is none. */
static bool next_param(struct sl_str *rest, struct sl_str *ret_name)
{
	const char *end, *open, *close;

	if (rest->len == 0)
		return false;
	end = rest->ptr + rest->len;
	open = memchr(rest->ptr, '{', rest->len);
	close = open ? memchr(open, '}', (size_t)(end - open)) : NULL;
	if (!close)
		return false;
	*ret_name = (struct sl_str){ open + 1, (size_t)(close - open - 1) };
	*rest = (struct sl_str){ close + 1, (size_t)(end - close - 1) };
	return true;
}

static bool has_param(struct sl_str pattern, struct sl_str name)
{
	struct sl_str found;

	while (next_param(&pattern, &found))
		if (sl_str_eq(found, name))
			return true;
	return false;
}

/* A reader that met "{" without "}" would send it on as it is, and nobody means that. */
static bool is_balanced(struct sl_str template_)
{
	bool open = false;

	for (size_t i = 0; i < template_.len; i++) {
		if (template_.ptr[i] != '{' && template_.ptr[i] != '}')
			continue;
		if (open != (template_.ptr[i] == '}'))
			return false;
		open = !open;
	}
	return !open;
}

static void check_template(struct sl_reader *r, const char *object, const char *member,
			   struct sl_str template_, const struct sl_route *route, bool is_location)
{
	struct sl_str name;

	sl_report_enter_member(&r->report, object);
	if (!is_balanced(template_))
		fault_member(r, member, "has a '{' or '}' without its partner");
	while (is_balanced(template_) && next_param(&template_, &name)) {
		if (has_param(route->path, name))
			continue;
		if (is_location &&
		    (sl_str_eq(name, SL_S("path")) || sl_str_eq(name, SL_S("query"))))
			continue;
		fault_member(r, member, "'{%.*s}' is not a parameter of match.path",
			     name.len < 64 ? (int)name.len : 64, name.ptr);
	}
	sl_report_leave(&r->report);
}

/* What a pattern may look like is the route table's to say: it is asked with the path alone. */
static void check_pattern(struct sl_reader *r, struct sl_str path)
{
	const struct sl_route probe = { .name = "probe", .path = path };
	struct sl_route_table *table = NULL;
	const char *why = "is malformed";
	unsigned a, b;
	int ret;

	ret = sl_route_table_new(&table, &probe, 1, &a, &b, &why);
	sl_route_table_free(table);
	if (ret == -ENOMEM)
		r->out_of_memory = true;
	if (ret != -EINVAL)
		return;
	sl_report_enter_member(&r->report, "match");
	fault_member(r, "path", "'%.64s': %s", path.ptr, why);
	sl_report_leave(&r->report);
}

/* A name is shown everywhere, and what is substituted nowhere. */
static void check_written_name(struct sl_reader *r)
{
	sl_report_enter_member(&r->report, "name");
	if (sl_report_written(&r->report))
		sl_report_fault(&r->report, "nothing is substituted in a name: logs show it");
	sl_report_leave(&r->report);
}

static void fault_same_name(struct sl_reader *r, size_t other)
{
	const char *file = sl_report_find_element(&r->report, "routes", other, &other);

	fault_member(r, "name", "route %zu%s%.100s has the same name", other, file ? " of " : "",
		     file ? file : "");
}

static void name_route(struct sl_reader *r, struct sl_route *route)
{
	unsigned index = (unsigned)(route - r->rules->routes);
	char name[32];

	if (!route->name) {
		snprintf(name, sizeof(name), "route[%u]", index);
		sl_reader_store_text(r, sizeof(route->name), &route->name, sl_str_of(name));
		return;
	}
	check_written_name(r);
	if (json_object_get(r->routes, route->name))
		fault_same_name(
			r, (size_t)json_integer_value(json_object_get(r->routes, route->name)));
	else if (json_object_set_new(r->routes, route->name, json_integer(index)) < 0)
		r->out_of_memory = true;
}

void sl_check_route(struct sl_reader *r, json_t *value, void *to)
{
	struct sl_route *route = to;

	name_route(r, route);
	route->action = json_object_get(value, "respond")    ? SL_ROUTE_RESPOND
			: json_object_get(value, "redirect") ? SL_ROUTE_REDIRECT
							     : SL_ROUTE_UPSTREAM;
	if (json_object_get(value, "rewrite") && !json_object_get(value, "upstream"))
		fault_member(r, "rewrite", "does nothing without 'upstream'");
	if (route->path.len == 0)
		return; /* it is at fault already, and the parameters would be too */
	check_pattern(r, route->path);
	if (route->rewrite_path.len)
		check_template(r, "rewrite", "path", route->rewrite_path, route, false);
	if (route->redirect.location.len)
		check_template(r, "redirect", "location", route->redirect.location, route, true);
}

/* The later one is at fault; the report is at it. */
static void fault_same_requests(struct sl_reader *r, unsigned earlier)
{
	size_t index;
	const char *file = sl_report_find_element(&r->report, "routes", earlier, &index);

	sl_report_fault(&r->report,
			"takes the same requests as route '%.64s' (/routes/%zu%s%.100s): "
			"host, path and method are alike",
			r->rules->routes[earlier].name, index, file ? " of " : "",
			file ? file : "");
}

void sl_check_table(struct sl_reader *r)
{
	struct sl_rules *rules = r->rules;
	const char *why = "is malformed";
	unsigned a = 0, b = 0;
	int ret = sl_route_table_new(&rules->table, rules->routes, rules->routes_nr, &a, &b, &why);

	if (ret == 0)
		return;
	if (ret != -EEXIST && ret != -EINVAL) {
		r->out_of_memory = true;
		return;
	}
	sl_report_enter_member(&r->report, "routes");
	sl_report_enter_element(&r->report, ret == -EEXIST && b > a ? b : a);
	if (ret == -EEXIST)
		fault_same_requests(r, b > a ? a : b);
	else
		sl_report_fault(&r->report, "%s", why);
	sl_report_leave(&r->report);
	sl_report_leave(&r->report);
}
