// SPDX-License-Identifier: Apache-2.0
// Prefixes: parse, print, sort.
#include "kern/prefix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/addr.h"

void sl_prefixes_fini(struct sl_prefixes *list)
{
	free(list->rules);
	free(list->slots);
	free(list->prefixes);
	*list = (struct sl_prefixes){ 0 };
}

int sl_prefixes_add(struct sl_prefixes *list, const struct sl_prefix *p)
{
	if (list->nr == list->room) {
		size_t room = list->room ? list->room * 2 : 64;
		struct sl_prefix *grown = reallocarray(list->prefixes, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->prefixes = grown;
		list->room = room;
	}
	list->prefixes[list->nr++] = *p;
	return 0;
}

/* FNV-1a: a list has some thousand rules at most, and whoever may write one may write any. */
static uint32_t hash_rule(const struct sl_rule *rule)
{
	const uint8_t *p = (const uint8_t *)rule;
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < sizeof(*rule); i++)
		hash = (hash ^ p[i]) * 16777619u;
	return hash;
}

/* The slot of a rule, or the free one where it would be; there is always a free one. */
static uint32_t *find_slot(const struct sl_prefixes *list, const struct sl_rule *rule)
{
	uint32_t at = hash_rule(rule);

	for (;; at++) {
		uint32_t *slot = &list->slots[at & (list->slots_nr - 1)];

		if (!*slot || memcmp(&list->rules[*slot - 1], rule, sizeof(*rule)) == 0)
			return slot;
	}
}

/* Room for one rule more, and slots for at least twice as many. */
static int grow_rules(struct sl_prefixes *list)
{
	uint32_t room = list->rules_room ? list->rules_room * 2 : 8;
	uint32_t *slots = calloc((size_t)room * 2, sizeof(*slots));
	struct sl_rule *grown = reallocarray(list->rules, room, sizeof(*grown));

	if (grown)
		list->rules = grown;
	if (!grown || !slots) {
		free(slots);
		return -ENOMEM;
	}
	free(list->slots);
	list->slots = slots;
	list->slots_nr = room * 2;
	list->rules_room = room;
	for (uint32_t i = 0; i < list->rules_nr; i++)
		*find_slot(list, &list->rules[i]) = i + 1;
	return 0;
}

int sl_prefixes_rule(struct sl_prefixes *list, const struct sl_rule *rule)
{
	uint32_t *slot = list->slots_nr ? find_slot(list, rule) : NULL;
	int ret;

	if (slot && *slot)
		return (int)*slot - 1;
	if (list->rules_nr == SL_RULES_MAX)
		return -E2BIG;
	if (!slot || list->rules_nr == list->rules_room) {
		ret = grow_rules(list);
		if (ret < 0)
			return ret;
		slot = find_slot(list, rule);
	}
	list->rules[list->rules_nr] = *rule;
	*slot = ++list->rules_nr;
	return (int)*slot - 1;
}

static uint64_t half_of(const uint8_t *bytes)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | bytes[i];
	return v;
}

/* "0" to "128", no sign, no leading zero that somebody could read as octal. */
static int parse_length(struct sl_str text, unsigned max, unsigned *ret_length)
{
	unsigned v = 0;

	if (!text.len || text.len > 3 || (text.len > 1 && text.ptr[0] == '0'))
		return -EINVAL;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return -EINVAL;
		v = v * 10 + (unsigned)(text.ptr[i] - '0');
	}
	if (v > max)
		return -EINVAL;
	*ret_length = v;
	return 0;
}

/* "192.0.2.1" with no more than that; what it does not take, the slower one judges. */
static bool parse_dotted(struct sl_str text, uint32_t *ret_address)
{
	uint32_t address = 0, byte = 0;
	unsigned digits = 0, dots = 0;

	for (size_t i = 0; i < text.len; i++) {
		unsigned c = (unsigned char)text.ptr[i] - '0';

		if (c < 10 && digits < 3 && (digits == 0 || byte)) {
			byte = byte * 10 + c;
			digits++;
		} else if (text.ptr[i] == '.' && digits && byte < 256 && dots < 3) {
			address = address << 8 | byte;
			byte = digits = 0;
			dots++;
		} else {
			return false;
		}
	}
	*ret_address = address << 8 | byte;
	return dots == 3 && digits && byte < 256;
}

