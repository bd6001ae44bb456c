// SPDX-License-Identifier: Apache-2.0
// sluicectl event: single packets that the kernel half did not let pass, as it tells of them.
#include <bpf/bpf.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "drops.h"
#include "ending.h"
#include "lists.h"
#include "sluice/client.h"

enum {
	LOOK_MS = 50,
	SAMPLE_MAX = 1000000000,
	COUNT_MAX = 1000000000,
	RATE_DEFAULT = 1000, /* lines a second: more than anybody reads */
	RATE_MAX = 1000000,
};

/* ---- sample ---- */

static enum ctl_exit show_sample(struct ctl *ctl, uint32_t sample, int reader)
{
	if (ctl->is_json)
		return ctl_print_json(ctl, json_pack("{s:I, s:o}", "sample", (json_int_t)sample,
						     "reader",
						     reader ? json_integer(reader) : json_null()));
	if (sample)
		printf("1 of %" PRIu32 " dropped packets is told\n", sample);
	else
		puts("no dropped packet is told");
	if (reader)
		printf("process %d watches\n", reader);
	return CTL_OK;
}

enum ctl_exit ctl_event_sample(struct ctl *ctl, char **arguments)
{
	uint64_t sample = 0;
	struct sl_gate gate;
	enum ctl_exit code = CTL_OK;

	if (arguments[0])
		code = ctl_read_number(ctl, "1 of", arguments[0], 0, SAMPLE_MAX, &sample);
	if (code == CTL_OK)
		code = lists_open_gate(ctl, &gate);
	if (code != CTL_OK)
		return code;
	if (arguments[0])
		__atomic_store_n(&gate.switches->sample, (uint32_t)sample, __ATOMIC_SEQ_CST);
	code = show_sample(ctl, gate.switches->sample, drops_reader(ctl));
	sl_gate_close(&gate);
	return code;
}

/* ---- watch: what is asked for ---- */

struct watch {
	struct ctl *ctl;
	struct sl_gate gate;
	struct drops drops;
	struct sl_image images[2]; /* of this look, the one that holds first; mapped when needed */
	bool has_images;
	bool is_over; /* events are still counted, and no longer shown */
	bool has_from, has_port;
	struct sl_prefix from;
	uint64_t port;
	const char *reason, *list;	      /* NULL: any */
	uint32_t ifindex;		      /* 0: any */
	uint64_t count, for_ns, sample, rate; /* count and for_ns 0: until it is ended */
	uint64_t shown, hidden;
	uint64_t second; /* of the clock, and how many lines it has had */
	uint64_t second_shown;
};

enum {
	WORD_FROM,
	WORD_REASON,
	WORD_LIST,
	WORD_PORT,
	WORD_DEV,
	WORD_COUNT,
	WORD_FOR,
	WORD_SAMPLE,
	WORD_RATE,
	WORDS
};
static const char *const words[] = { "from",  "reason", "list",	  "port", "dev",
				     "count", "for",	"sample", "rate", NULL };

static enum ctl_exit read_reason(struct watch *w, const char *word)
{
	const char *list[SL_VERDICTS + 1];
	enum ctl_exit code = CTL_OK;
	unsigned nr = 0;

	for (int verdict = SL_DROP_DENY; verdict < SL_SHADOW_DENY; verdict++)
		if (verdict != SL_REJECT_DENY) /* the word of DROP_DENY */
			list[nr++] = sl_verdict_reason(verdict);
	list[nr] = NULL;
	w->reason = ctl_find_word(w->ctl, "reason", word, list, "event help", &code);
	return code;
}

static enum ctl_exit read_filters(struct watch *w, const char *const values[WORDS])
{
	struct ctl *ctl = w->ctl;
	enum ctl_exit code = CTL_OK;

	w->has_from = values[WORD_FROM] != NULL;
	w->has_port = values[WORD_PORT] != NULL;
	w->list = values[WORD_LIST];
	if (w->has_from)
		code = lists_read_prefix(ctl, values[WORD_FROM], &w->from);
	if (code == CTL_OK && values[WORD_REASON])
		code = read_reason(w, values[WORD_REASON]);
	if (code == CTL_OK && w->has_port)
		code = ctl_read_number(ctl, "port", values[WORD_PORT], 0, 65535, &w->port);
	if (code == CTL_OK && values[WORD_DEV]) {
		w->ifindex = if_nametoindex(values[WORD_DEV]);
		if (!w->ifindex)
			code = ctl_fail(ctl, CTL_USAGE, "dev '%.64s': no such interface",
					values[WORD_DEV]);
	}
	return code;
}

static enum ctl_exit read_watch(struct watch *w, char **arguments)
{
	const char *values[WORDS] = { NULL };
	struct ctl *ctl = w->ctl;
	enum ctl_exit code = ctl_read_keywords(ctl, arguments, words, "event help", values);

