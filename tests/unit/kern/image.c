// SPDX-License-Identifier: Apache-2.0
// Whatever the list, the image answers as one who reads the whole list for each address.
#include "kern/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "tap.h"

#define LINES (1u << 20)

static struct sl_image image;
static uint64_t random_state = 1;

static uint32_t random_below(uint32_t n)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(random_state >> 33) % n;
}

static int rule_of(struct sl_prefixes *list, enum sl_action action, uint16_t port, uint32_t ifindex,
		   uint32_t id)
{
	struct sl_rule rule = { .action = (uint8_t)action,
				.has_port = port != 0,
				.port = port,
				.ifindex = ifindex,
				.id = id };

	return sl_prefixes_rule(list, &rule);
}

static void add(struct sl_prefixes *list, const char *text, int rule, uint32_t expires)
{
	bool had_host_bits;
	struct sl_prefix p;

	if (sl_prefix_parse(sl_str_of(text), &p, &had_host_bits) < 0)
		abort();
	p.rule = (uint16_t)rule;
	p.expires = expires;
	sl_prefixes_add(list, &p);
}

static int compile(struct sl_prefixes *list)
{
	size_t culprit;

	memset(image.lines, 0, (size_t)image.nr * SL_LINE_SIZE);
	return sl_image_compile(&image, list, 1, 0x1234567890abcdefull, &culprit);
}

static struct sl_walk find(const struct sl_question *q)
{
	struct sl_walk w = { .image = &image, .head = sl_image_line(&image, 0), .question = q };

	sl_image_find(&w);
	return w;
}

static struct sl_question question_of(const char *address)
{
	struct sl_prefix p;
	bool had_host_bits;

	if (sl_prefix_parse(sl_str_of(address), &p, &had_host_bits) < 0)
		abort();
	return (struct sl_question){ .hi = p.hi, .lo = p.lo, .port = 80, .now = 100 };
}

static int action_for(const char *address)
{
	struct sl_question q = question_of(address);
	struct sl_walk w = find(&q);

	return w.found.rule ? w.found.rule->action : -1;
}

static bool covers(const struct sl_prefix *p, const struct sl_question *q)
{
	if (sl_prefix_is_v4(p) != sl_is_mapped4(q->hi, q->lo))
		return false;
	return !((p->hi ^ q->hi) & sl_mask64(p->length, 0)) &&
	       !((p->lo ^ q->lo) & sl_mask64(p->length, 64));
}

static unsigned strength(const struct sl_rule *rule)
{
	switch (rule->action) {
	case SL_ACTION_MANAGE:
		return 5;
	case SL_ACTION_ALLOW:
		return 4;
	case SL_ACTION_NONE:
		return 3;
	case SL_ACTION_REJECT:
		return 2;
	default:
		return 1;
	}
}

/* The definition: of those that cover it and hold, management, else the longest, and of two that
 * are equally long the stronger. */
static int oracle(const struct sl_prefixes *list, const struct sl_question *q)
{
	int best_length = -1, best = -1;

	for (size_t i = 0; i < list->nr; i++) {
		const struct sl_prefix *p = &list->prefixes[i];
		const struct sl_rule *rule = &list->rules[p->rule];

		if (!covers(p, q) || (p->expires && q->now >= p->expires) ||
		    (rule->has_port && !q->is_port_any && rule->port != q->port) ||
		    (rule->ifindex && rule->ifindex != q->ifindex) ||
		    rule->action == SL_ACTION_SHADOW)
			continue;
		if (rule->action == SL_ACTION_MANAGE)
			return SL_ACTION_MANAGE;
		if (p->length > best_length ||
		    (p->length == best_length &&
		     strength(rule) > strength(&list->rules[list->prefixes[best].rule]))) {
			best_length = p->length;
			best = (int)i;
		}
	}
	return best < 0 ? -1 : list->rules[list->prefixes[best].rule].action;
}

/* A few bits of each address vary, so that prefixes lie in each other often. */
static struct sl_prefix random_prefix(struct sl_prefixes *list, bool is_v4)
{
	static const uint16_t ports[] = { 0, 0, 0, 80, 443 };
	enum sl_action action = random_below(20) ? 1 + random_below(5) : SL_ACTION_NONE;
	struct sl_prefix p = { 0 };

