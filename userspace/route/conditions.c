// SPDX-License-Identifier: Apache-2.0
// Whether a request meets what a route asks of its header fields and query parameters.
#include "route/conditions.h"

#include <errno.h>

#include "http/chars.h"

struct sl_conditions {
	const struct sl_route *route;
	const struct sl_regex **regexes; /* of its headers, then of its queries; NULL: none */
};

static const struct sl_condition *nth(const struct sl_route *route, unsigned i)
{
	return i < route->headers_nr ? &route->headers[i] : &route->queries[i - route->headers_nr];
}

static int compile_all(struct sl_conditions *c, struct sl_arena *arena, struct sl_regexes *list)
{
	const struct sl_route *route = c->route;
	unsigned nr = route->headers_nr + route->queries_nr;

	for (unsigned i = 0; i < nr; i++) {
		int ret;

		if (nth(route, i)->kind != SL_CONDITION_REGEX)
			continue;
		if (!c->regexes)
			c->regexes = sl_arena_alloc(arena, nr * sizeof(*c->regexes));
		if (!c->regexes)
			return -ENOMEM;
		ret = sl_regexes_add(list, nth(route, i)->value, &c->regexes[i]);
		if (ret < 0)
			return ret;
	}
	return 0;
}

int sl_conditions_new(struct sl_conditions **ret_conditions, struct sl_arena *arena,
		      struct sl_regexes *regexes, const struct sl_route *route)
{
	struct sl_conditions *c = sl_arena_alloc(arena, sizeof(*c));
	int ret;

	if (!c)
		return -ENOMEM;
	*c = (struct sl_conditions){ .route = route };
	ret = compile_all(c, arena, regexes);
	if (ret == 0)
		*ret_conditions = c;
	return ret;
}

/* What a request has by one name. */
struct found {
	struct sl_str value; /* of the last one */
	unsigned nr;
};

static struct found find_header(const struct sl_route_request *req, struct sl_str name)
{
	struct found found = { .nr = 0 };

	for (unsigned i = 0; i < req->fields_nr; i++) {
		const struct sl_field *f = &req->fields[i];

		if (f->name_len != name.len ||
		    !sl_str_ieq((struct sl_str){ f->name, f->name_len }, name))
			continue;
		if (req->is_seen && !req->is_seen(req->context, f))
			continue;
		found.value = sl_field_value(f);
		found.nr++;
	}
	return found;
}

/* The next byte of a query as forms write it: '+' is a space, %XX a byte; a broken escape stands
 * for itself, as it does for most who read queries. */
static char next_byte(struct sl_str *s)
{
	char c = s->ptr[0];
	size_t n = 1;

	if (c == '+') {
		c = ' ';
	} else if (c == '%' && s->len > 2 && sl_char_is(s->ptr[1], SL_CHAR_HEX) &&
		   sl_char_is(s->ptr[2], SL_CHAR_HEX)) {
		c = (char)(sl_hex_value(s->ptr[1]) << 4 | sl_hex_value(s->ptr[2]));
		n = 3;
	}
	s->ptr += n;
	s->len -= n;
	return c;
}

static bool is_decoded(struct sl_str raw, struct sl_str want)
{
	size_t i = 0;

	while (raw.len && i < want.len)
		if (next_byte(&raw) != want.ptr[i++])
			return false;
	return !raw.len && i == want.len;
}

/* Cuts "name=value" off a query; a parameter without '=' has the empty value. */
static void cut_parameter(struct sl_str *query, struct sl_str *ret_name, struct sl_str *ret_value)
{
	const char *amp = memchr(query->ptr, '&', query->len);
	size_t n = amp ? (size_t)(amp - query->ptr) : query->len;
	const char *equals = memchr(query->ptr, '=', n);
	size_t name_len = equals ? (size_t)(equals - query->ptr) : n;

	*ret_name = (struct sl_str){ query->ptr, name_len };
	*ret_value = (struct sl_str){ query->ptr + n, 0 };
	if (equals)
		*ret_value = (struct sl_str){ equals + 1, n - name_len - 1 };
	n += amp != NULL;
	query->ptr += n;
	query->len -= n;
}

