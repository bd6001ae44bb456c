// SPDX-License-Identifier: Apache-2.0
// What an image says, without looking anything up: its entries in their order.
#include <errno.h>
#include <string.h>

#include "kern/image.h"

int sl_image_check(struct sl_image *image)
{
	const struct sl_image_head *head = sl_image_line(image, 0);

	if (!head || head->magic != SL_IMAGE_MAGIC || head->version != SL_IMAGE_VERSION)
		return -EBADMSG;
	if (head->lines > image->nr || head->entries >= head->lines || head->rules >= head->lines ||
	    head->rules > head->entries ||
	    head->entries_end > (uint64_t)(head->lines - head->entries) * SL_ENTRIES_A_LINE)
		return -EBADMSG;
	return 0;
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

int sl_image_read(struct sl_image *image, struct sl_prefixes *list)
{
	const struct sl_image_head *head = sl_image_line(image, 0);
	const struct sl_rule *rules = sl_image_line(image, head->rules);
	uint32_t number = SL_ENTRY_FIRST;
	struct sl_entry *e;

	while ((e = next_entry(image, &number))) {
		struct sl_prefix p = sl_image_prefix(e);
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

static bool is_same_rule(struct sl_image *a, const struct sl_entry *ea, struct sl_image *b,
			 const struct sl_entry *eb)
{
	const struct sl_image_head *ha = sl_image_line(a, 0), *hb = sl_image_line(b, 0);

	return memcmp(sl_image_line(a, ha->rules + ea->rule),
		      sl_image_line(b, hb->rules + eb->rule), sizeof(struct sl_rule)) == 0;
}

/* Adds what the entries of t's prefix, from *number on, have for t's rule; *number stays where
 * those of a later prefix begin. */
static void carry_to(struct sl_image *to, struct sl_entry *t, struct sl_image *from,
		     uint32_t *number)
{
	struct sl_prefix wanted = sl_image_prefix(t);
	uint32_t at = *number;
	struct sl_entry *f;

	while ((f = next_entry(from, &at))) {
		struct sl_prefix p = sl_image_prefix(f);
		int order = sl_prefix_cmp(&p, &wanted);

		if (order > 0)
			return;
		if (order < 0)
			*number = at;
		else if (is_same_rule(to, t, from, f)) {
			__sync_fetch_and_add(&t->hits, f->hits);
			if (f->last_hit > t->last_hit)
				t->last_hit = f->last_hit;
		}
	}
}

/* Both images are sorted alike, so one walk through both finds what they share. */
void sl_image_carry_hits(struct sl_image *to, struct sl_image *from)
{
	uint32_t to_number = SL_ENTRY_FIRST, from_number = SL_ENTRY_FIRST;
	struct sl_entry *t;

	while ((t = next_entry(to, &to_number)))
		carry_to(to, t, from, &from_number);
}
