// SPDX-License-Identifier: Apache-2.0
// Fills in the templates of a route.
#include "gate/fill.h"

#include "http/field.h"
#include "route/template.h"

static bool find_param(const struct sl_route_match *match, struct sl_str name,
		       struct sl_str *ret_value)
{
	for (unsigned i = 0; i < match->params_nr; i++) {
		if (!sl_str_eq(match->params[i].name, name))
			continue;
		*ret_value = match->params[i].value;
		return true;
	}
	return false;
}

static bool find_value(const struct sl_exchange *x, struct sl_str name, struct sl_str *ret_value)
{
	if (find_param(&x->match, name, ret_value))
		return true;
	switch (sl_variable_of(name)) {
	case SL_VARIABLE_CLIENT_IP:
		*ret_value = x->client_text;
		return true;
	case SL_VARIABLE_HOST:
		*ret_value = x->req.host;
		return true;
	case SL_VARIABLE_PATH:
		*ret_value = x->asked.path;
		return true;
	case SL_VARIABLE_QUERY:
		*ret_value = x->asked.query;
		return true;
	case SL_VARIABLE_REQUEST_ID:
		*ret_value = x->id;
		return true;
	case SL_VARIABLE_ROUTE:
		*ret_value = sl_str_of(x->match.route->name);
		return true;
	case SL_VARIABLE_NONE:
		break;
	}
	return false;
}

/* The next text to write; false at the end, with *ret_is_good false when that came too early. */
static bool next(const struct sl_exchange *x, struct sl_str *rest, struct sl_str *ret_text,
		 bool *ret_is_good)
{
	struct sl_str piece;

	*ret_is_good = true;
	switch (sl_template_next(rest, &piece)) {
	case SL_TEMPLATE_END:
		return false;
	case SL_TEMPLATE_TEXT:
		*ret_text = piece;
		return true;
	case SL_TEMPLATE_NAME:
		if (find_value(x, piece, ret_text) && sl_is_field_value(*ret_text))
			return true;
		break;
	case SL_TEMPLATE_BROKEN:
		break;
	}
	*ret_is_good = false;
	return false;
}

size_t sl_fill_len(const struct sl_exchange *x, struct sl_str template_)
{
	struct sl_str text;
	size_t len = 0;
	bool is_good;

	while (next(x, &template_, &text, &is_good))
		len += text.len;
	return len;
}

void sl_fill(const struct sl_exchange *x, struct sl_str template_, struct sl_out *o)
{
	struct sl_str text;
	bool is_good;

	while (next(x, &template_, &text, &is_good))
		sl_out_str(o, text);
	if (!is_good)
		o->overflow = true;
}