static struct found find_parameter(struct sl_str query, struct sl_str want)
{
	struct found found = { .nr = 0 };

	while (query.len) {
		struct sl_str name, value;

		cut_parameter(&query, &name, &value);
		if (!is_decoded(name, want))
			continue;
		found.value = value;
		found.nr++;
	}
	return found;
}

/* A longer value than there is room for is not known to match. */
static bool is_matched_decoded(const struct sl_regex *regex, struct sl_str raw,
			       struct sl_regex_scratch *scratch)
{
	char *mem = sl_regex_text(scratch);
	size_t n = 0;

	for (; raw.len && n < SL_REGEX_TEXT_MAX; n++)
		mem[n] = next_byte(&raw);
	if (raw.len)
		sl_regex_give_up(scratch);
	return !raw.len && sl_regex_match(regex, (struct sl_str){ mem, n }, scratch);
}

/* Of a name that comes twice one reader takes the first, another the last: it is there, but it has
 * no value that could be compared. */
static bool header_holds(const struct sl_condition *c, const struct sl_regex *regex,
			 const struct sl_route_request *req)
{
	struct found found = find_header(req, c->name);

	if (c->kind == SL_CONDITION_PRESENT)
		return (found.nr > 0) == c->present;
	if (found.nr != 1)
		return false;
	return regex ? sl_regex_match(regex, found.value, req->scratch)
		     : sl_str_eq(found.value, c->value);
}

static bool query_holds(const struct sl_condition *c, const struct sl_regex *regex,
			const struct sl_route_request *req)
{
	struct found found = find_parameter(req->query, c->name);

	if (c->kind == SL_CONDITION_PRESENT)
		return (found.nr > 0) == c->present;
	if (found.nr != 1)
		return false;
	return regex ? is_matched_decoded(regex, found.value, req->scratch)
		     : is_decoded(found.value, c->value);
}

static bool holds(const struct sl_conditions *conditions, unsigned i,
		  const struct sl_route_request *req)
{
	const struct sl_condition *c = nth(conditions->route, i);
	const struct sl_regex *regex =
		c->kind == SL_CONDITION_REGEX ? conditions->regexes[i] : NULL;

	return i < conditions->route->headers_nr ? header_holds(c, regex, req)
						 : query_holds(c, regex, req);
}

const struct sl_condition *sl_conditions_failing(const struct sl_conditions *conditions,
						 const struct sl_route_request *req)
{
	const struct sl_route *route = conditions->route;

	for (unsigned i = 0; i < route->headers_nr + route->queries_nr; i++)
		if (!holds(conditions, i, req))
			return nth(route, i);
	return NULL;
}

static bool is_same(const struct sl_condition *a, const struct sl_condition *b, bool is_header)
{
	if (a->kind != b->kind)
		return false;
	if (!(is_header ? sl_str_ieq(a->name, b->name) : sl_str_eq(a->name, b->name)))
		return false;
	return a->kind == SL_CONDITION_PRESENT ? a->present == b->present
					       : sl_str_eq(a->value, b->value);
}

/* A route has a name once, so equal numbers and each of one list in the other is enough. */
static bool are_all_in(const struct sl_condition *a, const struct sl_condition *b, unsigned nr,
		       bool is_header)
{
	for (unsigned i = 0; i < nr; i++) {
		unsigned k = 0;

		while (k < nr && !is_same(&a[i], &b[k], is_header))
			k++;
		if (k == nr)
			return false;
	}
	return true;
}

bool sl_conditions_are_same(const struct sl_route *a, const struct sl_route *b)
{
	return sl_conditions_compare(a, b) == 0 &&
	       are_all_in(a->headers, b->headers, a->headers_nr, true) &&
	       are_all_in(a->queries, b->queries, a->queries_nr, false);
}

int sl_conditions_compare(const struct sl_route *a, const struct sl_route *b)
{
	if (a->headers_nr != b->headers_nr)
		return a->headers_nr > b->headers_nr ? 1 : -1;
	return (a->queries_nr > b->queries_nr) - (a->queries_nr < b->queries_nr);
}
