// SPDX-License-Identifier: Apache-2.0
// What an image says, without looking anything up: its entries in their order.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kern/image.h"

int sl_image_check(struct sl_image *image)
{
	const struct sl_image_head *head = sl_image_line(image, 0);

	if (!head || head->magic != SL_IMAGE_MAGIC || head->version != SL_IMAGE_VERSION)
		return -EBADMSG;
	if (head->lines > image->nr || head->entries >= head->lines || head->rules >= head->lines ||
	    head->rules > head->entries || head->leaves >= head->lines ||
	    head->leaves_nr > (uint64_t)(head->lines - head->leaves) * SL_LEAVES_A_LINE ||
	    head->entries_end > (uint64_t)(head->lines - head->entries) * SL_ENTRIES_A_LINE)
		return -EBADMSG;
	return 0;
}

/* What the leaves have counted for an entry. */
struct settled {
	uint64_t hits;
	uint32_t last_hit;
};

/* By the number of an entry; NULL without memory. */
static struct settled *read_leaves(struct sl_image *image)
{
	const struct sl_image_head *head = sl_image_line(image, 0);
	const struct sl_leaf *leaves = sl_image_line(image, head->leaves);
	struct settled *all = calloc(head->entries_end + 1ull, sizeof(*all));

	for (uint32_t i = 0; all && i < head->leaves_nr; i++) {
		uint32_t number = (uint32_t)leaves[i].what & SL_LEAF_NUMBER;

		if (leaves[i].what & SL_LEAF_NODE || number >= head->entries_end)
			continue;
		all[number].hits += leaves[i].hits;
		if (leaves[i].last_hit > all[number].last_hit)
			all[number].last_hit = leaves[i].last_hit;
	}
	return all;
}

struct sl_prefix sl_image_prefix(const struct sl_entry *e)
{
	struct sl_prefix p = { .hits = e->hits,
			       .expires = e->expires,
			       .last_hit = e->last_hit,
			       .since = e->since,
			       .rule = e->rule,
			       .length = e->length };

	if (e->family == 6) {
		p.hi = ((const struct sl_entry6 *)e)->hi;
		p.lo = ((const struct sl_entry6 *)e)->lo;
		return p;
	}
	p.lo = 0xffffull << 32 | e->address;
	p.length = (uint8_t)(96 + e->length);
	return p;
}

/* The next entry from *number on, which then is that of the one after it; NULL at the end. */
static struct sl_entry *next_entry(struct sl_image *image, uint32_t *number)
{
	const struct sl_image_head *head = sl_image_line(image, 0);

	while (*number < head->entries_end) {
		struct sl_entry *e = sl_image_entry(image, head, *number);

		*number += e->family == 6 ? 2 : 1;
		if (e->family)
			return e;
	}
	return NULL;
}

/* One walk over an image's entries. */
struct reader {
	struct sl_image *image;
	struct settled
		*settled; /* NULL: there was no memory, and what leaves have counted is not known */
	uint32_t number;  /* of the entry to read next */
};

/* The next entry, which is *ret_prefix with all its hits; NULL at the end. */
static struct sl_entry *read_next(struct reader *r, struct sl_prefix *ret_prefix)
{
	struct sl_entry *e = next_entry(r->image, &r->number);
	const struct settled *s;

	if (!e)
		return NULL;
	*ret_prefix = sl_image_prefix(e);
	if (!r->settled || e->family != 4)
		return e;
	s = &r->settled[r->number - 1];
	ret_prefix->hits += s->hits;
	if (s->last_hit > ret_prefix->last_hit)
		ret_prefix->last_hit = s->last_hit;
	return e;
}

static int read_entries(struct reader *r, struct sl_prefixes *list)
{
	const struct sl_image_head *head = sl_image_line(r->image, 0);
	const struct sl_rule *rules = sl_image_line(r->image, head->rules);
	struct sl_prefix p;
	struct sl_entry *e;

	while ((e = read_next(r, &p))) {
		int ret;

		if (head->rules + e->rule >= head->lines)
			return -EBADMSG;
		ret = sl_prefixes_rule(list, &rules[e->rule]);
		if (ret < 0)
			return ret;
		p.rule = (uint16_t)ret;
		ret = sl_prefixes_add(list, &p);
		if (ret < 0)
			return ret;
	}
	return 0;
}

int sl_image_read(struct sl_image *image, struct sl_prefixes *list)
{
	struct reader r = { image, read_leaves(image), SL_ENTRY_FIRST };
	int ret = r.settled ? read_entries(&r, list) : -ENOMEM;

	free(r.settled);
	return ret;
}

static bool is_same_rule(struct sl_image *a, const struct sl_entry *ea, struct sl_image *b,
			 const struct sl_entry *eb)
{
	const struct sl_image_head *ha = sl_image_line(a, 0), *hb = sl_image_line(b, 0);

	return memcmp(sl_image_line(a, ha->rules + ea->rule),
		      sl_image_line(b, hb->rules + eb->rule), sizeof(struct sl_rule)) == 0;
}

/* Adds what the entries of t's prefix, from r->number on, have for t's rule; that stays where those
 * of a later prefix begin. */
static void carry_to(struct sl_image *to, struct sl_entry *t, struct reader *r)
{
	struct sl_prefix wanted = sl_image_prefix(t), p;
	struct reader ahead = *r;
	struct sl_entry *f;

	while ((f = read_next(&ahead, &p))) {
		int order = sl_prefix_cmp(&p, &wanted);

		if (order > 0)
			return;
		if (order < 0)
			r->number = ahead.number;
		else if (is_same_rule(to, t, r->image, f)) {
			__sync_fetch_and_add(&t->hits, p.hits);
			if (p.last_hit > t->last_hit)
				t->last_hit = p.last_hit;
		}
	}
}

/* Both images are sorted alike, so one walk through both finds what they share. */
void sl_image_carry_hits(struct sl_image *to, struct sl_image *from)
{
	struct reader r = { from, read_leaves(from), SL_ENTRY_FIRST };
	uint32_t number = SL_ENTRY_FIRST;
	struct sl_entry *t;

	while ((t = next_entry(to, &number)))
		carry_to(to, t, &r);
	free(r.settled);
}
