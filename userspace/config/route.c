// SPDX-License-Identifier: Apache-2.0
// Rules over the keys of a route, and over all routes.
#include <errno.h>
#include <stdio.h>

#include "config/check.h"
#include "route/pattern.h"
#include "route/regex.h"
#include "route/template.h"

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

static bool has_param(struct sl_str pattern, struct sl_str name)
{
	bool is_prefix;
	struct sl_str base = sl_pattern_base(pattern, &is_prefix), piece;
	enum sl_pattern_piece kind;

	while ((kind = sl_pattern_next(&base, &piece)) != SL_PIECE_END)
		if (kind == SL_PIECE_PARAM && sl_str_eq(piece, name))
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
	struct sl_str pattern;	      /* well-formed */
	const struct sl_regex *regex; /* instead of the pattern; NULL: none */
};

static bool is_known(const struct names *names, struct sl_str name)
{
	return names->regex ? has_group(names->regex, name) : has_param(names->pattern, name);
}

static void check_template(struct sl_reader *r, const char *member, struct sl_str template_,
			   const struct names *names, bool has_variables)
{
	enum sl_template_piece kind;
	struct sl_str piece;

	while ((kind = sl_template_next(&template_, &piece)) != SL_TEMPLATE_END) {
		if (kind == SL_TEMPLATE_BROKEN) {
			sl_reader_fault_member(r, member,
					       "has a '{' or '}' without its partner; \"{{\" and "
					       "\"}}\" stand for one");
			return;
		}
		if (kind == SL_TEMPLATE_TEXT || is_known(names, piece) ||
		    (has_variables && sl_variable_of(piece)))
			continue;
		sl_reader_fault_member(r, member, "'{%.*s}' is not a parameter of match.path%s",
				       piece.len < 64 ? (int)piece.len : 64, piece.ptr,
				       names->regex ? "_regex" : "");
	}
}

static void check_edit_values(struct sl_reader *r, const char *member,
			      const struct sl_header_conf *fields, unsigned nr,
			      const struct names *names)
{
	sl_report_enter_member(&r->report, member);
	for (unsigned i = 0; i < nr; i++)
		if (fields[i].name.len && fields[i].value.len) /* else it is at fault already */
			check_template(r, fields[i].name.ptr, fields[i].value, names, true);
	sl_report_leave(&r->report);
}

static void check_edit(struct sl_reader *r, const char *member, const struct sl_header_edit *e,
		       const struct names *names)
{
	sl_report_enter_member(&r->report, member);
	check_edit_values(r, "set", e->set, e->set_nr, names);
	check_edit_values(r, "add", e->add, e->add_nr, names);
	sl_report_leave(&r->report);
}

static struct sl_str nth_name(const struct sl_header_edit *e, unsigned i)
{
	if (i < e->set_nr)
		return e->set[i].name;
	i -= e->set_nr;
	return i < e->add_nr ? e->add[i].name : e->remove[i - e->add_nr];
}

/* Which of two changes of one field would come first is not for the reader to guess. */
void sl_check_header_edit(struct sl_reader *r, json_t *value, void *to)
{
	const struct sl_header_edit *self = to;
	unsigned nr = self->set_nr + self->add_nr + self->remove_nr;

	if (json_object_size(value) == 0)
		sl_report_fault(&r->report, "needs 'set', 'add' or 'remove'");
	for (unsigned i = 0; i < nr; i++)
		for (unsigned k = 0; k < i; k++) {
			struct sl_str name = nth_name(self, i);

			if (!name.len || !sl_str_ieq(name, nth_name(self, k)))
				continue;
			sl_report_fault(&r->report, "'%.64s' is there twice", name.ptr);
			return;
		}
}

void sl_check_rewrite(struct sl_reader *r, json_t *value, void *to)
{
	if (json_object_get(value, "strip_prefix") && json_object_get(value, "path"))
		sl_report_fault(&r->report, "'strip_prefix' and 'path' exclude each other");
	else if (json_object_size(value) == 0)
		sl_report_fault(&r->report, "needs 'strip_prefix', 'path' or 'host'");
}

/* What a pattern may look like is the route table's to say: it is asked with the path alone. */
static bool check_pattern(struct sl_reader *r, struct sl_str path)
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
		return ret == 0;
	sl_report_enter_member(&r->report, "match");
	sl_reader_fault_member(r, "path", "'%.64s': %s", path.ptr, why);
	sl_report_leave(&r->report);
	return false;
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
	sl_report_enter_member(&r->report, "rewrite");
	check_template(r, "path", route->rewrite_path, names, false);
	sl_report_leave(&r->report);
	sl_report_enter_member(&r->report, "redirect");
	check_template(r, "location", route->redirect.location, names, true);
	sl_report_leave(&r->report);
	check_edit(r, "request_headers", &route->request_headers, names);
	check_edit(r, "response_headers", &route->response_headers, names);
}

void sl_check_route_edit(struct sl_reader *r, const struct sl_route *route, const char *member,
			 const struct sl_header_edit *e)
{
	struct names names = { .pattern = route->path };
	struct sl_regex *regex = NULL;

	if (route->path_regex.len)
		regex = check_regex(r, "path_regex", route->path_regex);
	names.regex = regex;
	check_edit(r, member, e, &names);
	sl_regex_free(regex);
}

static void check_strip_prefix(struct sl_reader *r, const struct sl_route *route)
{
	if (!route->strip_prefix.len || sl_pattern_may_start(route->path, route->strip_prefix))
		return;
	sl_report_enter_member(&r->report, "rewrite");
	sl_reader_fault_member(r, "strip_prefix", "'%.64s' begins no path that match.path takes",
			       route->strip_prefix.ptr);
	sl_report_leave(&r->report);
}

static void check_with_path(struct sl_reader *r, const struct sl_route *route)
{
	const struct names names = { .pattern = route->path };

	if (!check_pattern(r, route->path))
		return; /* parameters and prefixes of it would be at fault for nothing */
	check_templates(r, route, &names);
	check_strip_prefix(r, route);
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
	if (json_object_get(value, "request_headers") && !json_object_get(value, "upstream"))
		sl_reader_fault_member(r, "request_headers", "does nothing without 'upstream'");
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
