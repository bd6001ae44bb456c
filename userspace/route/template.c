// SPDX-License-Identifier: Apache-2.0
// Texts with "{name}" in them, piece by piece.
#include "route/template.h"

static struct sl_str cut(struct sl_str *rest, size_t n)
{
	struct sl_str piece = { rest->ptr, n };

	rest->ptr += n;
	rest->len -= n;
	return piece;
}

static size_t text_len(struct sl_str s)
{
	size_t n = 0;

	while (n < s.len && s.ptr[n] != '{' && s.ptr[n] != '}')
		n++;
	return n;
}

enum sl_template_piece sl_template_next(struct sl_str *rest, struct sl_str *ret_piece)
{
	size_t n = text_len(*rest);
	struct sl_str after;

	if (!rest->len)
		return SL_TEMPLATE_END;
	if (n) {
		*ret_piece = cut(rest, n);
		return SL_TEMPLATE_TEXT;
	}
	if (rest->len > 1 && rest->ptr[1] == rest->ptr[0]) {
		*ret_piece = cut(rest, 1);
		cut(rest, 1);
		return SL_TEMPLATE_TEXT;
	}
	after = (struct sl_str){ rest->ptr + 1, rest->len - 1 };
	n = text_len(after);
	if (rest->ptr[0] == '}' || n == after.len || after.ptr[n] != '}')
		return SL_TEMPLATE_BROKEN;
	cut(rest, 1);
	*ret_piece = cut(rest, n);
	cut(rest, 1);
	return SL_TEMPLATE_NAME;
}

enum sl_variable sl_variable_of(struct sl_str name)
{
	static const struct sl_str names[] = {
		[SL_VARIABLE_CLIENT_IP] = SL_STR("client_ip"),
		[SL_VARIABLE_HOST] = SL_STR("host"),
		[SL_VARIABLE_PATH] = SL_STR("path"),
		[SL_VARIABLE_QUERY] = SL_STR("query"),
		[SL_VARIABLE_REQUEST_ID] = SL_STR("request_id"),
		[SL_VARIABLE_ROUTE] = SL_STR("route"),
	};

	for (unsigned i = 1; i < sizeof(names) / sizeof(*names); i++)
		if (sl_str_eq(names[i], name))
			return (enum sl_variable)i;
	return SL_VARIABLE_NONE;
}