static int parse_address(struct sl_str text, uint64_t *ret_hi, uint64_t *ret_lo)
{
	uint32_t dotted;
	struct sl_ip ip;

	if (parse_dotted(text, &dotted)) {
		*ret_hi = 0;
		*ret_lo = 0xffffull << 32 | dotted;
		return 0;
	}
	if (sl_ip_parse(text, &ip) < 0)
		return -EINVAL;
	*ret_hi = half_of(ip.b);
	*ret_lo = half_of(ip.b + 8);
	return 0;
}

int sl_prefix_parse(struct sl_str text, struct sl_prefix *ret_prefix, bool *ret_had_host_bits)
{
	const char *slash = text.len ? memchr(text.ptr, '/', text.len) : NULL;
	struct sl_str address = text;
	struct sl_prefix p = { 0 };
	unsigned length = 128;
	uint64_t hi, lo;
	bool is_dotted;

	if (slash)
		address.len = (size_t)(slash - text.ptr);
	if (parse_address(address, &hi, &lo) < 0)
		return -EINVAL;
	is_dotted = !memchr(address.ptr, ':', address.len);
	if (slash) {
		struct sl_str rest = { slash + 1, text.len - address.len - 1 };

		if (parse_length(rest, is_dotted ? 32 : 128, &length) < 0)
			return -EINVAL;
		length += is_dotted ? 96 : 0;
	}
	p.length = (uint8_t)length;
	p.hi = hi & sl_mask64(length, 0);
	p.lo = lo & sl_mask64(length, 64);
	*ret_had_host_bits = p.hi != hi || p.lo != lo;
	*ret_prefix = p;
	return 0;
}

void sl_prefix_print(struct sl_out *o, const struct sl_prefix *p)
{
	struct sl_ip ip;

	for (int i = 0; i < 8; i++) {
		ip.b[i] = (uint8_t)(p->hi >> (56 - 8 * i));
		ip.b[8 + i] = (uint8_t)(p->lo >> (56 - 8 * i));
	}
	sl_ip_print(o, &ip);
	if (p->length == 128)
		return;
	sl_out_char(o, '/');
	sl_out_u64(o, sl_prefix_is_v4(p) ? p->length - 96u : p->length);
}

int sl_prefix_cmp(const struct sl_prefix *a, const struct sl_prefix *b)
{
	bool a4 = sl_prefix_is_v4(a), b4 = sl_prefix_is_v4(b);

	if (a4 != b4)
		return a4 ? -1 : 1;
	if (a->hi != b->hi)
		return a->hi < b->hi ? -1 : 1;
	if (a->lo != b->lo)
		return a->lo < b->lo ? -1 : 1;
	return (a->length > b->length) - (a->length < b->length);
}

/* How strong a rule is among those of one prefix: 0 is the strongest.  Allow beats deny, and what
 * holds only sometimes comes before what it would otherwise never get past. */
static unsigned rank_of(const struct sl_prefixes *list, const struct sl_prefix *p)
{
	static const uint8_t ranks[] = {
		[SL_ACTION_MANAGE] = 0, [SL_ACTION_ALLOW] = 1, [SL_ACTION_NONE] = 2,
		[SL_ACTION_REJECT] = 3, [SL_ACTION_DROP] = 4,  [SL_ACTION_SHADOW] = 5
	};
	const struct sl_rule *rule = &list->rules[p->rule];
	bool is_conditional = p->expires || rule->has_port || rule->ifindex;

	return ranks[rule->action] * 2u + !is_conditional;
}

/* A million of them are sorted by their keys alone, then fetched once. */
struct sort_item {
	uint64_t address; /* of the family: IPv4's 32 bits, or IPv6's first half */
	uint32_t rest;	  /* of IPv4: length, then strength, so that the strongest comes last */
	uint32_t index;
};

#define DIGIT_BITS 11
#define DIGITS (1u << DIGIT_BITS)

/* One pass of a radix sort by so many bits of the key from bit `shift` on; false if all are alike,
 * and nothing was moved. */
