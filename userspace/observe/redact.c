// SPDX-License-Identifier: Apache-2.0
// Finds the values in a query that are not to be written down.
#include "observe/redact.h"

static uint32_t letter_bit(char c)
{
	return 1u << (sl_lower(c) & 31);
}

void sl_redact_index(struct sl_redact *r)
{
	r->first = 0;
	for (unsigned i = 0; i < r->names_nr; i++)
		r->first |= letter_bit(r->names[i].ptr[0]);
}

static int hex_value(char c)
{
	c = sl_lower(c);
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* As an upstream would read it.  0 for a name that is longer than any that we look for. */
static size_t decode_name(struct sl_str name, char mem[SL_REDACT_NAME_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (c == '%' && name.len - i > 2 && hex_value(name.ptr[i + 1]) >= 0 &&
		    hex_value(name.ptr[i + 2]) >= 0) {
			c = (char)(hex_value(name.ptr[i + 1]) << 4 | hex_value(name.ptr[i + 2]));
			i += 2;
		}
		if (n == SL_REDACT_NAME_MAX)
			return 0;
		mem[n++] = c;
	}
	return n;
}

static bool is_secret(const struct sl_redact *r, struct sl_str name)
{
	char mem[SL_REDACT_NAME_MAX];
	struct sl_str plain = { mem, 0 };

	if (name.len == 0 || (name.ptr[0] != '%' && !(r->first & letter_bit(name.ptr[0]))))
		return false;
	plain.len = decode_name(name, mem);
	for (unsigned i = 0; i < r->names_nr && plain.len; i++)
		if (sl_str_ieq(r->names[i], plain))
			return true;
	return false;
}

/* From the '=' behind a secret's name. */
static void cut(struct sl_str *rest, size_t equals, struct sl_str *ret_shown)
{
	const char *value = rest->ptr + equals + 1;
	size_t left = rest->len - equals - 1;
	const char *end = memchr(value, '&', left);
	size_t len = end ? (size_t)(end - value) : left;

	*ret_shown = (struct sl_str){ rest->ptr, equals + 1 };
	*rest = (struct sl_str){ value + len, left - len };
}

bool sl_redact_next(const struct sl_redact *r, struct sl_str *rest, struct sl_str *ret_shown)
{
	bool is_name = true;
	size_t start = 0;

	if (r->names_nr == 0)
		return false;
	for (size_t i = 0; i < rest->len; i++) {
		char c = rest->ptr[i];

		if (c == '&' || c == ';') {
			start = i + 1;
			is_name = true;
		} else if (c == '=' && is_name) {
			is_name = false;
			if (!is_secret(r, (struct sl_str){ rest->ptr + start, i - start }))
				continue;
			cut(rest, i, ret_shown);
			return true;
		}
	}
	return false;
}

void sl_redact_print(const struct sl_redact *r, struct sl_out *o, struct sl_str query,
		     void (*put_part)(struct sl_out *o, struct sl_str part))
{
	struct sl_str shown;

	while (sl_redact_next(r, &query, &shown)) {
		put_part(o, shown);
		sl_out_lit(o, "REDACTED");
	}
	put_part(o, query);
}

void sl_redact_print_uri(const struct sl_redact *r, struct sl_out *o, struct sl_str uri,
			 void (*put_part)(struct sl_out *o, struct sl_str part))
{
	const char *question = uri.len ? memchr(uri.ptr, '?', uri.len) : NULL;
	size_t n = question ? (size_t)(question - uri.ptr) + 1 : uri.len;

	put_part(o, (struct sl_str){ uri.ptr, n });
	sl_redact_print(r, o, (struct sl_str){ uri.ptr + n, uri.len - n }, put_part);
}
