/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The compiled list of prefixes: its layout, and the one way to look an address up in it.  The
 * kernel half and userspace both compile this file, so they cannot disagree about an address. */
#ifndef SLUICE_IMAGE_H
#define SLUICE_IMAGE_H

#include <stddef.h>

#include "sluice/halves.h"

/*
 * An image is an array of 64-byte lines: the value of one BPF array map, and mapped memory to
 * userspace.  It is written once, published by one update of an array of maps, and from then on
 * only its hits change.  All places in it are line, node, leaf or entry numbers, so it
 * means the same wherever it is mapped.
 *
 *	line 0		struct sl_image_head
 *	v6_lengths	3 lines: the prefix lengths in use, a byte each, the longest first
 *	rules		a line a rule: struct sl_rule
 *	v4_filter	a bit for each /16 of IPv4, which is set if anything is in it; 8 KB that
 *			stay in the cache, before the nodes
 *	nodes		a line a node: struct sl_node.  Node N, below 65536, is the /16 N of IPv4;
 *			those after it are /24s that hold too much for a chain
 *	leaves		4 a line, struct sl_leaf: what lies under a child of a node
 *	entries		2 a line: struct sl_entry.  An IPv6 entry takes both: struct sl_entry6.
 *			IPv4 first, then IPv6, each sorted by address, length and rank; from 2 on
 *	v6_filter	a byte for each value of a hash of an address's first 32 bits: which
 *			lengths, by their place in v6_lengths modulo 8, prefixes there have
 *	v6_table	8 slots a line: struct sl_slot
 *
 * IPv4: two steps through nodes at most, each a bitmap and a count of its bits, lead to a leaf, and
 * a leaf to a chain of entries, the most specific first.  The first entry of the chain that covers
 * the address, has not expired and is for this port and interface is the answer.  Most often that
 * is the first one whatever the time, port and interface are: then the leaf itself says what the
 * answer is, and the entry is not looked at.
 *
 * IPv6: a probe for each prefix length that the filter knows for the address's first 32 bits.
 */
#define SL_IMAGE_MAGIC 0x676d6973u /* "simg" */
#define SL_IMAGE_VERSION 2u
#define SL_LINE_SIZE 64
#define SL_NODES_TOP 65536u
#define SL_V4_FILTER_LINES 128u
#define SL_LEAVES_A_LINE 4u
#define SL_ENTRIES_A_LINE 2u
#define SL_ENTRY_FIRST 2u /* 0 is "none", and IPv6 needs even numbers */
#define SL_SLOTS_A_LINE 8u
#define SL_V6_FILTER_LINES 32768u /* 2^21 bytes */
#define SL_V6_FILTER_MIN_LEN 20	  /* shorter prefixes would fill it: they are always probed for */
#define SL_V6_LENGTHS_MAX 129
#define SL_V6_SPILL_MAX 4 /* lines that are looked through for a prefix at most */
#define SL_RULES_MAX 65535u
#define SL_CHAIN_MAX 32 /* entries that a lookup goes through at most */

/*
 * What a leaf says.  Its lower half alone is the worth of all children of a node that have no leaf.
 * 0 is nothing; else it has the number of the first entry of a chain, or that of a node.  A leaf
 * settles what its first entry covers, if that holds always: then it has 1 + its action, and those
 * bits of an address, under a mask, for which this is so.
 */
#define SL_LEAF_NODE 0x80000000u   /* the rest is a node's number */
#define SL_LEAF_NUMBER 0x0fffffffu /* else the number of an entry is in these bits, */
#define SL_LEAF_ACTION_SHIFT 28	   /* 1 + enum sl_action in the three above, or 0, */
#define SL_LEAF_BITS_SHIFT 32	   /* and the last 8 bits of an address, */
#define SL_LEAF_MASK_SHIFT 40	   /* of those that are set here */
#define SL_LEAF_UNKNOWN 1u	   /* of no image: an entry of IPv6 may be there */

/* Time in an entry: units of 2^24 ns (16.8 ms) of CLOCK_MONOTONIC; 32 bits are 2.2 years. */
#define SL_TICK_SHIFT 24

struct sl_line {
	__u8 bytes[SL_LINE_SIZE];
};

struct sl_image_head {
	__u32 magic, version;
	__u32 generation; /* counts the images that one place has had */
	__u32 lines;	  /* in use, of those that the map has */
	__u32 rules, nodes, leaves, entries, v6_filter, v6_table; /* first line of each; 0: none */
	__u32 v6_mask;						  /* lines of v6_table - 1 */
	__u16 v4_is_sparse; /* the filter says no to most addresses: else it would only cost */
	__u8 v6_lengths_nr; /* bytes in use of lines 1 to 3 */
	__u8 v6_unfiltered; /* how many of those are shorter than SL_V6_FILTER_MIN_LEN */
	__u32 entries_end;  /* number of the entry after the last; the first is 2 */
	__u32 leaves_nr;
	__u64 seed; /* of v6 hashes: random, so that nobody can choose what collides */
};

