// SPDX-License-Identifier: Apache-2.0
// sluicectl client: what single clients use up, and who presses hardest.
#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "credit.h"
#include "drops.h"
#include "ending.h"
#include "kern/image.h"
#include "lists.h"
#include "tally.h"

enum { TOP_DEFAULT = 10, TOP_MAX = 1000, LOOK_MS = 50 };

/* ---- show ---- */

struct portrait {
	struct sl_gate *gate;
	struct sl_address client;
	uint64_t now_ns;
	struct credit credit[SL_CREDITS];
	struct sl_punishment punishment;
	bool is_punished, has_entry;
	struct drops_entry entry; /* of the list, that decides about it, on any port */
};

static void ask_list(struct portrait *p, const struct sl_prefix *address)
{
	struct sl_question q = { .hi = address->hi,
				 .lo = address->lo,
				 .now = (uint32_t)(p->now_ns >> SL_TICK_SHIFT),
				 .is_port_any = 1 };
	struct sl_walk walk = { .question = &q };
	struct sl_image image;

	if (sl_gate_map_image(p->gate, sl_gate_holding(p->gate), &image) < 0)
		return;
	walk.image = &image;
	walk.head = sl_image_line(&image, 0);
	sl_image_find(&walk);
	p->has_entry = walk.found.entry != NULL;
	if (p->has_entry)
		p->entry =
			(struct drops_entry){ sl_image_prefix(walk.found.entry), *walk.found.rule };
	sl_gate_unmap_image(&image);
}

static json_t *punishment_json(const struct portrait *p)
{
	const struct sl_punishment *s = &p->punishment;

	if (!s->until_ns)
		return json_null();
	return json_pack("{s:b, s:s, s:s, s:I, s:I, s:I}", "is_on", p->is_punished, "reason",
			 s->reason, "request_id", s->request_id, "left_ms",
			 (json_int_t)(p->is_punished ? (s->until_ns - p->now_ns) / SL_MS : 0),
			 "hits", (json_int_t)s->hits, "repeats", (json_int_t)s->repeats);
}

static json_t *entry_json(const struct portrait *p)
{
	char prefix[64];

	if (!p->has_entry)
		return json_null();
	return json_pack("{s:s, s:s, s:s}", "prefix", lists_prefix_text(&p->entry.prefix, prefix),
			 "action", sl_action_name(p->entry.rule.action), "list",
			 p->entry.rule.list);
}

static void print_portrait(const struct portrait *p)
{
	char text[64], said[160], span[32];

	printf("%s\n", lists_client_text(p->gate, &p->client, text));
	if (p->has_entry) {
		lists_rule_text(&p->entry.rule, said, sizeof(said));
		printf("listed: %s (%s)\n", lists_prefix_text(&p->entry.prefix, text), said);
	}
	if (p->punishment.until_ns) {
		fputs(p->is_punished ? "punished" : "was punished", stdout);
		lists_print_cause(&p->punishment);
		printf(": %" PRIu64 " hits, %" PRIu32 " times before", (uint64_t)p->punishment.hits,
		       p->punishment.repeats);
		if (p->is_punished)
			printf(", ends in %s",
			       lists_span_text(p->punishment.until_ns - p->now_ns, span));
		putchar('\n');
	}
	credit_print(p->credit);
}

static enum ctl_exit show(struct ctl *ctl, struct portrait *p, const struct sl_prefix *address)
{
	char text[64];

	p->now_ns = sl_now_ns();
	p->client = sl_client_of(p->gate->switches, address->hi, address->lo);
	credit_read(p->gate, &p->client, p->now_ns, p->credit);
	p->is_punished = credit_find_punishment(p->gate, &p->client, p->now_ns, &p->punishment);
	ask_list(p, address);
	if (!ctl->is_json) {
		print_portrait(p);
		return CTL_OK;
	}
	return ctl_print_json(ctl, json_pack("{s:s, s:o, s:o, s:o}", "client",
					     lists_client_text(p->gate, &p->client, text), "entry",
					     entry_json(p), "punishment", punishment_json(p),
					     "limits", credit_json(p->credit)));
}

static enum ctl_exit read_address(struct ctl *ctl, const char *word, struct sl_prefix *ret)
{
	enum ctl_exit code = lists_read_prefix(ctl, word, ret);

	if (code == CTL_OK && ret->length != 128)
		return ctl_fail(ctl, CTL_USAGE, "'%.64s' is a prefix; an address is wanted", word);
	return code;
}

enum ctl_exit ctl_client_show(struct ctl *ctl, char **arguments)
{
	struct portrait p = { .now_ns = 0 };
	struct sl_prefix address;
	struct sl_gate gate;
	enum ctl_exit code = read_address(ctl, arguments[0], &address);

