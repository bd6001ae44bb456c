// SPDX-License-Identifier: Apache-2.0
// From sorted prefixes to an image.
#include "kern/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHILDREN 256
/* A /24 with more prefixes longer than itself gets a node: a chain costs a cache line an entry. */
#define CHAIN_IN_LEAF 4

struct compiler {
	struct sl_image *image;
	struct sl_image_head *head;
	const struct sl_prefixes *list;
	uint32_t *numbers; /* of each prefix's entry */
	uint8_t *depths;   /* of the chain that begins with an entry */
	uint64_t *cover;   /* of each /16: the leaf that holds where nothing longer does */
	uint64_t *leaves;
	size_t leaves_nr, leaves_room;
	uint32_t lines; /* given out so far */
	size_t culprit;
};

static int take_lines(struct compiler *c, uint64_t nr, uint32_t *ret_first)
{
	if (nr > c->image->nr - c->lines)
		return -ENOSPC;
	*ret_first = c->lines;
	c->lines += (uint32_t)nr;
	return 0;
}

static struct sl_entry *entry_at(struct sl_image *image, uint32_t number)
{
	return sl_image_entry(image, sl_image_line(image, 0), number);
}

/* Whether a lookup may go on to what lies behind. */
static bool is_conditional(const struct sl_prefixes *list, const struct sl_prefix *p)
{
	const struct sl_rule *rule = &list->rules[p->rule];

	return p->expires || rule->has_port || rule->ifindex || rule->action == SL_ACTION_SHADOW;
}

static int write_rules(struct compiler *c)
{
	int ret = take_lines(c, c->list->rules_nr, &c->head->rules);

	if (ret < 0 || !c->list->rules_nr)
		return ret;
	memcpy(sl_image_line(c->image, c->head->rules), c->list->rules,
	       c->list->rules_nr * sizeof(struct sl_rule));
	return 0;
}

static void write_entry(struct compiler *c, const struct sl_prefix *p, uint32_t number)
{
	struct sl_entry *e = entry_at(c->image, number);

	*e = (struct sl_entry){
		.expires = p->expires,
		.rule = p->rule,
		.hits = p->hits,
		.last_hit = p->last_hit,
		.since = p->since,
	};
	if (sl_prefix_is_v4(p)) {
		e->address = (uint32_t)p->lo;
		e->length = (uint8_t)(p->length - 96);
		e->family = 4;
		return;
	}
	e->length = p->length;
	e->family = 6;
	((struct sl_entry6 *)e)->hi = p->hi;
	((struct sl_entry6 *)e)->lo = p->lo;
}

static int write_entries(struct compiler *c)
{
	const struct sl_prefixes *list = c->list;
	uint64_t number = SL_ENTRY_FIRST;
	size_t i;
	int ret;

	for (i = 0; i < list->nr; i++) {
		if (!sl_prefix_is_v4(&list->prefixes[i]))
			number += number & 1;
		c->numbers[i] = (uint32_t)number;
		number += sl_prefix_is_v4(&list->prefixes[i]) ? 1 : 2;
		if (number > c->image->nr * 2ull)
			return -ENOSPC;
	}
	c->head->entries_end = (uint32_t)number;
	ret = take_lines(c, (number + 1) / SL_ENTRIES_A_LINE, &c->head->entries);
	if (ret < 0)
		return ret;
	for (i = 0; i < list->nr; i++)
		write_entry(c, &list->prefixes[i], c->numbers[i]);
	return 0;
}

/* The leaf that begins with prefix i. */
static uint64_t leaf_of(const struct compiler *c, size_t i, bool is_partial)
{
	const struct sl_prefix *p = &c->list->prefixes[i];
	uint64_t leaf = c->numbers[i], mask;

	if (!is_conditional(c->list, p))
		leaf |= (1ull + c->list->rules[p->rule].action) << SL_LEAF_ACTION_SHIFT;
	if (!is_partial)
		return leaf;
	mask = 0xff00u >> (p->length - 96 - 24) & 255;
	return leaf | mask << SL_LEAF_MASK_SHIFT | (p->lo & mask) << SL_LEAF_BITS_SHIFT;
}