#define SL_IMAGE_V6_LENGTHS 1u
#define SL_IMAGE_FIXED_LINES 4u /* the head and the lengths */

/* The 256 children of a /16 or a /24. */
struct sl_node {
	__u64 present[4]; /* children with a leaf of their own */
	__u32 first_leaf; /* of the first of them; theirs are in a row */
	__u32 covering;	  /* the worth of all other children */
	__u8 before[4];	  /* how many are present in earlier words of `present` */
	__u8 unused[20];
};

enum sl_action {
	SL_ACTION_NONE,	  /* hides what is less specific, and says nothing itself */
	SL_ACTION_MANAGE, /* pass, whatever else holds: never locked out */
	SL_ACTION_ALLOW,  /* pass, and no limit applies */
	SL_ACTION_DROP,	  /* no answer */
	SL_ACTION_REJECT, /* an answer: RST to TCP, else ICMP "administratively prohibited" */
	SL_ACTION_SHADOW, /* count as if dropped, and go on as if the entry were not there */
};

#define SL_RULE_NAME_MAX 32
#define SL_REASON_MAX 16

/* What entries have in common: most often, a list. */
struct sl_rule {
	__u8 action; /* enum sl_action */
	__u8 has_port;
	__u16 port;		     /* destination, if has_port; host order */
	__u32 ifindex;		     /* 0: any */
	char list[SL_RULE_NAME_MAX]; /* NUL-terminated, as is reason */
	char reason[SL_REASON_MAX];
	__u32 id; /* the operator's number for it, 0: none */
	__u8 unused[4];
};

struct sl_entry {
	__u32 address; /* IPv4, host order; 0 for IPv6 */
	__u32 next;    /* the next of the chain: an entry, 0: none */
	__u32 expires; /* ticks; 0: never */
	__u16 rule;
	__u8 length;	/* of the prefix */
	__u8 family;	/* 4 or 6; 0: no entry, but a gap before the first of IPv6 */
	__u64 hits;	/* beside those that leaves count; changes while the image is in use, as */
	__u32 last_hit; /* does this: ticks */
	__u32 since;	/* ticks: when it was put into the list; 0: not known */
};

/* What it settles is counted in the very line that was looked at, and is not in the entry's own
 * hits: to write to one more line for each packet would double what a hit costs. */
struct sl_leaf {
	__u64 what;	/* SL_LEAF_... */
	__u32 hits;	/* when they go round, its entry is given 2^32 */
	__u32 last_hit; /* ticks */
};

struct sl_entry6 {
	struct sl_entry entry;
	__u64 hi, lo; /* the address, each half in host order */
	__u64 unused[2];
};

struct sl_slot {
	__u32 print; /* more of the key's hash: none other within a lookup's reach has the same */
	__u32 entry; /* 0: the slot is free */
};

struct sl_v6_line {
	struct sl_slot slots[SL_SLOTS_A_LINE];
};

/* What is asked about an address. */
struct sl_question {
	__u64 hi, lo;	  /* an IPv6 address, halves in host order; IPv4 as ::ffff:a.b.c.d */
	__u32 now;	  /* ticks */
	__u32 ifindex;	  /* 0: userspace, or unknown */
	__u16 port;	  /* destination, host order */
	__u8 is_port_any; /* it cannot be read (a later fragment, say): whatever the port is */
};

/* sl_image_line(IMAGE, NUMBER): a line, or NULL if there is none.  The kernel's is a lookup in the
 * inner map; each half says what an image is to it. */
#ifdef __bpf__
typedef void sl_image;
SL_INLINE void *sl_image_line(sl_image *image, __u32 number)
{
	return bpf_map_lookup_elem(image, &number);
}
/* Calls step(i, context) until it returns 1, or nr times: once verified, however often called. */
#define sl_loop(nr, step, context) bpf_loop(nr, step, context, 0)
#else
struct sl_image {
	struct sl_line *lines;
	__u32 nr;
};
typedef struct sl_image sl_image;
SL_INLINE void *sl_image_line(sl_image *image, __u32 number)
{
	return number < image->nr ? &image->lines[number] : NULL;
}
static inline void sl_loop(__u32 nr, long (*step)(__u32 i, void *context), void *context)
{
	for (__u32 i = 0; i < nr && step(i, context) == 0; i++)
		;
}
#endif

