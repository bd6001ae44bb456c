/* SPDX-License-Identifier: Apache-2.0 */
/* A run of bytes that somebody else owns: pointer and length, never NUL-terminated. */
#ifndef SL_BASE_STR_H
#define SL_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct sl_str {
	const char *ptr;
	size_t len;
};

/* A literal as sl_str; usable in static initialisers. */
#define SL_STR(lit)                                                                                \
	{                                                                                          \
		"" lit, sizeof(lit) - 1                                                            \
	}
#define SL_S(lit) ((struct sl_str)SL_STR(lit))

/* For printf: "%.*s", SL_STR_ARG(s). */
#define SL_STR_ARG(s) (int)(s).len, (s).ptr

static inline struct sl_str sl_str_of(const char *z)
{
	return (struct sl_str){ z, strlen(z) };
}

static inline bool sl_str_eq(struct sl_str a, struct sl_str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* ASCII only: header names, host names and schemes are ASCII (RFC 9110 5.1, 4.2.3). */
static inline char sl_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline bool sl_str_ieq(struct sl_str a, struct sl_str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (sl_lower(a.ptr[i]) != sl_lower(b.ptr[i]))
			return false;
	return true;
}

static inline bool sl_str_starts(struct sl_str s, struct sl_str prefix)
{
	return s.len >= prefix.len && memcmp(s.ptr, prefix.ptr, prefix.len) == 0;
}

/* Without SP and HTAB at both ends: the OWS of RFC 9110 5.6.3. */
static inline struct sl_str sl_str_trim(struct sl_str s)
{
	while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
		s.ptr++, s.len--;
	while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* Cuts the next element off a comma list and trims it; false when the list is used up.
 * Empty elements come out empty: RFC 9110 5.6.1 lets a reader skip them, the caller decides. */
static inline bool sl_str_list_next(struct sl_str *list, struct sl_str *ret_item)
{
	const char *comma;
	size_t n;

	if (!list->ptr)
		return false;
	comma = memchr(list->ptr, ',', list->len);
	n = comma ? (size_t)(comma - list->ptr) : list->len;
	*ret_item = sl_str_trim((struct sl_str){ list->ptr, n });
	if (comma)
		*list = (struct sl_str){ comma + 1, list->len - n - 1 };
	else
		*list = (struct sl_str){ NULL, 0 };
	return true;
}

#endif
