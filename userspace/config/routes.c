// SPDX-License-Identifier: Apache-2.0
// What the routes are, and which one takes a request.
#include "config/routes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/out.h"
#include "gate/exchange.h"
#include "http/chars.h"
#include "route/explain.h"
#include "sluice/admin.h"

enum { CANDIDATES_SHOWN = 256 };

/* ---- a route as JSON, by the keys of the configuration ---- */

static json_t *make_text(struct sl_str s)
{
	return json_stringn(s.ptr, s.len);
}

static json_t *make_condition(const struct sl_condition *c)
{
	switch (c->kind) {
	case SL_CONDITION_PRESENT:
		return json_pack("{s:b}", "present", c->present);
	case SL_CONDITION_REGEX:
		return json_pack("{s:o}", "regex", make_text(c->value));
	case SL_CONDITION_EXACT:
		break;
	}
	return make_text(c->value);
}

static void set_conditions(json_t *to, const char *key, const struct sl_condition *list,
			   unsigned nr)
{
	json_t *conditions = nr ? json_object() : NULL;

	for (unsigned i = 0; i < nr; i++)
		json_object_set_new(conditions, list[i].name.ptr, make_condition(&list[i]));
	if (conditions)
		json_object_set_new(to, key, conditions);
}

static json_t *make_methods(uint32_t methods)
{
	json_t *list = json_array();

	for (unsigned m = SL_METHOD_GET; m < SL_METHODS_NR; m++)
		if (methods & 1u << m)
			json_array_append_new(list, make_text(sl_method_name((enum sl_method)m)));
	return list;
}

static json_t *make_hosts(const struct sl_route *route)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < route->hosts_nr; i++)
		json_array_append_new(list, make_text(route->hosts[i]));
	return list;
}

static void set_action(json_t *to, const struct sl_rules *rules, const struct sl_route *route)
{
	switch (route->action) {
	case SL_ROUTE_UPSTREAM:
		json_object_set_new(to, "upstream",
				    json_string(rules->upstreams[route->upstream].name));
		return;
	case SL_ROUTE_RESPOND:
		json_object_set_new(to, "respond", json_integer(route->respond.status));
		return;
	case SL_ROUTE_REDIRECT:
		json_object_set_new(to, "redirect", make_text(route->redirect.location));
		return;
	}
}

static json_t *make_route(const struct sl_rules *rules, const struct sl_route *route)
{
	json_t *json = json_object();

	json_object_set_new(json, "name", json_string(route->name));
	json_object_set_new(json, "index", json_integer(route - rules->routes));
	json_object_set_new(json, "hosts", make_hosts(route));
	if (route->path_regex.len)
		json_object_set_new(json, "path_regex", make_text(route->path_regex));
	else
		json_object_set_new(json, "path", make_text(route->path));
	json_object_set_new(json, "methods", make_methods(route->methods));
	set_conditions(json, "headers", route->headers, route->headers_nr);
	set_conditions(json, "query", route->queries, route->queries_nr);
	set_action(json, rules, route);
	return json;
}

json_t *sl_routes_show(const struct sl_rules *rules)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < rules->routes_nr; i++)
		json_array_append_new(list, make_route(rules, &rules->routes[i]));
	return json_pack("{s:o}", "routes", list);
}

/* ---- a request made of words ---- */

/* What could end a line of the head that is made of the words. */
static bool has_control(const char *word)
{
	for (; *word; word++)
		if ((unsigned char)*word < ' ' || *word == 0x7f)
			return true;
	return false;
}

static bool has_host(char *const *word, unsigned nr)
{
	for (unsigned i = 2; i < nr; i++)
		if (strncasecmp(word[i], "host:", 5) == 0)
			return true;
	return false;
}

/* The head that a client would send.  An URL names the host itself; a path alone comes with a Host
 * field, or from a client of HTTP/1.0, which may do without. */
static void write_head(struct sl_out *o, char *const *word, unsigned nr)
{
	const char *url = word[1], *host = strstr(url, "://");
	size_t host_len = 0;
	bool is_absolute = url[0] != '/' && host;

	if (is_absolute) {
		host += 3;
		host_len = strcspn(host, "/?");
	}
	sl_out_fmt(o, "%s %s HTTP/1.%c\r\n", word[0], url,
		   is_absolute || has_host(word, nr) ? '1' : '0');
	if (is_absolute && !has_host(word, nr))
		sl_out_fmt(o, "Host: %.*s\r\n", (int)host_len, host);
	for (unsigned i = 2; i < nr; i++)
		sl_out_fmt(o, "%s\r\n", word[i]);
	sl_out_lit(o, "\r\n");
}

/* What a worker does before it looks for a route.  0, or -EBADMSG with *ret_why. */
static int read_request(struct sl_exchange *x, struct sl_str head, const char **ret_why)
{
	struct sl_head_limits limits = sl_exchange_head_limits(x);
	char *mem = sl_arena_alloc(&x->arena, SL_URI_ROOM(head.len));
	int ret;

	x->req.fields = sl_arena_alloc(&x->arena, limits.fields * sizeof(struct sl_field));
	if (!mem || !x->req.fields)
		return -ENOMEM;
	ret = sl_h1_request_parse(&x->req, head.ptr, head.len, &limits);
	if (ret < 0) {
		*ret_why = ret == -EBADMSG ? x->req.error : "the head does not end";
		return -EBADMSG;
	}
	if (x->req.form == SL_TARGET_ASTERISK) {
		x->uri.path = x->req.target;
		return 0;
	}
	return sl_uri_normalize(x->req.target, x->rules->encoded_slash, mem, &x->uri, ret_why);
}

