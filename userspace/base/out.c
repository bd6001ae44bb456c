// SPDX-License-Identifier: Apache-2.0
// Bounded writer: numbers, JSON strings and printf into a fixed buffer.
#include "base/out.h"

#include <stdarg.h>
#include <stdio.h>

static const char hex_digits[] = "0123456789abcdef";

void sl_out_u64(struct sl_out *o, uint64_t v)
{
	char tmp[20];
	int n = sizeof(tmp);

	do {
		tmp[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	sl_out_mem(o, tmp + n, sizeof(tmp) - (size_t)n);
}

void sl_out_hex_fixed(struct sl_out *o, uint64_t v, int digits)
{
	char tmp[16];

	for (int i = digits - 1; i >= 0; i--, v >>= 4)
		tmp[i] = hex_digits[v & 15];
	sl_out_mem(o, tmp, (size_t)digits);
}

void sl_out_hex(struct sl_out *o, uint64_t v)
{
	int digits = 1;

	while (digits < 16 && v >> (4 * digits))
		digits++;
	sl_out_hex_fixed(o, v, digits);
}

/* Bytes that are not ASCII are written as \u00XX: a log stays valid JSON (RFC 8259 8.1 asks
 * for UTF-8) whatever a client sent, and no byte is lost. */
static void json_escape(struct sl_out *o, unsigned char c)
{
	switch (c) {
	case '"':
		sl_out_lit(o, "\\\"");
		return;
	case '\\':
		sl_out_lit(o, "\\\\");
		return;
	case '\n':
		sl_out_lit(o, "\\n");
		return;
	case '\r':
		sl_out_lit(o, "\\r");
		return;
	case '\t':
		sl_out_lit(o, "\\t");
		return;
	default:
		sl_out_lit(o, "\\u00");
		sl_out_hex_fixed(o, c, 2);
	}
}

void sl_out_json(struct sl_out *o, struct sl_str s)
{
	size_t from = 0;

	sl_out_char(o, '"');
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
			continue;
		sl_out_mem(o, s.ptr + from, i - from);
		json_escape(o, c);
		from = i + 1;
	}
	if (s.len > from)
		sl_out_mem(o, s.ptr + from, s.len - from);
	sl_out_char(o, '"');
}

void sl_out_fmt(struct sl_out *o, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (o->overflow)
		return;
	va_start(ap, fmt);
	n = vsnprintf(o->pos, sl_out_room(o), fmt, ap);
	va_end(ap);
	/* vsnprintf needs one byte more than the text for its NUL. */
	if (n < 0 || (size_t)n >= sl_out_room(o)) {
		o->overflow = true;
		return;
	}
	o->pos += n;
}