SL_INLINE __u64 sl_mix64(__u64 x)
{
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ull;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ull;
	return x ^ x >> 32;
}

SL_INLINE __u32 sl_popcount64(__u64 x)
{
	x -= x >> 1 & 0x5555555555555555ull;
	x = (x & 0x3333333333333333ull) + (x >> 2 & 0x3333333333333333ull);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (__u32)(x * 0x0101010101010101ull >> 56);
}

SL_INLINE struct sl_entry *sl_image_entry(sl_image *image, const struct sl_image_head *head,
					  __u32 number)
{
	struct sl_entry *pair = sl_image_line(image, head->entries + number / SL_ENTRIES_A_LINE);

	return pair ? pair + (number & (SL_ENTRIES_A_LINE - 1)) : NULL;
}

/* A prefix's mask over the 64 bits that begin at bit `from` of an address. */
SL_INLINE __u64 sl_mask64(__u32 length, __u32 from)
{
	if (length <= from)
		return 0;
	length -= from;
	return length >= 64 ? ~0ull : ~(~0ull >> length);
}

/* The answer: an entry and its rule, or two NULLs. */
struct sl_found {
	struct sl_entry *entry;
	struct sl_rule *rule;
};

/*
 * A lookup on its way.  What the steps of a loop go on from must begin as a zero that the verifier
 * does not know to be one: Linux 6.1 takes the first time through a loop for all of them, and
 * removes what is not reached then.
 */
struct sl_walk {
	sl_image *image;
	struct sl_image_head *head;
	const struct sl_question *question;
	__u32 chain;	 /* the entry to look at next, 0: none */
	__u32 length_at; /* place of the IPv6 length to probe for next */
	__u32 known;	 /* of the lengths, by the filter */
	__u32 shadows;	 /* how many would have dropped, were they not a trial */
	__u32 number;	 /* of the entry that was looked at last */
	struct sl_found found;
	struct sl_entry *shadow; /* the first of those, if there is one */
	struct sl_leaf *leaf;	 /* of the address, if it has one */
};

/* Whether an entry that covers the address is what holds now. */
SL_INLINE int sl_walk_judge(struct sl_walk *w, struct sl_entry *e)
{
	const struct sl_question *q = w->question;
	struct sl_rule *rule;

	if (e->expires && q->now >= e->expires)
		return 0;
	rule = sl_image_line(w->image, w->head->rules + e->rule);
	if (!rule)
		return 0;
	if (rule->has_port && !q->is_port_any && rule->port != q->port)
		return 0;
	if (rule->ifindex && rule->ifindex != q->ifindex)
		return 0;
	if (rule->action == SL_ACTION_SHADOW) {
		if (!w->shadows)
			w->shadow = e;
		w->shadows++;
		return 0;
	}
	w->found.entry = e;
	w->found.rule = rule;
	return 1;
}

/* What the leaf of one of a node's children says. */
SL_INLINE __u64 sl_node_child(struct sl_walk *w, const struct sl_node *node, __u32 child)
{
	__u32 word = child >> 6 & 3, number;
	__u64 bit = 1ull << (child & 63), bits = node->present[word];
	struct sl_leaf *line;

	w->leaf = NULL;
	if (!(bits & bit))
		return node->covering;
	number = node->first_leaf + node->before[word] + sl_popcount64(bits & (bit - 1));
	line = sl_image_line(w->image, w->head->leaves + number / SL_LEAVES_A_LINE);
	if (!line)
		return 0;
	sl_keep(line); /* the verifier wants it checked before it is added to */
	w->leaf = line + (number & (SL_LEAVES_A_LINE - 1));
	return w->leaf->what;
}

/* Whether a /16 of IPv4 has anything. */
SL_INLINE int sl_v4_is_used(struct sl_walk *w, __u32 number)
{
	__u64 *line =
		sl_image_line(w->image, w->head->nodes - SL_V4_FILTER_LINES + (number >> 9 & 127));

	return line && line[number >> 6 & 7] >> (number & 63) & 1;
}

/* What the leaf for an IPv4 address says. */
SL_INLINE __u64 sl_leaf4(struct sl_walk *w, __u32 address)
{
	struct sl_node *node;
	__u64 leaf;

	if (!w->head->nodes || (w->head->v4_is_sparse && !sl_v4_is_used(w, address >> 16)))
		return 0;
	node = sl_image_line(w->image, w->head->nodes + (address >> 16));
	if (!node)
		return 0;
	leaf = sl_node_child(w, node, address >> 8 & 255);
	if (!(leaf & SL_LEAF_NODE))
		return leaf;
	node = sl_image_line(w->image, w->head->nodes + ((__u32)leaf & ~SL_LEAF_NODE));
	return node ? sl_node_child(w, node, address & 255) : 0;
}