	if (action == SL_ACTION_MANAGE && random_below(8))
		action = SL_ACTION_DROP;
	p.length = (uint8_t)(is_v4 ? 96 + random_below(33) : random_below(129));
	p.hi = is_v4 ? 0
		     : 0x20010db800000000ull | (uint64_t)random_below(4) << 32 |
			       random_below(8) << (random_below(5) * 4);
	p.lo = is_v4 ? 0xffffull << 32 | 0x0a000000u | random_below(3) << 15 |
			       random_below(3) << 22 | random_below(4) << 6 | random_below(8)
		     : (uint64_t)random_below(4) << 60 | random_below(8) << random_below(9);
	p.hi &= sl_mask64(p.length, 0);
	p.lo &= sl_mask64(p.length, 64);
	if (action == SL_ACTION_MANAGE)
		p.rule = (uint16_t)rule_of(list, action, 0, 0, 0);
	else
		p.rule = (uint16_t)rule_of(list, action, ports[random_below(5)],
					   random_below(6) ? 0 : 7, 0);
	p.expires = action != SL_ACTION_MANAGE && !random_below(4) ? 90 + random_below(20) : 0;
	return p;
}

static struct sl_question random_question(const struct sl_prefixes *list)
{
	const struct sl_prefix *p = &list->prefixes[random_below((uint32_t)list->nr)];
	struct sl_question q = { .hi = p->hi, .lo = p->lo, .now = 95 + random_below(10) };

	/* At the prefix, or a little beside it. */
	if (sl_prefix_is_v4(p))
		q.lo = 0xffffull << 32 |
		       (uint32_t)(p->lo ^ random_below(2) << random_below(31) ^ random_below(16));
	else {
		q.hi ^= (uint64_t)random_below(2) << random_below(64);
		q.lo ^= (uint64_t)random_below(2) << random_below(64) ^ random_below(4);
	}
	q.port = random_below(2) ? 80 : 22;
	q.is_port_any = !random_below(8);
	q.ifindex = random_below(2) ? 7 : 0;
	return q;
}

/* What a leaf settles must be what the entries say; so must "nothing". */
static bool is_settled_right(const struct sl_question *q, int wanted, unsigned *settled)
{
	struct sl_walk w = { .image = &image, .head = sl_image_line(&image, 0), .question = q };
	uint64_t leaf = sl_image_leaf(&w);
	uint32_t action = sl_leaf_settles(leaf, q->lo);

	*settled += action != 0;
	if (!leaf)
		return wanted < 0;
	return !action || (int)action - 1 == wanted;
}

static void test_random(void)
{
	unsigned questions = 0, wrong = 0, answered = 0, settled = 0, settled_wrong = 0;
	bool all_compiled = true;

	for (unsigned round = 0; round < 400; round++) {
		struct sl_prefixes list = { 0 };
		unsigned nr = 1 + random_below(round % 10 ? 60 : 700);

		for (unsigned i = 0; i < nr; i++) {
			struct sl_prefix p = random_prefix(&list, random_below(2));

			sl_prefixes_add(&list, &p);
		}
		if (compile(&list) == -E2BIG) {
			sl_prefixes_fini(&list);
			continue;
		}
		all_compiled &= sl_image_check(&image) == 0;
		for (unsigned i = 0; i < 500; i++, questions++) {
			struct sl_question q = random_question(&list);
			struct sl_walk w = find(&q);
			int got = w.found.rule ? w.found.rule->action : -1;
			int wanted = oracle(&list, &q);

			answered += got >= 0;
			wrong += got != wanted;
			settled_wrong += !is_settled_right(&q, wanted, &settled);
		}
		sl_prefixes_fini(&list);
	}
	ok(all_compiled, "every image passes its own check");
	ok(questions > 100000 && answered > questions / 4, "%u questions, %u with an answer",
	   questions, answered);
	is_int(wrong, 0, "the image answers as the list does");
	ok(settled > questions / 20, "%u are settled by a leaf alone", settled);
	is_int(settled_wrong, 0, "and those as the list does");
}