	w->rate = RATE_DEFAULT;
	if (code == CTL_OK)
		code = read_filters(w, values);
	if (code == CTL_OK && values[WORD_COUNT])
		code = ctl_read_number(ctl, "count", values[WORD_COUNT], 1, COUNT_MAX, &w->count);
	if (code == CTL_OK && values[WORD_SAMPLE])
		code = ctl_read_number(ctl, "sample", values[WORD_SAMPLE], 1, SAMPLE_MAX,
				       &w->sample);
	if (code == CTL_OK && values[WORD_RATE])
		code = ctl_read_number(ctl, "rate", values[WORD_RATE], 1, RATE_MAX, &w->rate);
	if (code == CTL_OK && values[WORD_FOR])
		code = ctl_read_span(ctl, "for", values[WORD_FOR], &w->for_ns);
	if (code == CTL_OK && ctl->outputs && !w->count && !w->for_ns)
		code = ctl_fail(ctl, CTL_USAGE,
				"'count' or 'for' is missing: a batch has to go on");
	return code;
}

/* ---- watch: one event ---- */

/* An event in words. */
struct story {
	const struct sl_event *event;
	struct drops_entry entry;
	bool has_entry;
	struct sl_punishment punishment;
	bool is_punished;
	char time[40], source[64], protocol[8], dev[IF_NAMESIZE + 16];
};

static bool find_entry(struct watch *w, const struct sl_event *e, struct drops_entry *ret_entry)
{
	uint32_t holding = sl_gate_holding(&w->gate);

	if (!e->entry)
		return false;
	for (uint32_t i = 0; i < 2 && !w->has_images; i++)
		if (sl_gate_map_image(&w->gate, holding ^ i, &w->images[i]) < 0)
			w->images[i].lines = NULL;
	w->has_images = true;
	/* The list may have been another one a moment ago: then that is the one before. */
	for (int i = 0; i < 2; i++)
		if (w->images[i].lines &&
		    drops_find_entry(&w->images[i], e->entry, &e->source, ret_entry))
			return true;
	return false;
}

static void unmap_images(struct watch *w)
{
	for (int i = 0; i < 2 && w->has_images; i++)
		if (w->images[i].lines)
			sl_gate_unmap_image(&w->images[i]);
	w->has_images = false;
}

static void find_punishment(struct watch *w, struct story *s)
{
	struct sl_address client =
		sl_client_of(w->gate.switches, s->event->source.hi, s->event->source.lo);

	s->is_punished = s->event->verdict == SL_DROP_PUNISHED &&
			 bpf_map_lookup_elem(w->gate.punished, &client, &s->punishment) == 0;
	s->punishment.reason[SL_REASON_MAX - 1] = '\0';
	s->punishment.request_id[SL_CAUSE_MAX - 1] = '\0';
}

