// SPDX-License-Identifier: Apache-2.0
// Bounded writer: numbers, JSON strings and printf into a fixed buffer.
#include "base/out.h"

#include <stdarg.h>
#include <stdio.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

static const char hex_digits[] = "0123456789abcdef";

/* "00" to "99": half the divisions.  Numbers are most of a log line. */
static const char two_digits[] = "00010203040506070809101112131415161718192021222324"
				 "25262728293031323334353637383940414243444546474849"
				 "50515253545556575859606162636465666768697071727374"
				 "75767778798081828384858687888990919293949596979899";

void sl_out_u64(struct sl_out *o, uint64_t v)
{
	char tmp[20];
	int n = sizeof(tmp);

	for (; v >= 100; v /= 100) {
		n -= 2;
		memcpy(tmp + n, two_digits + v % 100 * 2, 2);
	}
	if (v >= 10) {
		n -= 2;
		memcpy(tmp + n, two_digits + v * 2, 2);
	} else {
		tmp[--n] = (char)('0' + v);
	}
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

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static uint64_t load64(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Whether one of eight bytes is not plain.  Exact for bytes below 0x80: the high bit of a byte of
 * x - k is set where that byte is less than k, and a borrow can only come from such a byte. */
static bool has_special(uint64_t x)
{
	const uint64_t ones = 0x0101010101010101ull, high = 0x80 * ones;
	uint64_t quote = x ^ '"' * ones, slash = x ^ '\\' * ones, del = x ^ 0x7f * ones;

	return ((x - 0x20 * ones) | (quote - ones) | (slash - ones) | (del - ones) | x) & high;
}

/* How many bytes at the start need no escape. */
static size_t plain_len(const char *p, size_t len)
{
	size_t n = 0;

#ifdef __SSE2__
	for (; len - n >= 16; n += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + n));
		/* As signed bytes 0x80 to 0xff are below 0x20 too. */
		__m128i bad = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));

		bad = _mm_or_si128(bad, _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));
		bad = _mm_or_si128(bad, _mm_cmpeq_epi8(v, _mm_set1_epi8('"')));
		bad = _mm_or_si128(bad, _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
		if (_mm_movemask_epi8(bad))
			return n + (size_t)__builtin_ctz((unsigned)_mm_movemask_epi8(bad));
	}
#endif
	/* What is left, eight at a time: most strings of a log line are short. */
	for (; len - n >= 8; n += 8)
		if (has_special(load64(p + n)))
			break;
	while (n < len && is_plain((unsigned char)p[n]))
		n++;
	return n;
}

static inline void put_escaped(struct sl_out *o, struct sl_str s,
			       void (*escape)(struct sl_out *o, unsigned char c))
{
	while (s.len > 0) {
		size_t n = plain_len(s.ptr, s.len);

		sl_out_mem(o, s.ptr, n);
		if (n < s.len)
			escape(o, (unsigned char)s.ptr[n++]);
		s = (struct sl_str){ s.ptr + n, s.len - n };
	}
}

void sl_out_json_part(struct sl_out *o, struct sl_str s)
{
	put_escaped(o, s, json_escape);
}

void sl_out_json(struct sl_out *o, struct sl_str s)
{
	sl_out_char(o, '"');
	put_escaped(o, s, json_escape);
	sl_out_char(o, '"');
}

static void hex_escape(struct sl_out *o, unsigned char c)
{
	static const char upper[] = "0123456789ABCDEF";

	sl_out_mem(o, (const char[]){ '\\', 'x', upper[c >> 4], upper[c & 15] }, 4);
}

void sl_out_escaped(struct sl_out *o, struct sl_str s)
{
	put_escaped(o, s, hex_escape);
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