/* Puts prefix i in front of a leaf's chain; the old one is still reached if i does not hold always.
 * `is_partial`: nor everywhere that the leaf, which is of a /24 then, is for. */
static int chain_push(struct compiler *c, size_t i, bool is_partial, uint64_t *leaf)
{
	const struct sl_prefix *p = &c->list->prefixes[i];
	struct sl_entry *e = entry_at(c->image, c->numbers[i]);
	uint32_t chain = (uint32_t)*leaf & SL_LEAF_NUMBER;
	unsigned depth = 1;

	if (is_partial || is_conditional(c->list, p)) {
		e->next = chain;
		depth += chain ? c->depths[chain] : 0;
	}
	if (depth > SL_CHAIN_MAX) {
		c->culprit = i;
		return -E2BIG;
	}
	c->depths[c->numbers[i]] = (uint8_t)depth;
	*leaf = leaf_of(c, i, is_partial);
	return 0;
}

/* As chain_push() for a row of places that prefix i covers.  Those that have the same leaf in a
 * row share it; there can be no other, since what i covers was painted by what covers i. */
static int paint(struct compiler *c, size_t i, uint64_t *places, size_t nr)
{
	int ret = chain_push(c, i, false, &places[0]);

	if (ret < 0)
		return ret;
	for (size_t at = 1; at < nr; at++)
		places[at] = places[0];
	return 0;
}