static void find_words(struct story *s)
{
	const struct sl_event *e = s->event;
	struct sl_prefix source = { .hi = e->source.hi, .lo = e->source.lo, .length = 128 };
	struct sl_moment now = sl_moment_now();
	uint64_t wall_ms = (now.wall_ns - (now.ns - e->ns)) / SL_MS;
	time_t wall = (time_t)(wall_ms / 1000);
	struct tm tm;
	size_t n;

	gmtime_r(&wall, &tm);
	n = strftime(s->time, sizeof(s->time), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(s->time + n, sizeof(s->time) - n, ".%03uZ", (unsigned)(wall_ms % 1000));
	lists_prefix_text(&source, s->source);
	if (!if_indextoname(e->ifindex, s->dev))
		snprintf(s->dev, sizeof(s->dev), "index %" PRIu32, e->ifindex);
}

static bool has_source(const struct sl_event *e)
{
	return e->source.hi || e->source.lo;
}

static json_t *story_json(const struct story *s)
{
	const struct sl_event *e = s->event;
	const struct sl_rule *rule = s->has_entry ? &s->entry.rule : NULL;
	const struct sl_punishment *p = s->is_punished ? &s->punishment : NULL;
	char prefix[64], mem[8];

	return json_pack("{s:s, s:s?, s:s, s:i, s:s, s:I, s:s, s:s, s:s?, s:s?, s:s?, s:s?}",
			 "time", s->time, "source", has_source(e) ? s->source : NULL, "protocol",
			 drops_protocol(e->protocol, mem), "port", (int)e->port, "dev", s->dev,
			 "bytes", (json_int_t)e->length, "action", sl_verdict_action(e->verdict),
			 "reason", sl_verdict_reason(e->verdict), "prefix",
			 rule ? lists_prefix_text(&s->entry.prefix, prefix) : NULL, "list",
			 rule ? rule->list : NULL, "why",
			 rule && rule->reason[0] ? rule->reason
			 : p			 ? p->reason
						 : NULL,
			 "request_id", p ? p->request_id : NULL);
}

static void print_story(const struct story *s)
{
	const struct sl_event *e = s->event;
	char prefix[64], said[160], mem[8];

	printf("%s %s %s port %u dev %s %" PRIu32 " bytes: %s %s", s->time,
	       has_source(e) ? s->source : "-", drops_protocol(e->protocol, mem), e->port, s->dev,
	       e->length, sl_verdict_action(e->verdict), sl_verdict_reason(e->verdict));
	if (s->has_entry) {
		lists_rule_text(&s->entry.rule, said, sizeof(said));
		printf(", %s (%s)", lists_prefix_text(&s->entry.prefix, prefix), said);
	} else if (e->entry) {
		fputs(", by an entry that is gone", stdout);
	}
	if (s->is_punished)
		lists_print_cause(&s->punishment);
	putchar('\n');
}

static bool is_wanted(const struct watch *w, const struct sl_event *e)
{
	struct sl_prefix source = { .hi = e->source.hi, .lo = e->source.lo, .length = 128 };

	return (!w->has_from || (has_source(e) && sl_prefix_covers(&w->from, &source))) &&
	       (!w->has_port || e->port == w->port) && (!w->ifindex || e->ifindex == w->ifindex) &&
	       (!w->reason || strcmp(w->reason, sl_verdict_reason(e->verdict)) == 0);
}

/* So many lines a second: a flood of packets is not to be one of lines. */
static bool may_print(struct watch *w)
{
	uint64_t second = sl_now_ns() / SL_SEC;

	if (second != w->second) {
		w->second = second;
		w->second_shown = 0;
	}
	return w->second_shown++ < w->rate;
}

static bool on_drop(void *context, const struct sl_event *e)
{
	struct watch *w = context;
	struct story s = { .event = e };

	if (w->is_over || e->verdict >= SL_VERDICTS || !is_wanted(w, e))
		return true;
	s.has_entry = find_entry(w, e, &s.entry);
	if (w->list && (!s.has_entry || strcmp(w->list, s.entry.rule.list) != 0))
		return true;
	if (!may_print(w)) {
		w->hidden++;
		return true;
	}
	find_punishment(w, &s);
	find_words(&s);
	if (w->ctl->is_json)
		ctl_print_json(w->ctl, story_json(&s));
	else
		print_story(&s);
	w->shown++;
	return !w->count || w->shown < w->count;
}

/* ---- watch: from begin to end ---- */

static void tell_end(struct watch *w)
{
	uint64_t lost = 0;
	bool is_known;

	w->is_over = true;
	is_known = drops_lost(&w->drops, &lost);

	if (w->ctl->is_json) {
		ctl_print_json(w->ctl,
			       json_pack("{s:{s:I, s:I, s:I, s:o, s:I}}", "watched", "seen",
					 (json_int_t)w->drops.seen, "shown", (json_int_t)w->shown,
					 "hidden", (json_int_t)w->hidden, "lost",
					 is_known ? json_integer((json_int_t)lost) : json_null(),
					 "sample", (json_int_t)w->drops.sample));
		return;
	}
	fprintf(stderr,
		"sluicectl: event watch: %" PRIu64 " told (1 of %" PRIu32 "), %" PRIu64
		" shown, %" PRIu64 " left out beyond the rate",
		w->drops.seen, w->drops.sample, w->shown, w->hidden);
	if (is_known)
		fprintf(stderr, ", %" PRIu64 " lost", lost);
	fputc('\n', stderr);
}

static void follow(struct watch *w)
{
	uint64_t end_ns = sl_deadline(sl_now_ns(), w->for_ns);

	for (;;) {
		/* Asked before the look: what was told until then is shown. */
		bool is_last = ending_has_come() || sl_now_ns() >= end_ns;

		drops_look(&w->drops);
		unmap_images(w);
		if (fflush(stdout) != 0 || is_last || (w->count && w->shown >= w->count))
			return;
		ending_wait_ms(LOOK_MS);
	}
}

enum ctl_exit ctl_event_watch(struct ctl *ctl, char **arguments)
{
	struct watch w = { .ctl = ctl };
	enum ctl_exit code = read_watch(&w, arguments);

	if (code == CTL_OK)
		code = lists_open_gate(ctl, &w.gate);
	if (code != CTL_OK)
		return code;
	ending_begin();
	code = drops_open(ctl, &w.gate, (uint32_t)w.sample, on_drop, &w, &w.drops);
	if (code == CTL_OK) {
		follow(&w);
		tell_end(&w);
		drops_close(&w.drops);
	}
	unmap_images(&w);
	sl_gate_close(&w.gate);
	ending_finish();
	return code;
}