/* 1 + the action that a leaf settles for an address; 0: the entries have to be asked. */
SL_INLINE __u32 sl_leaf_settles(__u64 leaf, __u64 address)
{
	__u64 differs = (address ^ leaf >> SL_LEAF_BITS_SHIFT) & leaf >> SL_LEAF_MASK_SHIFT & 255;

	return differs ? 0 : (__u32)leaf >> SL_LEAF_ACTION_SHIFT & 7;
}

/* One entry of an IPv4 chain; 1 ends the walk. */
SL_INLINE int sl_look4(struct sl_walk *w)
{
	struct sl_entry *e;

	if (!w->chain)
		return 1;
	e = sl_image_entry(w->image, w->head, w->chain);
	if (!e)
		return 1;
	w->number = w->chain;
	w->chain = e->next;
	/* In 64 bits, where a shift by 32 is no accident. */
	if ((__u64)((__u32)w->question->lo ^ e->address) >> ((32 - e->length) & 63))
		return 0;
	return sl_walk_judge(w, e);
}

static long sl_step4(__u32 i, void *context)
{
	return sl_look4(context);
}

struct sl_v6_prefix {
	__u64 hi, lo; /* no bit set beyond the length */
	__u32 length;
};

SL_INLINE __u64 sl_v6_hash(__u64 seed, const struct sl_v6_prefix *p)
{
	__u64 hash = sl_mix64(p->hi ^ seed ^ p->length * 0x9e3779b97f4a7c15ull);

	return sl_mix64(hash ^ p->lo ^ seed >> 17);
}

SL_INLINE __u32 sl_v6_filter_at(__u64 seed, __u64 hi)
{
	return (__u32)sl_mix64(hi >> 32 ^ seed) & (SL_V6_FILTER_LINES * SL_LINE_SIZE - 1);
}

/* What the slot with this print holds, or 0.  No two slots that a lookup sees have one print.
 * By arithmetic, not by branches, whose combinations the verifier would all walk through. */
SL_INLINE __u32 sl_v6_search(const struct sl_v6_line *line, __u32 print)
{
	__u64 number = 0;

	for (__u32 i = 0; i < SL_SLOTS_A_LINE; i++) {
		__u64 is_it = ((__u64)(line->slots[i].print ^ print) - 1) >> 63;

		sl_keep(is_it);
		number += is_it * line->slots[i].entry;
	}
	return (__u32)number;
}

/* The first entry with this very prefix, or 0. */
SL_INLINE __u32 sl_v6_probe(struct sl_walk *w, const struct sl_v6_prefix *p)
{
	__u64 hash = sl_v6_hash(w->head->seed, p);
	__u32 number = 0;
	struct sl_entry6 *e;

	SL_NO_UNROLL
	for (__u32 i = 0; i < SL_V6_SPILL_MAX && !number; i++) {
		__u32 at = ((__u32)hash + i) & w->head->v6_mask;
		struct sl_v6_line *line = sl_image_line(w->image, w->head->v6_table + at);

		if (!line)
			return 0;
		number = sl_v6_search(line, (__u32)(hash >> 32));
		/* What found its line full is in the next one. */
		if (!line->slots[SL_SLOTS_A_LINE - 1].entry)
			break;
	}
	if (!number)
		return 0;
	e = sl_image_line(w->image, w->head->entries + number / SL_ENTRIES_A_LINE);
	if (!e || e->hi != p->hi || e->lo != p->lo || e->entry.length != p->length)
		return 0;
	return number;
}

/* The first length, from the one at this place on, that the filter knows or that it knows nothing
 * of: those are the last ones. */
SL_INLINE __u32 sl_v6_next_length(struct sl_walk *w, __u32 at)
{
	__u32 filtered = w->head->v6_lengths_nr - w->head->v6_unfiltered;
	__u64 known = ((__u64)w->known << 8 | w->known) >> (at & 7) & 255;

	if (at >= filtered)
		return at;
	if (!known)
		return filtered;
	at += sl_popcount64((known & -known) - 1);
	return at < filtered ? at : filtered;
}

