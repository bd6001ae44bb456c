// SPDX-License-Identifier: Apache-2.0
// Credentials are taken out of fields, queries and cookies.
#include "policy/credential.h"

#include <string.h>

static const struct sl_str nothing;

/* ---- fields ---- */

static const struct sl_str key_schemes[] = {
	SL_STR("Bearer "), SL_STR("Key "), SL_STR("ApiKey "), { NULL, 0 }
};
static const struct sl_str basic_scheme[] = { SL_STR("Basic "), { NULL, 0 } };

/* What is behind the scheme, trimmed; ptr NULL: it has another one (RFC 9110 11.4). */
static struct sl_str behind_scheme(struct sl_str value, const struct sl_str *schemes)
{
	for (; schemes->ptr; schemes++) {
		size_t n = schemes->len;

		if (value.len > n && sl_str_ieq((struct sl_str){ value.ptr, n }, *schemes))
			return sl_str_trim((struct sl_str){ value.ptr + n, value.len - n });
	}
	return nothing;
}

static struct sl_str field_credential(const struct sl_field *f, const struct sl_str *schemes)
{
	struct sl_str value = sl_field_value(f);

	return f->id == SL_FIELD_AUTHORIZATION ? behind_scheme(value, schemes) : value;
}

static int take_field(struct sl_policy_call *call, struct sl_str name, const struct sl_str *schemes,
		      struct sl_str *ret_value)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < call->req->fields_nr; i++) {
		struct sl_field *f = &call->req->fields[i];
		struct sl_str value;

		if (f->name_len != name.len ||
		    !sl_str_ieq((struct sl_str){ f->name, f->name_len }, name))
			continue;
		value = field_credential(f, schemes);
		if (!value.ptr)
			continue;
		f->is_hop = true; /* it ends here */
		*ret_value = value;
		nr++;
	}
	return nr > 1 ? -EEXIST : (int)nr;
}

int sl_credential_take_field(struct sl_policy_call *call, struct sl_str name,
			     struct sl_str *ret_value)
{
	return take_field(call, name, key_schemes, ret_value);
}

int sl_credential_take_basic(struct sl_policy_call *call, struct sl_str *ret_value)
{
	return take_field(call, SL_S("authorization"), basic_scheme, ret_value);
}

/* ---- the query ---- */

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = sl_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Into mem, which has text.len bytes; a '%' that begins no code stands for itself. */
static struct sl_str decode(struct sl_str text, char *mem)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i] == '+' ? ' ' : text.ptr[i];

		if (c == '%' && i + 2 < text.len && hex(text.ptr[i + 1]) >= 0 &&
		    hex(text.ptr[i + 2]) >= 0) {
			c = (char)(hex(text.ptr[i + 1]) << 4 | hex(text.ptr[i + 2]));
			i += 2;
		}
		mem[n++] = c;
	}
	return (struct sl_str){ mem, n };
}

/* Cuts the next piece off, up to `end` or to the end of the text. */
static bool next_piece(struct sl_str *rest, char end, struct sl_str *ret_piece)
{
	const char *at;

	if (!rest->ptr)
		return false;
	at = memchr(rest->ptr, end, rest->len);
	*ret_piece = (struct sl_str){ rest->ptr, at ? (size_t)(at - rest->ptr) : rest->len };
	*rest = at ? (struct sl_str){ at + 1, rest->len - ret_piece->len - 1 } : nothing;
	return true;
}

/* The value of a "name=value" of that name; ptr NULL: it is another. */
static struct sl_str value_of(struct sl_str piece, struct sl_str name)
{
	if (piece.len <= name.len || !sl_str_starts(piece, name) || piece.ptr[name.len] != '=')
		return nothing;
	return (struct sl_str){ piece.ptr + name.len + 1, piece.len - name.len - 1 };
}

/* Whether a pair of that name is there: else nothing has to be written anew. */
static bool has_pair(struct sl_str text, char end, struct sl_str name)
{
	struct sl_str piece;

	while (next_piece(&text, end, &piece))
		if (value_of(sl_str_trim(piece), name).ptr)
			return true;
	return false;
}

/* What is left of pairs without those of that name, which are counted in *ret_nr. */
static struct sl_str take_pairs(struct sl_str text, char end, struct sl_str name, char *mem,
				struct sl_str *ret_value, unsigned *ret_nr)
{
	struct sl_str piece, value;
	struct sl_out o;

	sl_out_init(&o, mem, text.len);
	*ret_nr = 0;
	while (next_piece(&text, end, &piece)) {
		value = value_of(sl_str_trim(piece), name);
		if (value.ptr) {
			*ret_value = value;
			++*ret_nr;
			continue;
		}
		if (sl_out_len(&o))
			sl_out_char(&o, end);
		sl_out_str(&o, sl_out_len(&o) ? piece : sl_str_trim(piece));
	}
	return sl_out_done(&o);
}

int sl_credential_take_query(struct sl_policy_call *call, struct sl_str name,
			     struct sl_str *ret_value)
{
	struct sl_str query = call->uri->query, left, value;
	unsigned nr;
	char *mem;

	if (!has_pair(query, '&', name))
		return 0;
	mem = sl_arena_alloc(call->arena, query.len * 2);
	if (!mem)
		return -ENOMEM;
	left = take_pairs(query, '&', name, mem, &value, &nr);
	call->uri->query = left.len ? left : nothing;
	*ret_value = decode(value, mem + query.len);
	return nr > 1 ? -EEXIST : 1;
}

/* ---- cookies ---- */

static bool is_cookie_field(const struct sl_field *f)
{
	return f->name_len == 6 && sl_str_ieq((struct sl_str){ f->name, 6 }, SL_S("cookie"));
}

static struct sl_str unquote(struct sl_str value)
{
	if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
		return (struct sl_str){ value.ptr + 1, value.len - 2 };
	return value;
}

static int take_from_cookies(struct sl_policy_call *call, struct sl_field *f, struct sl_str name,
			     struct sl_str *ret_value)
{
	struct sl_str all = sl_field_value(f), left;
	unsigned nr;
	char *mem;

	if (!has_pair(all, ';', name))
		return 0;
	mem = sl_arena_alloc(call->arena, all.len);
	if (!mem)
		return -ENOMEM;
	left = take_pairs(all, ';', name, mem, ret_value, &nr);
	*ret_value = unquote(*ret_value);
	f->value = left.ptr;
	f->value_len = (uint32_t)left.len;
	f->is_hop |= left.len == 0;
	return (int)nr;
}

int sl_credential_take_cookie(struct sl_policy_call *call, struct sl_str name,
			      struct sl_str *ret_value)
{
	int nr = 0, ret;

	for (unsigned i = 0; i < call->req->fields_nr; i++) {
		if (!is_cookie_field(&call->req->fields[i]))
			continue;
		ret = take_from_cookies(call, &call->req->fields[i], name, ret_value);
		if (ret < 0)
			return ret;
		nr += ret;
	}
	return nr > 1 ? -EEXIST : nr;
}
