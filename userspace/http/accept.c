// SPDX-License-Identifier: Apache-2.0
// Reads Accept: media ranges and their quality.
#include "http/accept.h"

#include <assert.h>

/* How closely a range names a type: the closest one decides, whatever its quality. */
enum closeness { NOT_AT_ALL, ANY, ANY_SUBTYPE, EXACT };

struct opinion {
	enum closeness closeness;
	unsigned quality; /* thousandths */
};

static struct sl_str cut_at(struct sl_str *s, char c)
{
	const char *at = memchr(s->ptr, c, s->len);
	size_t n = at ? (size_t)(at - s->ptr) : s->len;
	struct sl_str head = { s->ptr, n };

	n += at != NULL;
	s->ptr += n;
	s->len -= n;
	return sl_str_trim(head);
}

/* qvalue = "0" [ "." 0*3DIGIT ] or "1" [ "." 0*3("0") ]; false for anything else. */
static bool parse_quality(struct sl_str s, unsigned *ret_quality)
{
	unsigned quality = 0, weight = 100;

	if (!s.len || s.len > 5 || (s.ptr[0] != '0' && s.ptr[0] != '1'))
		return false;
	if (s.len > 1 && s.ptr[1] != '.')
		return false;
	quality = s.ptr[0] == '1' ? 1000 : 0;
	for (size_t i = 2; i < s.len; i++, weight /= 10) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
		quality += (unsigned)(s.ptr[i] - '0') * weight;
	}
	*ret_quality = quality;
	return quality <= 1000;
}

/* Cuts a range off its parameters and reads "q" among them; false when that is malformed. */
static bool parse_range(struct sl_str item, struct sl_str *ret_range, unsigned *ret_quality)
{
	*ret_quality = 1000;
	*ret_range = cut_at(&item, ';');
	while (item.len) {
		struct sl_str value = cut_at(&item, ';');
		struct sl_str name = cut_at(&value, '=');

		if (sl_str_ieq(name, SL_S("q")))
			return parse_quality(sl_str_trim(value), ret_quality);
	}
	return true;
}

static enum closeness compare(struct sl_str range, struct sl_str type)
{
	size_t main_len = (size_t)((char *)memchr(type.ptr, '/', type.len) - type.ptr) + 1;

	if (sl_str_eq(range, SL_S("*/*")))
		return ANY;
	if (sl_str_ieq(range, type))
		return EXACT;
	if (range.len == main_len + 1 && range.ptr[main_len] == '*' &&
	    sl_str_ieq((struct sl_str){ range.ptr, main_len },
		       (struct sl_str){ type.ptr, main_len }))
		return ANY_SUBTYPE;
	return NOT_AT_ALL;
}

static void read_list(struct sl_str list, const struct sl_str *types, unsigned types_nr,
		      struct opinion *opinions)
{
	struct sl_str item, range;
	unsigned quality;

	while (sl_str_list_next(&list, &item)) {
		if (!parse_range(item, &range, &quality))
			continue;
		for (unsigned i = 0; i < types_nr; i++) {
			enum closeness closeness = compare(range, types[i]);

			if (closeness > opinions[i].closeness)
				opinions[i] = (struct opinion){ closeness, quality };
		}
	}
}

unsigned sl_accept_choose(const struct sl_field *fields, unsigned fields_nr,
			  const struct sl_str *types, unsigned types_nr)
{
	struct opinion opinions[SL_ACCEPT_TYPES_MAX] = { 0 };
	unsigned best = 0;

	assert(types_nr > 0 && types_nr <= SL_ACCEPT_TYPES_MAX);
	for (unsigned i = 0; i < fields_nr; i++)
		if (sl_str_ieq((struct sl_str){ fields[i].name, fields[i].name_len },
			       SL_S("accept")))
			read_list(sl_field_value(&fields[i]), types, types_nr, opinions);
	for (unsigned i = 1; i < types_nr; i++)
		if (opinions[i].quality > opinions[best].quality)
			best = i;
	return best;
}