/* Looks for the chain of the next length; 1: there is none. */
SL_INLINE int sl_v6_next_chain(struct sl_walk *w)
{
	__u32 at = sl_v6_next_length(w, w->length_at);
	struct sl_v6_prefix prefix;
	__u8 *lengths;

	if (at >= w->head->v6_lengths_nr)
		return 1;
	lengths = sl_image_line(w->image, SL_IMAGE_V6_LENGTHS + at / SL_LINE_SIZE);
	if (!lengths)
		return 1;
	w->length_at = at + 1;
	prefix.length = lengths[at & (SL_LINE_SIZE - 1)];
	prefix.hi = w->question->hi & sl_mask64(prefix.length, 0);
	prefix.lo = w->question->lo & sl_mask64(prefix.length, 64);
	w->chain = sl_v6_probe(w, &prefix);
	return 0;
}

/* Looks at the next entry of a chain, or of the chain of the next length; 1 ends the walk. */
SL_INLINE int sl_look6(struct sl_walk *w)
{
	struct sl_entry *e;

	if (!w->chain && sl_v6_next_chain(w))
		return 1;
	if (!w->chain)
		return 0;
	e = sl_image_entry(w->image, w->head, w->chain);
	if (!e)
		return 1;
	w->number = w->chain;
	w->chain = e->next;
	return sl_walk_judge(w, e);
}

static long sl_step6(__u32 i, void *context)
{
	return sl_look6(context);
}

/* What the filter knows of the first 32 bits of an address. */
SL_INLINE __u8 sl_v6_known(struct sl_walk *w, __u64 hi)
{
	__u32 at = sl_v6_filter_at(w->head->seed, hi);
	__u8 *line = sl_image_line(w->image, w->head->v6_filter + at / SL_LINE_SIZE);

	return line ? line[at & (SL_LINE_SIZE - 1)] : 0;
}

/* Is this an address of IPv4 in IPv6's clothes (::ffff:0:0/96)?  It is judged as what it is. */
SL_INLINE int sl_is_mapped4(__u64 hi, __u64 lo)
{
	return hi == 0 && lo >> 32 == 0xffff;
}

/* What the leaf for an address says, SL_LEAF_UNKNOWN, or 0 if nothing covers it. */
SL_INLINE __u64 sl_image_leaf(struct sl_walk *w)
{
	const struct sl_question *q = w->question;

	if (sl_is_mapped4(q->hi, q->lo))
		return sl_leaf4(w, (__u32)q->lo);
	if (!w->head->v6_lengths_nr)
		return 0;
	return w->head->v6_unfiltered || sl_v6_known(w, q->hi) ? SL_LEAF_UNKNOWN : 0;
}

/*
 * Looks an address up; found.entry is NULL if nothing covers it.  The answer's hits are not counted
 * here: a question need not be a packet.  The first look needs no loop, which is a call a turn to
 * the kernel, and most often is the last.
 */
SL_INLINE void sl_image_find(struct sl_walk *w)
{
	const struct sl_question *q = w->question;

	if (sl_is_mapped4(q->hi, q->lo)) {
		w->chain = (__u32)sl_leaf4(w, (__u32)q->lo) & SL_LEAF_NUMBER;
		if (w->chain && !sl_look4(w))
			sl_loop(SL_CHAIN_MAX, sl_step4, w);
		return;
	}
	if (!w->head->v6_lengths_nr)
		return;
	w->known = sl_v6_known(w, q->hi);
	if (!sl_look6(w))
		sl_loop(SL_V6_LENGTHS_MAX * (1 + SL_CHAIN_MAX), sl_step6, w);
}

/* Counts one packet for the entry that decided about it. */
SL_INLINE void sl_entry_hit(struct sl_entry *e, __u32 now)
{
	__sync_fetch_and_add(&e->hits, 1);
	if (e->last_hit != now) /* so that a busy line is not written to for nothing */
		e->last_hit = now;
}

/*
 * The same for what the leaf has settled.  The first of a tick is not counted by a locked
 * instruction, which would have everything else wait for the memory: what other CPUs count in this
 * leaf meanwhile, in the time of a cache miss once a tick, may be lost.
 */
SL_INLINE void sl_leaf_hit(struct sl_walk *w, __u64 what, __u32 now)
{
	struct sl_leaf *leaf = w->leaf;
	struct sl_entry *e;
	__u32 hits;

	if (leaf && leaf->last_hit == now) {
		hits = __sync_fetch_and_add(&leaf->hits, 1) + 1;
	} else if (leaf) {
		hits = ++leaf->hits;
		leaf->last_hit = now;
	} else {
		hits = 0;
	}
	if (hits)
		return;
	e = sl_image_entry(w->image, w->head, (__u32)what & SL_LEAF_NUMBER);
	if (!e)
		return;
	if (leaf)
		__sync_fetch_and_add(&e->hits, 1ull << 32);
	else
		sl_entry_hit(e, now);
}

#endif