	if (code == CTL_OK)
		code = lists_open_gate(ctl, &gate);
	if (code != CTL_OK)
		return code;
	p.gate = &gate;
	code = show(ctl, &p, &address);
	sl_gate_close(&gate);
	return code;
}

/* ---- forget ---- */

enum ctl_exit ctl_client_forget(struct ctl *ctl, char **arguments)
{
	static const char *const words[] = { "punishment", NULL };
	enum ctl_exit code = CTL_OK;
	bool was_punished = false;
	struct sl_address client;
	struct sl_gate gate;
	char text[64];
	int nr = 0;

	if (arguments[1] &&
	    !ctl_find_word(ctl, "keyword", arguments[1], words, "client help", &code))
		return code;
	code = lists_open_gate(ctl, &gate);
	if (code != CTL_OK)
		return code;
	code = lists_read_client(ctl, &gate, arguments[0], &client);
	if (code == CTL_OK)
		nr = credit_clear(&gate, &client);
	if (nr < 0)
		code = ctl_fail(ctl, CTL_FAILED, "the clients' credit: %s", strerror(-nr));
	if (code == CTL_OK && arguments[1])
		was_punished = bpf_map_delete_elem(gate.punished, &client) == 0;
	if (code == CTL_OK && ctl->is_json)
		code = ctl_print_json(ctl, json_pack("{s:s, s:i, s:b}", "client",
						     lists_client_text(&gate, &client, text),
						     "credits", nr, "punishment", was_punished));
	else if (code == CTL_OK)
		printf("%s: %d of its credits forgotten%s\n",
		       lists_client_text(&gate, &client, text), nr,
		       was_punished ? ", and its punishment" : "");
	sl_gate_close(&gate);
	return code;
}

/* ---- top: who there is ---- */

/* The cells say how much is used up, but not by whom: addresses are known of those that are
 * punished, that have a connection, or whose drops are told while we look. */
struct candidate {
	struct sl_address client;
	uint64_t drops, hits, connections, requests;
	bool is_punished;
	double used; /* of the limit that it is closest to, 0 to 1 */
};

struct top {
	struct ctl *ctl;
	struct sl_gate gate;
	struct drops drops;
	struct tally index; /* entry: of the candidate */
	struct candidate *candidates;
	size_t nr, room;
	bool has_daemon;
};

static struct candidate *candidate_of(struct top *t, const struct sl_address *address)
{
	struct sl_address client = sl_client_of(t->gate.switches, address->hi, address->lo);
	struct tally_row *row;

	if (t->nr == t->room) {
		size_t room = t->room ? t->room * 2 : 1024;
		struct candidate *more = reallocarray(t->candidates, room, sizeof(*more));

		if (!more)
			return NULL;
		t->candidates = more;
		t->room = room;
	}
	row = tally_row(&t->index, &client);
	if (!row)
		return NULL;
	if (!row->packets) {
		row->packets = 1;
		row->entry = (uint32_t)t->nr;
		t->candidates[t->nr++] = (struct candidate){ .client = client };
	}
	return &t->candidates[row->entry];
}

static bool on_drop(void *context, const struct sl_event *e)
{
	struct top *t = context;
	struct candidate *c = NULL;

	if (e->source.hi || e->source.lo)
		c = candidate_of(t, &e->source);
	if (c)
		c->drops += t->drops.sample;
	return true;
}

static enum ctl_exit look_at_drops(struct top *t, uint64_t for_ns)
{
	uint64_t end_ns = sl_now_ns() + for_ns;
	enum ctl_exit code = drops_open(t->ctl, &t->gate, 0, on_drop, t, &t->drops);
	bool is_last;

	if (code != CTL_OK)
		return code;
	do {
		is_last = sl_now_ns() >= end_ns;
		drops_look(&t->drops);
		if (!is_last)
			ending_wait_ms(LOOK_MS);
	} while (!is_last && !ending_has_come());
	drops_close(&t->drops);
	return CTL_OK;
}

static void add_punished(struct top *t)
{
	struct sl_address key, *before = NULL;
	struct sl_punishment p;

	/* Bounded: of a map that changes, the kernel may begin again. */
	for (unsigned i = 0; i < 2 * SL_PUNISHED_MAX; i++) {
		struct sl_address next;
		struct candidate *c;

		if (bpf_map_get_next_key(t->gate.punished, before, &next) < 0)
			break;
		key = next;
		before = &key;
		if (!credit_find_punishment(&t->gate, &key, sl_now_ns(), &p))
			continue;
		c = candidate_of(t, &key);
		if (!c)
			continue;
		c->is_punished = true;
		c->hits = p.hits;
	}
}

