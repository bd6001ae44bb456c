// SPDX-License-Identifier: Apache-2.0
// Reads lists back from images as they were once laid out.  What is here never changes.
#include "kern/oldimage.h"

#include <errno.h>
#include <string.h>

#define MAGIC 0x676d6973u

struct head_v1 {
	uint32_t magic, version, generation, lines;
	uint32_t rules, nodes, leaves, entries, v6_filter, v6_table, v6_mask;
	uint32_t v6_lengths_nr, v6_unfiltered;
	uint32_t entries_end; /* number of the entry after the last; the first is 2 */
	uint64_t seed;
};

struct rule_v1 {
	uint8_t action, has_port;
	uint16_t port;
	uint32_t ifindex;
	char list[32], reason[16];
	uint32_t id;
	uint8_t unused[4];
};

/* Two a line; one of IPv6 takes both, and has its address in the second. */
struct entry_v1 {
	uint32_t address, next, expires;
	uint16_t rule;
	uint8_t length, family;
	uint64_t hits;
	uint32_t last_hit, since;
};

_Static_assert(sizeof(struct head_v1) == SL_LINE_SIZE && sizeof(struct rule_v1) == SL_LINE_SIZE &&
		       sizeof(struct entry_v1) == SL_LINE_SIZE / 2,
	       "as they were");

static bool is_good_head(const struct sl_image *image, const struct head_v1 *h)
{
	return image->nr && h->magic == MAGIC && h->version == 1 && h->lines <= image->nr &&
	       h->rules < h->lines && h->entries < h->lines && h->rules <= h->entries &&
	       h->entries_end <= (uint64_t)(h->lines - h->entries) * 2;
}

static int add_rule(struct sl_prefixes *list, const struct rule_v1 *r)
{
	struct sl_rule rule = { .action = r->action,
				.has_port = r->has_port,
				.port = r->port,
				.ifindex = r->ifindex,
				.id = r->id };

	if (r->action > SL_ACTION_SHADOW)
		return -EBADMSG;
	memcpy(rule.list, r->list, sizeof(rule.list) - 1);
	memcpy(rule.reason, r->reason, sizeof(rule.reason) - 1);
	return sl_prefixes_rule(list, &rule);
}

static int add_entry(struct sl_prefixes *list, const struct entry_v1 *e, int rule)
{
	struct sl_prefix p = { .hits = e->hits,
			       .expires = e->expires,
			       .last_hit = e->last_hit,
			       .since = e->since,
			       .rule = (uint16_t)rule };

	if (rule < 0)
		return rule;
	if (e->length > (e->family == 6 ? 128 : 32))
		return -EBADMSG;
	p.length = e->length;
	if (e->family == 6) {
		memcpy(&p.hi, e + 1, sizeof(p.hi));
		memcpy(&p.lo, (const uint64_t *)(e + 1) + 1, sizeof(p.lo));
	} else {
		p.lo = 0xffffull << 32 | e->address;
		p.length = (uint8_t)(96 + e->length);
	}
	p.hi &= sl_mask64(p.length, 0);
	p.lo &= sl_mask64(p.length, 64);
	return sl_prefixes_add(list, &p);
}

int sl_image_read_v1(const struct sl_image *image, struct sl_prefixes *list)
{
	const struct head_v1 *h = (const void *)image->lines;
	const struct rule_v1 *rules;
	const struct entry_v1 *entries;
	int ret = 0;

	if (!is_good_head(image, h))
		return -EBADMSG;
	rules = (const void *)&image->lines[h->rules];
	entries = (const void *)&image->lines[h->entries];
	for (uint32_t i = 2; i < h->entries_end && ret == 0; i++) {
		const struct entry_v1 *e = &entries[i];

		if (!e->family)
			continue;
		if (h->rules + e->rule >= h->entries || (e->family == 6 && i + 1 >= h->entries_end))
			return -EBADMSG;
		ret = add_entry(list, e, add_rule(list, &rules[e->rule]));
		i += e->family == 6;
	}
	return ret;
}