static int add_leaf(struct compiler *c, uint64_t leaf)
{
	if (c->leaves_nr == c->leaves_room) {
		size_t room = c->leaves_room ? c->leaves_room * 2 : 4096;
		uint64_t *grown = reallocarray(c->leaves, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		c->leaves = grown;
		c->leaves_room = room;
	}
	c->leaves[c->leaves_nr++] = leaf;
	return 0;
}

static int write_node(struct compiler *c, struct sl_node *node, uint64_t covering,
		      const uint64_t *children)
{
	size_t first = c->leaves_nr;

	*node = (struct sl_node){ .first_leaf = (uint32_t)first, .covering = (uint32_t)covering };
	for (size_t i = 0; i < CHILDREN; i++) {
		int ret;

		if (i % 64 == 0)
			node->before[i / 64] = (uint8_t)(c->leaves_nr - first);
		if (children[i] == covering)
			continue;
		node->present[i / 64] |= 1ull << i % 64;
		ret = add_leaf(c, children[i]);
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* The /24 of prefixes [from, end), all longer, as a chain: the longest in front. */
static int chain_24(struct compiler *c, size_t from, size_t end, uint64_t *leaf)
{
	for (unsigned length = 96 + 25; length <= 128; length++) {
		for (size_t i = from; i < end; i++) {
			const struct sl_prefix *p = &c->list->prefixes[i];
			int ret;

			if (p->length != length || p->is_hidden)
				continue;
			ret = chain_push(c, i, true, leaf);
			if (ret < 0)
				return ret;
		}
	}
	return 0;
}

/* The same as a node with a child for each address. */
static int node_24(struct compiler *c, size_t from, size_t end, uint64_t *leaf)
{
	uint64_t children[CHILDREN], covering = *leaf;
	uint32_t line;
	int ret;

	for (size_t i = 0; i < CHILDREN; i++)
		children[i] = covering;
	for (size_t i = from; i < end; i++) {
		const struct sl_prefix *p = &c->list->prefixes[i];

		if (p->is_hidden)
			continue;
		ret = paint(c, i, &children[p->lo & 255], (size_t)1 << (128 - p->length));
		if (ret < 0)
			return ret;
	}
	ret = take_lines(c, 1, &line);
	if (ret < 0)
		return ret;
	*leaf = SL_LEAF_NODE | (line - c->head->nodes);
	return write_node(c, sl_image_line(c->image, line), covering, children);
}

static size_t end_of_24(const struct compiler *c, size_t from, size_t end)
{
	const struct sl_prefix *p = c->list->prefixes;
	size_t i = from;

	while (i < end && p[i].lo >> 8 == p[from].lo >> 8 && p[i].length > 96 + 24)
		i++;
	return i;
}

/* The node of the /16 that prefixes [from, end), all longer, are in. */
static int compile_16(struct compiler *c, size_t from, size_t end)
{
	const struct sl_prefix *p = c->list->prefixes;
	uint32_t number = (uint32_t)p[from].lo >> 16;
	uint64_t children[CHILDREN];
	int ret = 0;

	for (size_t i = 0; i < CHILDREN; i++)
		children[i] = c->cover[number];
	for (size_t i = from, next; i < end && ret == 0; i = next) {
		uint64_t *child = &children[p[i].lo >> 8 & 255];

		next = i + 1;
		if (p[i].length <= 96 + 24) {
			if (!p[i].is_hidden)
				ret = paint(c, i, child, (size_t)1 << (120 - p[i].length));
			continue;
		}
		next = end_of_24(c, i, end);
		ret = next - i <= CHAIN_IN_LEAF ? chain_24(c, i, next, child)
						: node_24(c, i, next, child);
	}
	if (ret < 0)
		return ret;
	return write_node(c, sl_image_line(c->image, c->head->nodes + number), c->cover[number],
			  children);
}

static int cover_16s(struct compiler *c, size_t nr4)
{
	for (size_t i = 0; i < nr4; i++) {
		const struct sl_prefix *p = &c->list->prefixes[i];
		int ret;

		if (p->length > 96 + 16 || p->is_hidden)
			continue;
		ret = paint(c, i, &c->cover[(uint32_t)p->lo >> 16], (size_t)1 << (112 - p->length));
		if (ret < 0)
			return ret;
	}
	for (size_t i = 0; i < SL_NODES_TOP; i++) {
		struct sl_node *node = sl_image_line(c->image, c->head->nodes + (uint32_t)i);

		node->covering = (uint32_t)c->cover[i];
	}
	return 0;
}

static void write_filter(struct compiler *c, uint32_t first)
{
	uint64_t *words = sl_image_line(c->image, first);
	const struct sl_node *nodes = sl_image_line(c->image, c->head->nodes);
	size_t used = 0;

	for (size_t i = 0; i < SL_NODES_TOP; i++) {
		const struct sl_node *n = &nodes[i];

		if (!n->covering &&
		    !(n->present[0] | n->present[1] | n->present[2] | n->present[3]))
			continue;
		words[i / 64] |= 1ull << i % 64;
		used++;
	}
	c->head->v4_is_sparse = used < SL_NODES_TOP / 2;
}

static int compile_v4(struct compiler *c, size_t nr4)
{
	const struct sl_prefix *p = c->list->prefixes;
	struct sl_leaf *leaves;
	uint32_t filter = 0, first;
	size_t lines;
	int ret;

	if (!nr4)
		return 0;
	ret = take_lines(c, SL_V4_FILTER_LINES, &filter);
	if (ret == 0)
		ret = take_lines(c, SL_NODES_TOP, &c->head->nodes);
	if (ret == 0)
		ret = cover_16s(c, nr4);
	for (size_t i = 0, end; i < nr4 && ret == 0; i = end) {
		end = i + 1;
		if (p[i].length <= 96 + 16)
			continue;
		while (end < nr4 && p[end].lo >> 16 == p[i].lo >> 16)
			end++;
		ret = compile_16(c, i, end);
	}
	if (ret < 0)
		return ret;
	write_filter(c, filter);
	lines = (c->leaves_nr + SL_LEAVES_A_LINE - 1) / SL_LEAVES_A_LINE;
	ret = take_lines(c, lines, &first);
	if (ret < 0 || !lines)
		return ret;
	c->head->leaves = first;
	c->head->leaves_nr = (uint32_t)c->leaves_nr;
	leaves = sl_image_line(c->image, first);
	for (size_t i = 0; i < c->leaves_nr; i++)
		leaves[i].what = c->leaves[i];
	return 0;
}

/* `place`: of its length in v6_lengths. */
static void filter_add(struct compiler *c, const struct sl_prefix *p, unsigned place)
{
	uint64_t marks = p->length >= 32 ? 1 : 1ull << (32 - p->length);

	if (p->length < SL_V6_FILTER_MIN_LEN)
		return;
	for (uint64_t i = 0; i < marks; i++) {
		uint32_t at = sl_v6_filter_at(c->head->seed, p->hi + (i << 32));
		uint8_t *line = sl_image_line(c->image, c->head->v6_filter + at / SL_LINE_SIZE);

		line[at % SL_LINE_SIZE] |= (uint8_t)(1u << place % 8);
	}
}

/* Whether a lookup that begins at one of the lines before could see this print beside another. */
static bool has_print(struct compiler *c, uint32_t at, uint32_t print)
{
	for (uint32_t i = 0; i < SL_V6_SPILL_MAX; i++) {
		uint32_t number = (at + i) & c->head->v6_mask;
		struct sl_v6_line *line = sl_image_line(c->image, c->head->v6_table + number);

		for (size_t s = 0; s < SL_SLOTS_A_LINE; s++)
			if (line->slots[s].entry && line->slots[s].print == print)
				return true;
	}
	return false;
}

/* -EAGAIN: not with this seed, or not in so small a table. */
static int table_add(struct compiler *c, const struct sl_prefix *p, uint32_t chain)
{
	struct sl_v6_prefix key = { p->hi, p->lo, p->length };
	uint64_t hash = sl_v6_hash(c->head->seed, &key);

	if (has_print(c, (uint32_t)hash - SL_V6_SPILL_MAX + 1, (uint32_t)(hash >> 32)) ||
	    has_print(c, (uint32_t)hash, (uint32_t)(hash >> 32)))
		return -EAGAIN;
	for (uint32_t i = 0; i < SL_V6_SPILL_MAX; i++) {
		uint32_t number = ((uint32_t)hash + i) & c->head->v6_mask;
		struct sl_v6_line *line = sl_image_line(c->image, c->head->v6_table + number);

		for (size_t s = 0; s < SL_SLOTS_A_LINE; s++) {
			if (line->slots[s].entry)
				continue;
			line->slots[s] = (struct sl_slot){ (uint32_t)(hash >> 32), chain };
			return 0;
		}
	}
	return -EAGAIN;
}

static void write_lengths(struct compiler *c, const bool *is_used, uint8_t *places)
{
	uint8_t *lengths = (uint8_t *)sl_image_line(c->image, SL_IMAGE_V6_LENGTHS);

	for (int length = 128; length >= 0; length--) {
		if (!is_used[length])
			continue;
		places[length] = (uint8_t)c->head->v6_lengths_nr;
		lengths[c->head->v6_lengths_nr++] = (uint8_t)length;
		c->head->v6_unfiltered += length < SL_V6_FILTER_MIN_LEN;
	}
}

/* All prefixes from nr4 on into a table of so many lines. */
static int fill_table(struct compiler *c, size_t nr4, bool *is_used)
{
	const struct sl_prefixes *list = c->list;

	for (size_t i = nr4, end; i < list->nr; i = end) {
		const struct sl_prefix *p = &list->prefixes[i];
		uint64_t chain = 0;
		int ret = 0;

		for (end = i; end < list->nr && sl_prefix_cmp(p, &list->prefixes[end]) == 0; end++)
			if (!list->prefixes[end].is_hidden && ret == 0)
				ret = chain_push(c, end, false, &chain);
		if (ret == 0 && chain)
			ret = table_add(c, p, (uint32_t)chain & SL_LEAF_NUMBER);
		if (ret < 0)
			return ret;
		is_used[p->length] |= chain != 0;
	}
	return 0;
}

static int compile_v6(struct compiler *c, size_t nr4)
{
	size_t nr = c->list->nr - nr4;
	bool is_used[129] = { false };
	uint8_t places[129] = { 0 };
	uint32_t lines = 1, at;
	int ret;

	if (!nr)
		return 0;
	ret = take_lines(c, SL_V6_FILTER_LINES, &c->head->v6_filter);
	if (ret < 0)
		return ret;
	at = c->lines;
	while (lines < nr / (SL_SLOTS_A_LINE / 2))
		lines *= 2;
	/* A table that overflows is made again, twice the size, with other hashes. */
	for (;; lines *= 2, c->head->seed = sl_mix64(c->head->seed + 1)) {
		c->lines = at;
		ret = take_lines(c, lines, &c->head->v6_table);
		if (ret < 0)
			return ret;
		c->head->v6_mask = lines - 1;
		memset(sl_image_line(c->image, at), 0, (size_t)lines * SL_LINE_SIZE);
		ret = fill_table(c, nr4, is_used);
		if (ret != -EAGAIN)
			break;
	}
	if (ret < 0)
		return ret;
	write_lengths(c, is_used, places);
	for (size_t i = nr4; i < c->list->nr; i++)
		filter_add(c, &c->list->prefixes[i], places[c->list->prefixes[i].length]);
	return 0;
}

/* A management prefix is never overruled, not by anything more specific either. */
void sl_prefixes_hide(struct sl_prefixes *list)
{
	const struct sl_prefix *manage = NULL;

	for (size_t i = 0; i < list->nr; i++) {
		struct sl_prefix *p = &list->prefixes[i];
		bool is_manage = list->rules[p->rule].action == SL_ACTION_MANAGE;

		if (manage &&
		    (p->length < manage->length || sl_prefix_is_v4(p) != sl_prefix_is_v4(manage) ||
		     (p->hi ^ manage->hi) & sl_mask64(manage->length, 0) ||
		     (p->lo ^ manage->lo) & sl_mask64(manage->length, 64)))
			manage = NULL;
		p->is_hidden = manage && !is_manage;
		if (!manage && is_manage && !is_conditional(list, p))
			manage = p;
	}
}

static int compile(struct compiler *c)
{
	size_t nr4 = 0;
	int ret;

	while (nr4 < c->list->nr && sl_prefix_is_v4(&c->list->prefixes[nr4]))
		nr4++;
	ret = write_rules(c);
	if (ret == 0)
		ret = write_entries(c);
	if (ret < 0)
		return ret;
	c->depths = calloc(c->head->entries_end, sizeof(*c->depths));
	if (!c->depths)
		return -ENOMEM;
	ret = compile_v6(c, nr4);
	/* Last: how many nodes and leaves there are is known when they are written. */
	return ret < 0 ? ret : compile_v4(c, nr4);
}

/* Management holds always: what holds for a port only, more specific entries would overrule. */
static int check_management(const struct sl_prefixes *list, size_t *ret_culprit)
{
	for (size_t i = 0; i < list->nr; i++) {
		const struct sl_prefix *p = &list->prefixes[i];

		if (list->rules[p->rule].action != SL_ACTION_MANAGE || !is_conditional(list, p))
			continue;
		*ret_culprit = i;
		return -EINVAL;
	}
	return 0;
}

int sl_image_compile(struct sl_image *image, struct sl_prefixes *list, uint32_t generation,
		     uint64_t seed, size_t *ret_culprit)
{
	struct compiler c = { .image = image, .list = list, .lines = SL_IMAGE_FIXED_LINES };
	int ret = sl_prefixes_sort(list);

	if (ret < 0)
		return ret;
	if (image->nr < SL_IMAGE_FIXED_LINES)
		return -ENOSPC;
	ret = check_management(list, ret_culprit);
	if (ret < 0)
		return ret;
	sl_prefixes_hide(list);
	c.head = sl_image_line(image, 0);
	*c.head = (struct sl_image_head){ .version = SL_IMAGE_VERSION,
					  .generation = generation,
					  .seed = seed };
	c.numbers = calloc(list->nr + 1, sizeof(*c.numbers));
	c.cover = calloc(SL_NODES_TOP, sizeof(*c.cover));
	ret = c.numbers && c.cover ? compile(&c) : -ENOMEM;
	free(c.numbers);
	free(c.cover);
	free(c.depths);
	free(c.leaves);
	if (ret == -E2BIG)
		*ret_culprit = c.culprit;
	if (ret < 0)
		return ret;
	c.head->lines = c.lines;
	c.head->magic = SL_IMAGE_MAGIC;
	return 0;
}