static bool sort_pass(const struct sort_item *from, struct sort_item *to, size_t nr, bool is_rest,
		      unsigned shift)
{
	size_t starts[DIGITS] = { 0 }, at = 0;

#define DIGIT(item) ((size_t)((is_rest ? (item).rest : (item).address) >> shift) & (DIGITS - 1))
	for (size_t i = 0; i < nr; i++)
		starts[DIGIT(from[i])]++;
	if (starts[DIGIT(from[0])] == nr)
		return false;
	for (size_t i = 0; i < DIGITS; i++) {
		size_t count = starts[i];

		starts[i] = at;
		at += count;
	}
	for (size_t i = 0; i < nr; i++)
		to[starts[DIGIT(from[i])]++] = from[i];
#undef DIGIT
	return true;
}

/* Sorts items, using other as room; returns whichever of the two holds the result. */
static struct sort_item *sort_items(struct sort_item *items, struct sort_item *other, size_t nr)
{
	for (unsigned shift = 0; nr && shift < 64 + DIGIT_BITS; shift += DIGIT_BITS) {
		bool is_rest = shift == 0;

		if (sort_pass(items, other, nr, is_rest, is_rest ? 0 : shift - DIGIT_BITS)) {
			struct sort_item *swap = items;

			items = other;
			other = swap;
		}
	}
	return items;
}

/* The few whose first half and length are alike, as IPv6 prefixes beyond /64 are. */
static int by_second_half(const struct sl_prefixes *list, const struct sl_prefix *a,
			  const struct sl_prefix *b)
{
	int order = sl_prefix_cmp(a, b);

	if (order)
		return order;
	return (int)rank_of(list, b) - (int)rank_of(list, a);
}

static int compare_in(const void *a, const void *b, void *list)
{
	return by_second_half(list, a, b);
}

static bool is_sorted(const struct sl_prefixes *list)
{
	for (size_t i = 1; i < list->nr; i++)
		if (by_second_half(list, &list->prefixes[i - 1], &list->prefixes[i]) > 0)
			return false;
	return true;
}

/* The radix sort knows IPv6 by its first half only; runs of one half are put in order here. */
static void sort_runs(struct sl_prefixes *list, size_t first)
{
	for (size_t i = first, end; i < list->nr; i = end) {
		end = i + 1;
		while (end < list->nr && list->prefixes[end].hi == list->prefixes[i].hi)
			end++;
		if (end - i > 1)
			qsort_r(&list->prefixes[i], end - i, sizeof(*list->prefixes), compare_in,
				list);
	}
}

static size_t fill_items(const struct sl_prefixes *list, bool is_v4, struct sort_item *items)
{
	size_t nr = 0;

	for (size_t i = 0; i < list->nr; i++) {
		const struct sl_prefix *p = &list->prefixes[i];

		if (sl_prefix_is_v4(p) != is_v4)
			continue;
		items[nr++] = (struct sort_item){
			.address = is_v4 ? (uint32_t)p->lo : p->hi,
			.rest = is_v4 ? (p->length - 96u) << 4 | (15 - rank_of(list, p)) : 0,
			.index = (uint32_t)i,
		};
	}
	return nr;
}

int sl_prefixes_sort(struct sl_prefixes *list)
{
	struct sort_item *items, *sorted;
	struct sl_prefix *copy;
	size_t nr4 = 0, nr6;

	if (is_sorted(list))
		return 0;
	if (list->nr > UINT32_MAX / 2)
		return -ENOMEM;
	items = reallocarray(NULL, list->nr * 2, sizeof(*items));
	copy = reallocarray(NULL, list->nr, sizeof(*copy));
	if (!items || !copy) {
		free(items);
		free(copy);
		return -ENOMEM;
	}
	nr4 = fill_items(list, true, items);
	sorted = sort_items(items, items + list->nr, nr4);
	for (size_t i = 0; i < nr4; i++)
		copy[i] = list->prefixes[sorted[i].index];
	nr6 = fill_items(list, false, items);
	sorted = sort_items(items, items + list->nr, nr6);
	for (size_t i = 0; i < nr6; i++)
		copy[nr4 + i] = list->prefixes[sorted[i].index];
	free(items);
	free(list->prefixes);
	list->prefixes = copy;
	list->room = list->nr;
	sort_runs(list, nr4);
	return 0;
}
