// SPDX-License-Identifier: Apache-2.0
// Rules over the keys of a route, and over all routes.
#include <errno.h>
#include <stdio.h>

#include "config/check.h"
#include "route/pattern.h"
#include "route/regex.h"

/* NULL when the expression is at fault, which is said then. */
static struct sl_regex *check_regex(struct sl_reader *r, const char *member, struct sl_str text)
{
	struct sl_regex *regex = NULL;
	struct sl_regex_error error;
	int ret;

	if (!text.ptr)
		return NULL; /* no string, and at fault for that */
	ret = sl_regex_new(&regex, text, &error);
	if (ret == -EINVAL)
		sl_reader_fault_member(r, member, "'%.64s': %s, at character %zu", text.ptr,
				       error.text, error.at + 1);
	else if (ret < 0)
		r->out_of_memory = true;
	return regex;
}

void sl_check_condition(struct sl_reader *r, json_t *value, void *to)
{
	struct sl_condition *self = to;

	self->kind = json_object_get(value, "present") ? SL_CONDITION_PRESENT
		     : json_object_get(value, "regex") ? SL_CONDITION_REGEX
						       : SL_CONDITION_EXACT;
	if (self->kind == SL_CONDITION_REGEX)
		sl_regex_free(check_regex(r, "regex", self->value));
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

static bool has_group(const struct sl_regex *regex, struct sl_str name)
{
	for (unsigned i = 0; i < sl_regex_groups_nr(regex); i++)
		if (sl_str_eq(sl_regex_group_name(regex, i), name))
			return true;
	return false;
}

/* What a route's templates may name. */
struct names {
	struct sl_str pattern;
	const struct sl_regex *regex; /* instead of the pattern; NULL: none */
};

static bool is_known(const struct names *names, struct sl_str name)
{
	return names->regex ? has_group(names->regex, name) : has_param(names->pattern, name);
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
			   struct sl_str template_, const struct names *names, bool is_location)
{
	struct sl_str name;

	sl_report_enter_member(&r->report, object);
	if (!is_balanced(template_))
		sl_reader_fault_member(r, member, "has a '{' or '}' without its partner");
	while (is_balanced(template_) && next_param(&template_, &name)) {
		if (is_known(names, name))
			continue;
		if (is_location &&
		    (sl_str_eq(name, SL_S("path")) || sl_str_eq(name, SL_S("query"))))
			continue;
		sl_reader_fault_member(r, member, "'{%.*s}' is not a parameter of match.path%s",
				       name.len < 64 ? (int)name.len : 64, name.ptr,
				       names->regex ? "_regex" : "");
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
	sl_reader_fault_member(r, "path", "'%.64s': %s", path.ptr, why);
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

	sl_reader_fault_member(r, "name", "route %zu%s%.100s has the same name", other,
			       file ? " of " : "", file ? file : "");
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

/* JSON has told names apart by case, which fields do not have. */
static void check_header_names(struct sl_reader *r, const struct sl_route *route)
{
	for (unsigned i = 0; i < route->headers_nr; i++)
		for (unsigned k = 0; k < i; k++) {
			if (!sl_str_ieq(route->headers[i].name, route->headers[k].name))
				continue;
			sl_report_enter_member(&r->report, "match");
			sl_report_enter_member(&r->report, "headers");
			sl_reader_fault_member(r, route->headers[i].name.ptr,
					       "is there twice: case does not "
					       "tell fields apart");
			sl_report_leave(&r->report);
			sl_report_leave(&r->report);
		}
}

static void check_templates(struct sl_reader *r, const struct sl_route *route,
			    const struct names *names)
{
	if (route->rewrite_path.len)
		check_template(r, "rewrite", "path", route->rewrite_path, names, false);
	if (route->redirect.location.len)
		check_template(r, "redirect", "location", route->redirect.location, names, true);
}

static void check_with_path(struct sl_reader *r, const struct sl_route *route)
{
	const struct names names = { .pattern = route->path };

	check_pattern(r, route->path);
	check_templates(r, route, &names);
}

static void check_with_regex(struct sl_reader *r, json_t *match, const struct sl_route *route)
{
	struct names names = { .regex = NULL };
	struct sl_regex *regex;

	sl_report_enter_member(&r->report, "match");
	if (json_object_get(match, "path"))
		sl_report_fault(&r->report, "'path' and 'path_regex' exclude each other");
	regex = check_regex(r, "path_regex", route->path_regex);
	if (regex && (has_group(regex, SL_S("path")) || has_group(regex, SL_S("query"))))
		sl_reader_fault_member(
			r, "path_regex",
			"the names \"path\" and \"query\" are taken: redirects use them");
	sl_report_leave(&r->report);
	names.regex = regex;
	if (regex)
		check_templates(r, route, &names);
	sl_regex_free(regex);
}

void sl_check_route(struct sl_reader *r, json_t *value, void *to)
{
	struct sl_route *route = to;

	name_route(r, route);
	route->action = json_object_get(value, "respond")    ? SL_ROUTE_RESPOND
			: json_object_get(value, "redirect") ? SL_ROUTE_REDIRECT
							     : SL_ROUTE_UPSTREAM;
	if (json_object_get(value, "rewrite") && !json_object_get(value, "upstream"))
		sl_reader_fault_member(r, "rewrite", "does nothing without 'upstream'");
	check_header_names(r, route);
	if (json_object_get(json_object_get(value, "match"), "path_regex"))
		check_with_regex(r, json_object_get(value, "match"), route);
	else if (route->path.len) /* else it is at fault already, and the parameters would be too */
		check_with_path(r, route);
}

/* The later one is at fault; the report is at it. */
static void fault_same_requests(struct sl_reader *r, unsigned earlier)
{
	size_t index;
	const char *file = sl_report_find_element(&r->report, "routes", earlier, &index);

	sl_report_fault(&r->report,
			"takes the same requests as route '%.64s' (/routes/%zu%s%.100s): "
			"host, path, method and conditions are alike",
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