static void test_every_length(void)
{
	unsigned wrong = 0;

	for (unsigned length = 0; length <= 128; length++) {
		struct sl_prefixes list = { 0 };
		struct sl_prefix p = { .hi = 0x20010db8deadbeefull,
				       .lo = 0x0123456789abcdefull,
				       .length = (uint8_t)length };
		struct sl_question q = { 0 };

		p.hi &= sl_mask64(length, 0);
		p.lo &= sl_mask64(length, 64);
		p.rule = (uint16_t)rule_of(&list, SL_ACTION_DROP, 0, 0, 0);
		sl_prefixes_add(&list, &p);
		compile(&list);
		q.hi = p.hi, q.lo = p.lo;
		wrong += !find(&q).found.rule && !sl_is_mapped4(q.hi, q.lo);
		q.hi |= ~sl_mask64(length, 0), q.lo |= ~sl_mask64(length, 64);
		wrong += !find(&q).found.rule;
		if (length) { /* one bit beside it */
			q.hi = p.hi, q.lo = p.lo;
			if (length <= 64)
				q.hi ^= 1ull << (64 - length);
			else
				q.lo ^= 1ull << (128 - length);
			wrong += find(&q).found.rule != NULL;
		}
		sl_prefixes_fini(&list);
	}
	is_int(wrong, 0, "a prefix of every length holds from its first address to its last");
}

static void test_order(void)
{
	struct sl_prefixes list = { 0 };
	int drop = rule_of(&list, SL_ACTION_DROP, 0, 0, 1), allow, manage, port, shadow;
	struct sl_question q;

	allow = rule_of(&list, SL_ACTION_ALLOW, 0, 0, 2);
	manage = rule_of(&list, SL_ACTION_MANAGE, 0, 0, 3);
	port = rule_of(&list, SL_ACTION_REJECT, 22, 0, 4);
	shadow = rule_of(&list, SL_ACTION_SHADOW, 0, 0, 5);
	add(&list, "10.0.0.0/8", drop, 0);
	add(&list, "10.1.0.0/16", allow, 0);
	add(&list, "10.1.2.3", drop, 0);
	add(&list, "10.1.2.4", drop, 100);
	add(&list, "10.1.2.5", drop, 101);
	add(&list, "10.2.0.0/16", port, 0);
	add(&list, "192.0.2.0/24", manage, 0);
	add(&list, "192.0.2.7", drop, 0);
	add(&list, "198.51.100.0/24", drop, 0);
	add(&list, "198.51.100.0/24", allow, 0);
	add(&list, "203.0.113.0/24", drop, 0);
	add(&list, "203.0.113.9", shadow, 0);
	add(&list, "2001:db8::/32", drop, 0);
	add(&list, "2001:db8:1::/48", manage, 0);
	add(&list, "2001:db8:1::5", drop, 0);
	is_int(compile(&list), 0, "it compiles");
	is_int(action_for("10.9.9.9"), SL_ACTION_DROP, "a /8");
	is_int(action_for("10.1.9.9"), SL_ACTION_ALLOW, "the /16 in it is longer");
	is_int(action_for("10.1.2.3"), SL_ACTION_DROP, "and the /32 in that");
	is_int(action_for("10.1.2.4"), SL_ACTION_ALLOW,
	       "what has expired leaves what is around it");
	is_int(action_for("10.1.2.5"), SL_ACTION_DROP, "a tick earlier it has not");
	is_int(action_for("10.2.9.9"), SL_ACTION_DROP,
	       "a rule for another port: the prefix around");
	q = question_of("10.2.9.9");
	q.port = 22;
	is_int(find(&q).found.rule->action, SL_ACTION_REJECT, "for its port it holds");
	q.port = 0, q.is_port_any = 1;
	is_int(find(&q).found.rule->action, SL_ACTION_REJECT, "and for what has no port to see");
	is_int(action_for("192.0.2.7"), SL_ACTION_MANAGE, "nothing overrules management");
	is_int(action_for("2001:db8:1::5"), SL_ACTION_MANAGE, "nor for IPv6");
	is_int(action_for("2001:db8:2::5"), SL_ACTION_DROP, "IPv6");
	is_int(action_for("::ffff:10.9.9.9"), SL_ACTION_DROP, "IPv4 in IPv6's clothes");
	is_int(action_for("198.51.100.1"), SL_ACTION_ALLOW, "allow beats deny at equal length");
	is_int(action_for("203.0.113.9"), SL_ACTION_DROP, "a trial changes nothing");
	q = question_of("203.0.113.9");
	ok(find(&q).shadow != NULL, "but is seen");
	is_int(action_for("11.0.0.0"), -1, "no list has it");
	sl_prefixes_fini(&list);
}

