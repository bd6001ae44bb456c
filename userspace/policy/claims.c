// SPDX-License-Identifier: Apache-2.0
// Picks claims out of JSON.
#include "policy/claims.h"

#include <stdio.h>

#include "expr/claims.h"

enum { NUMBER_BYTES = 24 };

/* Down the names of the path, each of an object in the one before. */
static const json_t *find(const json_t *claims, struct sl_str path)
{
	while (claims) {
		const char *end = memchr(path.ptr, '\x1f', path.len);
		size_t len = end ? (size_t)(end - path.ptr) : path.len;

		claims = json_object_getn(claims, path.ptr, len);
		if (!end)
			return claims;
		path = (struct sl_str){ end + 1, path.len - len - 1 };
	}
	return NULL;
}

/* ptr NULL: it is none that has a text. */
static struct sl_str text_of(const json_t *value, char mem[NUMBER_BYTES])
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		return (struct sl_str){ json_string_value(value), json_string_length(value) };
	case JSON_INTEGER:
		return (struct sl_str){ mem,
					(size_t)snprintf(mem, NUMBER_BYTES, "%" JSON_INTEGER_FORMAT,
							 json_integer_value(value)) };
	case JSON_TRUE:
		return SL_S("true");
	case JSON_FALSE:
		return SL_S("false");
	default:
		return (struct sl_str){ NULL, 0 };
	}
}

static void put_list(struct sl_out *o, const json_t *list)
{
	size_t begin = sl_claim_begin(o, SL_CLAIM_LIST), i;
	char mem[NUMBER_BYTES];
	const json_t *one;

	json_array_foreach(list, i, one)
	{
		struct sl_str text = text_of(one, mem);

		if (text.ptr)
			sl_claim_put_item(o, text);
	}
	sl_claim_end(o, begin);
}

static void put(struct sl_out *o, const json_t *value)
{
	char mem[NUMBER_BYTES];
	struct sl_str text;
	size_t begin;

	if (json_is_array(value)) {
		put_list(o, value);
		return;
	}
	text = value ? text_of(value, mem) : (struct sl_str){ NULL, 0 };
	begin = sl_claim_begin(o, text.ptr ? SL_CLAIM_TEXT : SL_CLAIM_MISSING);
	if (text.ptr)
		sl_out_str(o, text);
	sl_claim_end(o, begin);
}

bool sl_claims_take(struct sl_arena *arena, const struct sl_expr_claims *wanted,
		    const json_t *claims, size_t json_bytes, struct sl_str *ret_packed)
{
	/* An item of two bytes, "1,", becomes three; no value is named twice. */
	size_t room = (size_t)SL_CLAIM_HEAD * wanted->nr + 3 * json_bytes;
	struct sl_out o;
	char *mem;

	*ret_packed = (struct sl_str){ "", 0 };
	if (wanted->nr == 0)
		return true;
	mem = sl_arena_alloc(arena, room);
	if (!mem)
		return false;
	sl_out_init(&o, mem, room);
	for (unsigned i = 0; i < wanted->nr; i++)
		put(&o, find(claims, wanted->paths[i]));
	*ret_packed = sl_out_done(&o);
	return !o.overflow;
}