/* ---- the answer ---- */

static json_t *error(const char *text)
{
	return json_pack("{s:s}", "error", text);
}

static const char *verdict_name(enum sl_verdict verdict)
{
	static const char *const names[] = {
		[SL_VERDICT_TAKEN] = "taken",	[SL_VERDICT_LATER] = "later",
		[SL_VERDICT_HEADER] = "header", [SL_VERDICT_QUERY] = "query",
		[SL_VERDICT_METHOD] = "method", [SL_VERDICT_NOT_ASKED] = "not asked",
	};

	return names[verdict];
}

static json_t *make_candidates(const struct sl_rules *rules, const struct sl_explanation *e)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < e->nr && i < CANDIDATES_SHOWN; i++) {
		const struct sl_explained *it = &e->list[i];
		json_t *json = make_route(rules, it->route);

		json_object_set_new(json, "verdict", json_string(verdict_name(it->verdict)));
		if (it->condition)
			json_object_set_new(json, "failed", make_text(it->condition->name));
		json_array_append_new(list, json);
	}
	return list;
}

static json_t *make_params(const struct sl_route_match *m)
{
	json_t *params = json_object();

	for (unsigned i = 0; i < m->params_nr; i++) {
		char name[SL_REGEX_BYTES_MAX];
		struct sl_str s = m->params[i].name;

		if (s.len >= sizeof(name))
			continue;
		memcpy(name, s.ptr, s.len);
		name[s.len] = '\0';
		json_object_set_new(params, name, make_text(m->params[i].value));
	}
	return params;
}

static json_t *make_outcome(const struct sl_rules *rules, enum sl_route_result result,
			    const struct sl_route_match *m)
{
	switch (result) {
	case SL_ROUTE_FOUND:
		return json_pack("{s:s, s:s, s:o, s:o}", "result", "found", "route", m->route->name,
				 "takes", make_route(rules, m->route), "params", make_params(m));
	case SL_ROUTE_METHOD:
		return json_pack("{s:s, s:i, s:o}", "result", "method", "status", 405, "allow",
				 make_methods(m->allowed));
	case SL_ROUTE_GAVE_UP:
		return json_pack("{s:s, s:i}", "result", "gave up", "status", 400);
	case SL_ROUTE_NONE:
		break;
	}
	return json_pack("{s:s, s:i}", "result", "none", "status", 404);
}

static json_t *explain(struct sl_exchange *x, struct sl_regex_scratch *scratch)
{
	const struct sl_rules *rules = x->rules;
	struct sl_route_request req = sl_exchange_route_request(x);
	enum sl_route_result result;
	struct sl_explanation e;
	json_t *json;

	req.scratch = scratch;
	result = sl_route_find(rules->table, &req, &x->match);
	json = make_outcome(rules, result, &x->match);
	if (sl_route_explain(&x->arena, rules->routes, rules->routes_nr, &req, &e) < 0) {
		json_decref(json);
		return NULL;
	}
	json_object_set_new(json, "host", make_text(req.host));
	json_object_set_new(json, "path", make_text(req.path));
	json_object_set_new(json, "candidates", make_candidates(rules, &e));
	json_object_set_new(json, "candidates_nr", json_integer(e.nr));
	json_object_set_new(json, "other_hosts", json_integer(e.other_hosts));
	json_object_set_new(json, "other_paths", json_integer(e.other_paths));
	return json;
}

static json_t *match(struct sl_exchange *x, struct sl_str head)
{
	struct sl_regex_scratch *scratch;
	const char *why = "";
	json_t *json;
	int ret = read_request(x, head, &why);

	if (ret == -EBADMSG)
		return json_pack("{s:s, s:i, s:s}", "result", "refused", "status",
				 x->req.error_status ? x->req.error_status : 400, "why", why);
	scratch = ret == 0 ? sl_regex_scratch_new() : NULL;
	if (!scratch)
		return NULL;
	json = explain(x, scratch);
	sl_regex_scratch_free(scratch);
	return json;
}

json_t *sl_routes_match(const struct sl_rules *rules, char *const *word, unsigned nr)
{
	char mem[SL_ADMIN_LINE_MAX * 2];
	struct sl_exchange *x;
	struct sl_out o;
	json_t *json;

	for (unsigned i = 0; i < nr; i++)
		if (has_control(word[i]))
			return error("a word has a control character");
	sl_out_init(&o, mem, sizeof(mem));
	write_head(&o, word, nr);
	if (o.overflow)
		return error("the words are too long together");
	x = calloc(1, sizeof(*x));
	if (!x)
		return NULL;
	/* As a stranger's request: what only a trusted proxy may say counts for nothing. */
	x->rules = rules;
	sl_arena_init(&x->arena, NULL, 0, SIZE_MAX);
	json = match(x, sl_out_done(&o));
	sl_arena_fini(&x->arena);
	free(x);
	return json;
}
