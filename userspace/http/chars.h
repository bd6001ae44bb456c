/* SPDX-License-Identifier: Apache-2.0 */
/* Classes of bytes in HTTP grammar, and scans that stop at the first byte outside of one. */
#ifndef SL_HTTP_CHARS_H
#define SL_HTTP_CHARS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum sl_char {
	SL_CHAR_TOKEN = 1,	/* tchar: RFC 9110 5.6.2 */
	SL_CHAR_NAME = 2,	/* in a host name: letters, digits, "-", "_", "." */
	SL_CHAR_UNRESERVED = 4, /* RFC 3986 2.3 */
	SL_CHAR_HEX = 8,
	SL_CHAR_DIGIT = 16,
	SL_CHAR_PATH = 32,  /* stands in a normalised path as it is; '%' and '?' do not */
	SL_CHAR_QUERY = 64, /* stands in a query as it is */
	SL_CHAR_VALUE =
		128, /* in a field value: all but control characters, HTAB is one of these */
};

extern const uint8_t sl_chars[256];

static inline bool sl_char_is(char c, enum sl_char classes)
{
	return sl_chars[(unsigned char)c] & classes;
}

/* Of a character of SL_CHAR_HEX. */
static inline unsigned sl_hex_value(char c)
{
	return sl_char_is(c, SL_CHAR_DIGIT) ? (unsigned)(c - '0')
					    : (unsigned)((c | 0x20) - 'a' + 10);
}

#ifdef __SSE2__
/* One bit a byte of p[0..16): the bytes up to and including `last`, without `spared`, and DEL. */
static inline unsigned sl_low_bytes(const char *p, char last, char spared)
{
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
	__m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(last)), v);
	__m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));

	low = _mm_andnot_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(spared)), low);
	return (unsigned)_mm_movemask_epi8(_mm_or_si128(low, del));
}

/* One bit a byte of p[0..16): those that are neither letter nor '-': no part of most names. */
static inline unsigned sl_unusual_bytes(const char *p)
{
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
	__m128i lower = _mm_or_si128(v, _mm_set1_epi8(0x20));
	__m128i nth = _mm_sub_epi8(lower, _mm_set1_epi8('a'));
	__m128i letter = _mm_cmpeq_epi8(_mm_min_epu8(nth, _mm_set1_epi8(25)), nth);
	__m128i dash = _mm_cmpeq_epi8(v, _mm_set1_epi8('-'));

	return ~(unsigned)_mm_movemask_epi8(_mm_or_si128(letter, dash)) & 0xffff;
}
#endif

/* The first byte that is no tchar, or end. */
static inline const char *sl_scan_token(const char *p, const char *end)
{
#ifdef __SSE2__
	if (end - p >= 16) {
		unsigned stops = sl_unusual_bytes(p);

		p += stops ? __builtin_ctz(stops) : 16;
	}
#endif
	while (p < end && sl_char_is(*p, SL_CHAR_TOKEN))
		p++;
	return p;
}

/* The first byte that is not SL_CHAR_VALUE, or end; reads nothing at end or behind it. */
static inline const char *sl_scan_value(const char *p, const char *end)
{
#ifdef __SSE2__
	for (; end - p >= 16; p += 16) {
		unsigned stops = sl_low_bytes(p, 0x1f, '\t');

		if (stops)
			return p + __builtin_ctz(stops);
	}
#endif
	while (p < end && sl_char_is(*p, SL_CHAR_VALUE))
		p++;
	return p;
}

/* The first SP, control character (HTAB is one) or DEL, or end. */
static inline const char *sl_scan_graph(const char *p, const char *end)
{
#ifdef __SSE2__
	for (; end - p >= 16; p += 16) {
		unsigned stops = sl_low_bytes(p, ' ', 0x7f);

		if (stops)
			return p + __builtin_ctz(stops);
	}
#endif
	while (p < end && sl_char_is(*p, SL_CHAR_VALUE) && *p != ' ' && *p != '\t')
		p++;
	return p;
}

#endif
