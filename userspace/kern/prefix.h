/* SPDX-License-Identifier: Apache-2.0 */
/* A list's prefixes as userspace holds them: what an image is compiled from, and read back to. */
#ifndef SL_KERN_PREFIX_H
#define SL_KERN_PREFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/out.h"
#include "base/str.h"
#include "sluice/image.h"

struct sl_prefix {
	uint64_t hi, lo; /* each half in host order; IPv4 as ::ffff:a.b.c.d; no bit beyond length */
	uint64_t hits;
	uint32_t expires;  /* ticks of CLOCK_MONOTONIC, 0: never */
	uint32_t last_hit; /* ticks, 0: never hit */
	uint32_t since;	   /* ticks: when it came into the list, 0: not known */
	uint16_t rule;	   /* index into the list's rules */
	uint8_t length;	   /* 0 to 128: of the mapped form, so 192.0.2.0/24 has 120 */
	bool is_hidden;	   /* a management prefix covers it: it is never asked.  Set by compiling */
};

/* A list: rules, and prefixes that each name one of them.  What it holds is its own. */
struct sl_prefixes {
	struct sl_rule *rules;
	uint32_t rules_nr, rules_room;
	uint32_t *slots; /* finds a rule: its index + 1 by its hash, 0: free */
	uint32_t slots_nr;
	struct sl_prefix *prefixes;
	size_t nr, room;
};

void sl_prefixes_fini(struct sl_prefixes *list);
/* 0 or -ENOMEM. */
int sl_prefixes_add(struct sl_prefixes *list, const struct sl_prefix *p);
/* The index of a rule like this one, which is added if there is none: 0 or more, -ENOMEM, or -E2BIG
 * beyond SL_RULES_MAX. */
int sl_prefixes_rule(struct sl_prefixes *list, const struct sl_rule *rule);

static inline bool sl_prefix_is_v4(const struct sl_prefix *p)
{
	return p->length >= 96 && sl_is_mapped4(p->hi, p->lo);
}

/* Whether every address of b is one of a. */
static inline bool sl_prefix_covers(const struct sl_prefix *a, const struct sl_prefix *b)
{
	return a->length <= b->length && sl_prefix_is_v4(a) == sl_prefix_is_v4(b) &&
	       !((a->hi ^ b->hi) & sl_mask64(a->length, 0)) &&
	       !((a->lo ^ b->lo) & sl_mask64(a->length, 64));
}

/* "192.0.2.0/24", "2001:db8::/32", or one address; "all" is no prefix of both.  Bits set beyond the
 * length are cleared: *ret_had_host_bits says that there were some.  0 or -EINVAL. */
int sl_prefix_parse(struct sl_str text, struct sl_prefix *ret_prefix, bool *ret_had_host_bits);
/* As sl_prefix_parse() reads it, without the length if it is a single address. */
void sl_prefix_print(struct sl_out *o, const struct sl_prefix *p);

/* Into the order of an image: IPv4 before IPv6, then by address, length and how weak the rule is.
 * 0 or -ENOMEM. */
int sl_prefixes_sort(struct sl_prefixes *list);
/* By family, address and length alone: -1, 0 or 1. */
int sl_prefix_cmp(const struct sl_prefix *a, const struct sl_prefix *b);

#endif