static void test_read_back(void)
{
	struct sl_prefixes list = { 0 }, back = { 0 }, again = { 0 };
	bool is_same = true;
	struct sl_image other = { calloc(LINES, SL_LINE_SIZE), LINES };
	size_t culprit;

	for (unsigned i = 0; i < 3001; i++) {
		struct sl_prefix p = random_prefix(&list, i % 3);

		p.hits = i;
		p.expires = 0;
		p.rule =
			(uint16_t)rule_of(&list, i % 2 ? SL_ACTION_DROP : SL_ACTION_ALLOW, 0, 0, i);
		sl_prefixes_add(&list, &p);
	}
	is_int(compile(&list), 0, "3,001 compile");
	is_int(sl_image_read(&image, &back), 0, "and can be read");
	is_int((int64_t)back.nr, (int64_t)list.nr, "all of them");
	for (size_t i = 0; i < back.nr && i < list.nr; i++)
		is_same &= sl_prefix_cmp(&back.prefixes[i], &list.prefixes[i]) == 0 &&
			   back.prefixes[i].hits == list.prefixes[i].hits &&
			   memcmp(&back.rules[back.prefixes[i].rule],
				  &list.rules[list.prefixes[i].rule], sizeof(struct sl_rule)) == 0;
	ok(is_same, "as they were");
	for (size_t i = 0; i < back.nr; i += 2) /* every other one stays, its count begun anew */
		sl_prefixes_add(&again, &back.prefixes[i]);
	again.rules = back.rules, again.rules_nr = back.rules_nr;
	for (size_t i = 0; i < again.nr; i++)
		again.prefixes[i].hits = 0;
	is_int(sl_image_compile(&other, &again, 2, 77, &culprit), 0,
	       "half of them, with other hashes");
	sl_image_carry_hits(&other, &image);
	again.nr = 0, again.rules = NULL, again.rules_nr = 0;
	sl_image_read(&other, &again);
	is_same = true;
	for (size_t i = 0; i < again.nr; i++)
		is_same &= again.prefixes[i].hits == back.prefixes[i * 2].hits;
	ok(is_same && again.nr == (back.nr + 1) / 2, "hits are carried over to those that stay");
	free(other.lines);
	sl_prefixes_fini(&list);
	sl_prefixes_fini(&back);
	sl_prefixes_fini(&again);
}

static struct sl_leaf *hit(const char *address, uint32_t nr)
{
	struct sl_question q = question_of(address);
	struct sl_walk w = { .image = &image, .head = sl_image_line(&image, 0), .question = &q };
	uint64_t leaf = sl_image_leaf(&w);

	if (!sl_leaf_settles(leaf, q.lo))
		return NULL;
	for (uint32_t i = 0; i < nr; i++)
		sl_leaf_hit(&w, leaf, 50 + i / 3);
	return w.leaf;
}

