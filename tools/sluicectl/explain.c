// SPDX-License-Identifier: Apache-2.0
// sluicectl explain: what becomes of a packet of an address now, and why.
#include <bpf/bpf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "credit.h"
#include "kern/image.h"
#include "lists.h"

struct subject {
	struct lists lists;
	struct sl_prefix address;
	struct sl_question question;
	size_t decides; /* of lists.all, or its nr */
	struct sl_address client;
	struct sl_punishment punishment;
	bool is_punished;
	struct credit credit[SL_CREDITS];
	json_t *others;
};

/* The image itself is asked, by the code that the kernel runs; then the list has the entry. */
static int ask_image(struct subject *s)
{
	struct sl_walk walk = { .question = &s->question };
	struct sl_image image;
	int ret = sl_gate_map_image(&s->lists.gate, sl_gate_holding(&s->lists.gate), &image);

	s->decides = s->lists.all.nr;
	if (ret < 0)
		return ret;
	walk.image = &image;
	walk.head = sl_image_line(&image, 0);
	sl_image_find(&walk);
	for (size_t i = 0; walk.found.entry && i < s->lists.all.nr; i++) {
		const struct sl_prefix *p = &s->lists.all.prefixes[i];
		unsigned length = walk.found.entry->length;

		if (p->length == (walk.found.entry->family == 4 ? length + 96 : length) &&
		    sl_prefix_covers(p, &s->address) &&
		    memcmp(&s->lists.all.rules[p->rule], walk.found.rule, sizeof(struct sl_rule)) ==
			    0)
			s->decides = i;
	}
	sl_gate_unmap_image(&image);
	return 0;
}

/* Why an entry that covers the address is not what decides. */
static const char *why_not(const struct subject *s, size_t i)
{
	const struct sl_prefix *p = &s->lists.all.prefixes[i];
	const struct sl_rule *rule = &s->lists.all.rules[p->rule];

	if (p->is_hidden)
		return "a management prefix overrules it";
	if (rule->has_port && rule->port != s->question.port)
		return "for another port";
	if (rule->ifindex && rule->ifindex != s->question.ifindex)
		return "for another interface";
	if (rule->action == SL_ACTION_SHADOW)
		return "on trial: counted, and judged on";
	if (s->decides < s->lists.all.nr && s->lists.all.prefixes[s->decides].length > p->length)
		return "a longer prefix decides";
	return "an equally long one is stronger";
}

static void find_others(struct subject *s)
{
	s->others = json_array();
	for (size_t i = 0; i < s->lists.all.nr; i++) {
		json_t *entry;

		if (i == s->decides || !sl_prefix_covers(&s->lists.all.prefixes[i], &s->address))
			continue;
		entry = lists_entry_json(&s->lists, &s->lists.all, i);
		json_object_set_new(entry, "why_not", json_string(why_not(s, i)));
		json_array_append_new(s->others, entry);
	}
}

static void find_punishment(struct subject *s)
{
	const struct sl_control *c = s->lists.gate.switches;

	s->client = sl_client_of(c, s->question.hi, s->question.lo);
	s->is_punished =
		credit_find_punishment(&s->lists.gate, &s->client, s->lists.now.ns, &s->punishment);
}

/* The verdict in the order of bpf/gate.bpf.c. */
static const char *conclude(struct subject *s)
{
	const struct sl_control *c = s->lists.gate.switches;
	enum sl_action action =
		s->decides < s->lists.all.nr
			? s->lists.all.rules[s->lists.all.prefixes[s->decides].rule].action
			: SL_ACTION_NONE;
	uint64_t word = 0;
	uint32_t at = s->question.port / 64;

	if (!(c->flags & SL_FLAG_ENFORCE))
		return "passes: enforcement is switched off";
	if (c->flags & SL_FLAG_PORTS && s->question.port &&
	    bpf_map_lookup_elem(s->lists.gate.ports, &at, &word) == 0 &&
	    !(word >> (s->question.port & 63) & 1))
		return "passes: the port is none of the gateway's";
	switch (action) {
	case SL_ACTION_MANAGE:
		return "passes: a management address";
	case SL_ACTION_ALLOW:
		return "passes: allowed, and no limit applies";
	case SL_ACTION_DROP:
		return "is dropped: denied";
	case SL_ACTION_REJECT:
		return "is rejected: denied";
	default:
		break;
	}
	if (s->is_punished)
		return c->flags & SL_FLAG_SHADOW ? "passes: punished, but on trial"
						 : "is dropped: punished";
	for (int i = 0; i < SL_CREDITS; i++)
		if (s->credit[i].is_limited)
			return "passes, within the client's limits";
	return "passes";
}