static void add_connections(struct top *t)
{
	struct ctl quiet = *t->ctl;
	json_t *answer = NULL;
	const json_t *item;
	size_t i;

	quiet.is_quiet = true; /* it is one source of several */
	t->has_daemon = ctl_ask(&quiet, "connection show", &answer) == CTL_OK;
	json_array_foreach(json_object_get(answer, "connections"), i, item)
	{
		const char *text = json_string_value(json_object_get(item, "client"));
		struct candidate *c = NULL;
		bool had_host_bits;
		struct sl_prefix p;

		if (text && sl_prefix_parse(sl_str_of(text), &p, &had_host_bits) == 0)
			c = candidate_of(t, &(struct sl_address){ p.hi, p.lo });
		if (!c)
			continue;
		c->connections++;
		c->requests += (uint64_t)json_integer_value(json_object_get(item, "requests"));
	}
	json_decref(answer);
}

static void find_used(struct top *t)
{
	uint64_t now_ns = sl_now_ns();

	for (size_t i = 0; i < t->nr; i++) {
		struct credit credit[SL_CREDITS];

		credit_read(&t->gate, &t->candidates[i].client, now_ns, credit);
		for (int k = 0; k < SL_CREDITS; k++)
			if (credit[k].used > t->candidates[i].used)
				t->candidates[i].used = credit[k].used;
	}
}

/* ---- top: in order ---- */

static int by_pressure(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->drops != y->drops)
		return x->drops > y->drops ? -1 : 1;
	if (x->hits != y->hits)
		return x->hits > y->hits ? -1 : 1;
	if (x->used > y->used || x->used < y->used)
		return x->used > y->used ? -1 : 1;
	if (x->requests != y->requests)
		return x->requests > y->requests ? -1 : 1;
	return memcmp(&x->client, &y->client, sizeof(x->client));
}

static enum ctl_exit tell_top(struct top *t, uint64_t nr)
{
	json_t *list = json_array();
	char text[64];

	if (!t->ctl->is_json)
		printf("%-39s %10s %10s %6s %11s %10s %s\n", "CLIENT", "DROPS", "HITS", "USED",
		       "CONNECTIONS", "REQUESTS", "PUNISHED");
	for (size_t i = 0; i < t->nr && i < nr; i++) {
		const struct candidate *c = &t->candidates[i];

		lists_client_text(&t->gate, &c->client, text);
		if (t->ctl->is_json)
			json_array_append_new(
				list,
				json_pack("{s:s, s:I, s:I, s:f, s:I, s:I, s:b}", "client", text,
					  "drops", (json_int_t)c->drops, "hits",
					  (json_int_t)c->hits, "used", c->used, "connections",
					  (json_int_t)c->connections, "requests",
					  (json_int_t)c->requests, "punished", c->is_punished));
		else
			printf("%-39s %10" PRIu64 " %10" PRIu64 " %5.0f%% %11" PRIu64 " %10" PRIu64
			       " %s\n",
			       text, c->drops, c->hits, c->used * 100, c->connections, c->requests,
			       c->is_punished ? "yes" : "-");
	}
	if (t->ctl->is_json)
		return ctl_print_json(t->ctl, json_pack("{s:b, s:o}", "has_daemon", t->has_daemon,
							"clients", list));
	json_decref(list);
	if (!t->has_daemon)
		fputs("sluicectl: client top: no daemon answers: its connections are not in this\n",
		      stderr);
	return CTL_OK;
}

static enum ctl_exit find_top(struct top *t, uint64_t nr, uint64_t for_ns)
{
	enum ctl_exit code = CTL_OK;

	if (tally_init(&t->index) < 0)
		return ctl_fail(t->ctl, CTL_FAILED, "out of memory");
	if (for_ns)
		code = look_at_drops(t, for_ns);
	if (code == CTL_OK && !ending_has_come()) {
		add_punished(t);
		add_connections(t);
		find_used(t);
		if (t->nr)
			qsort(t->candidates, t->nr, sizeof(*t->candidates), by_pressure);
		code = tell_top(t, nr);
	}
	tally_fini(&t->index);
	free(t->candidates);
	return code;
}

enum ctl_exit ctl_client_top(struct ctl *ctl, char **arguments)
{
	static const char *const words[] = { "for", NULL };
	bool has_nr = arguments[0] && arguments[0][0] >= '0' && arguments[0][0] <= '9';
	uint64_t nr = TOP_DEFAULT, for_ns = 0;
	struct top t = { .ctl = ctl };
	const char *span = NULL;
	enum ctl_exit code = CTL_OK;

	if (has_nr)
		code = ctl_read_number(ctl, "how many", arguments[0], 1, TOP_MAX, &nr);
	if (code == CTL_OK)
		code = ctl_read_keywords(ctl, arguments + has_nr, words, "client help", &span);
	if (code == CTL_OK && span)
		code = ctl_read_span(ctl, "for", span, &for_ns);
	if (code == CTL_OK)
		code = lists_open_gate(ctl, &t.gate);
	if (code != CTL_OK)
		return code;
	ending_begin();
	code = find_top(&t, nr, for_ns);
	sl_gate_close(&t.gate);
	ending_finish();
	return code;
}