static void test_hits_of_leaves(void)
{
	struct sl_prefixes list = { 0 }, back = { 0 };
	int drop = rule_of(&list, SL_ACTION_DROP, 0, 0, 0);
	struct sl_leaf *leaf;

	add(&list, "10.0.0.0/8", drop, 0);
	add(&list, "11.1.4.0/22", drop, 0);
	add(&list, "12.1.1.7/32", drop, 0);
	is_int(compile(&list), 0, "three prefixes");
	ok(hit("10.1.2.3", 5) == NULL, "a /8 has no leaf, and counts itself");
	leaf = hit("11.1.4.1", 7);
	ok(leaf && hit("11.1.7.1", 8) != leaf, "a /22 has a leaf for each /24");
	leaf = hit("12.1.1.7", 1);
	ok(leaf && !hit("12.1.1.8", 1), "a leaf settles nothing for the neighbours of its address");
	if (leaf)
		leaf->hits = UINT32_MAX;
	hit("12.1.1.7", 3);
	is_int(sl_image_read(&image, &back), 0, "read back");
	is_int((int64_t)back.prefixes[0].hits, 5, "the /8's");
	is_int((int64_t)back.prefixes[1].hits, 15, "those of all leaves of the /22");
	is_int(back.prefixes[1].last_hit, 52, "and the last of them");
	ok(back.prefixes[2].hits == UINT32_MAX + 3ull, "none is lost when 32 bits go round");
	sl_prefixes_fini(&list);
	sl_prefixes_fini(&back);
}

static void test_bounds(void)
{
	struct sl_prefixes list = { 0 };
	size_t culprit = 0;
	struct sl_image small = { image.lines, 1000 };

	for (uint32_t i = 0; i <= SL_CHAIN_MAX; i++)
		add(&list, "10.0.0.1", rule_of(&list, SL_ACTION_DROP, (uint16_t)(i + 1), 0, 0), 0);
	is_int(compile(&list), -E2BIG,
	       "more conditions for one address than a lookup goes through");
	sl_prefixes_fini(&list);
	list = (struct sl_prefixes){ 0 };
	for (uint32_t i = 0; i <= SL_CHAIN_MAX; i++)
		add(&list, "2001:db8::", rule_of(&list, SL_ACTION_DROP, (uint16_t)(i + 1), 0, 0),
		    0);
	is_int(compile(&list), -E2BIG, "for IPv6 too");
	sl_prefixes_fini(&list);
	list = (struct sl_prefixes){ 0 };
	add(&list, "10.0.0.1", rule_of(&list, SL_ACTION_DROP, 0, 0, 0), 0);
	memset(image.lines, 0, (size_t)image.nr * SL_LINE_SIZE);
	is_int(sl_image_compile(&small, &list, 1, 1, &culprit), -ENOSPC,
	       "an image too small for it");
	is_int(sl_image_check(&small), -EBADMSG, "is not taken for one");
	sl_prefixes_fini(&list);
}

static void test_management(void)
{
	struct sl_prefixes list = { 0 };

	add(&list, "10.0.0.0/8", rule_of(&list, SL_ACTION_MANAGE, 22, 0, 0), 0);
	is_int(compile(&list), -EINVAL, "management for one port only would be overruled: refused");
	sl_prefixes_fini(&list);
}

static void test_parse(void)
{
	static const char *const bad[] = { "",
					   "10.0.0",
					   "10.0.0.0/33",
					   "10.0.0.0/",
					   "10.0.0.0/-1",
					   "10.0.0.0/08",
					   "2001:db8::/129",
					   "x",
					   "10.0.0.0/8/8",
					   "10.0.0.0 /8" };
	char text[64];
	struct sl_out o;
	struct sl_prefix p;
	bool had_host_bits, all_refused = true;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		all_refused &= sl_prefix_parse(sl_str_of(bad[i]), &p, &had_host_bits) == -EINVAL;
	ok(all_refused, "what is no prefix is refused");
	sl_prefix_parse(sl_str_of("10.1.2.3/8"), &p, &had_host_bits);
	ok(had_host_bits, "bits beyond the length are noticed");
	sl_out_init(&o, text, sizeof(text));
	sl_prefix_print(&o, &p);
	is_str(sl_out_done(&o), "10.0.0.0/8", "and cleared");
	sl_prefix_parse(sl_str_of("2001:DB8::1"), &p, &had_host_bits);
	sl_out_init(&o, text, sizeof(text));
	sl_prefix_print(&o, &p);
	is_str(sl_out_done(&o), "2001:db8::1", "one address has no length");
}

int main(void)
{
	image = (struct sl_image){ calloc(LINES, SL_LINE_SIZE), LINES };
	test_parse();
	test_order();
	test_every_length();
	test_random();
	test_read_back();
	test_hits_of_leaves();
	test_bounds();
	test_management();
	free(image.lines);
	return done_testing();
}