/* ---- said ---- */

static json_t *punishment_json(const struct subject *s)
{
	const struct sl_punishment *p = &s->punishment;

	if (!s->is_punished)
		return json_null();
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I}", "reason", p->reason, "request_id",
			 p->request_id, "ends_s",
			 (json_int_t)((p->until_ns - s->lists.now.ns) / SL_SEC), "since_s",
			 (json_int_t)(s->lists.now.ns > p->since_ns
					      ? (s->lists.now.ns - p->since_ns) / SL_SEC
					      : 0),
			 "hits", (json_int_t)p->hits, "repeats", (json_int_t)p->repeats);
}

static void print_entry(const struct subject *s, size_t i)
{
	const struct sl_prefix *p = &s->lists.all.prefixes[i];
	uint64_t now = s->lists.now.ns, since = (uint64_t)p->since << SL_TICK_SHIFT;
	uint64_t end = (uint64_t)p->expires << SL_TICK_SHIFT;
	char text[64], said[160], span[32];

	lists_rule_text(&s->lists.all.rules[p->rule], said, sizeof(said));
	printf("  %s: %s; %" PRIu64 " hits", lists_prefix_text(p, text), said, p->hits);
	if (p->since)
		printf(", since %s", lists_span_text(now > since ? now - since : 0, span));
	if (p->expires)
		printf(", ends in %s", lists_span_text(end > now ? end - now : 0, span));
}

static void print_punishment(const struct subject *s)
{
	const struct sl_punishment *p = &s->punishment;
	char span[32];

	fputs("punished", stdout);
	lists_print_cause(p);
	printf(": %" PRIu64 " hits, ends in %s\n", (uint64_t)p->hits,
	       lists_span_text(p->until_ns - s->lists.now.ns, span));
}

static void print_text(const struct subject *s, const char *verdict)
{
	char text[64];
	size_t i;

	printf("%s %s\n", lists_prefix_text(&s->address, text), verdict);
	if (s->decides < s->lists.all.nr) {
		print_entry(s, s->decides);
		putchar('\n');
	}
	if (s->is_punished)
		print_punishment(s);
	if (json_array_size(s->others))
		puts("other entries that cover it");
	for (i = 0; i < s->lists.all.nr; i++) {
		if (i == s->decides || !sl_prefix_covers(&s->lists.all.prefixes[i], &s->address))
			continue;
		print_entry(s, i);
		printf("\n    %s\n", why_not(s, i));
	}
	credit_print(s->credit);
	puts("what the gateway itself limits and punishes behind proxies is not in this");
}

static enum ctl_exit tell(struct ctl *ctl, struct subject *s)
{
	const char *verdict = conclude(s);
	char text[64];

	if (!ctl->is_json) {
		print_text(s, verdict);
		return CTL_OK;
	}
	return ctl_print_json(
		ctl, json_pack("{s:s, s:s, s:o, s:o, s:O, s:o}", "address",
			       lists_prefix_text(&s->address, text), "verdict", verdict, "entry",
			       s->decides < s->lists.all.nr
				       ? lists_entry_json(&s->lists, &s->lists.all, s->decides)
				       : json_null(),
			       "punishment", punishment_json(s), "others", s->others, "limits",
			       credit_json(s->credit)));
}

enum ctl_exit ctl_explain(struct ctl *ctl, char **arguments)
{
	struct subject s = { 0 };
	struct lists_words w;
	enum ctl_exit code = lists_read_prefix(ctl, arguments[0], &s.address);

	if (code == CTL_OK && s.address.length != 128)
		code = ctl_fail(ctl, CTL_USAGE, "'%.64s' is a prefix; explain takes an address",
				arguments[0]);
	if (code == CTL_OK)
		code = lists_read_words(ctl, true, arguments + 1, LISTS_PORT | LISTS_DEV, &w);
	if (code == CTL_OK)
		code = lists_open(ctl, false, &s.lists);
	if (code != CTL_OK)
		return code;
	s.question = (struct sl_question){ .hi = s.address.hi,
					   .lo = s.address.lo,
					   .now = sl_moment_ticks(&s.lists.now),
					   .ifindex = w.entry.rule.ifindex,
					   .port = w.entry.rule.port };
	if (ask_image(&s) < 0) {
		code = ctl_fail(ctl, CTL_FAILED, "the list in the kernel cannot be read");
	} else {
		find_punishment(&s);
		credit_read(&s.lists.gate, &s.client, s.lists.now.ns, s.credit);
		find_others(&s);
		code = tell(ctl, &s);
	}
	json_decref(s.others);
	lists_close(&s.lists);
	return code;
}
