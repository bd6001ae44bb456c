// SPDX-License-Identifier: Apache-2.0
// sluicectl punish: clients that the kernel denies for a while.
#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "lists.h"

#define FOR_DEFAULT_NS (300 * SL_SEC)

/* ---- show ---- */

struct sentence {
	struct sl_address client;
	struct sl_punishment p;
	uint64_t left_ns;
	char text[64];
};

static json_t *describe(const struct sentence *s)
{
	return json_pack("{s:s,s:s,s:s,s:I,s:I,s:i,s:i}", "client", s->text, "reason", s->p.reason,
			 "request_id", s->p.request_id, "left_ms", (json_int_t)(s->left_ns / SL_MS),
			 "hits", (json_int_t)s->p.hits, "repeats", (int)s->p.repeats, "rule",
			 (int)s->p.rule);
}

static void print_line(const struct sentence *s)
{
	char span[32];

	printf("%-24s %-15s %-10s %7" PRIu32 " %10" PRIu64 " %s\n", s->text,
	       s->p.reason[0] ? s->p.reason : "-", lists_span_text(s->left_ns, span), s->p.repeats,
	       (uint64_t)s->p.hits, s->p.request_id[0] ? s->p.request_id : "-");
}

/* False when it is over, or gone meanwhile. */
static bool look(const struct sl_gate *gate, struct sentence *s)
{
	uint64_t now_ns = sl_now_ns();

	if (bpf_map_lookup_elem(gate->punished, &s->client, &s->p) < 0 || s->p.until_ns <= now_ns)
		return false;
	s->p.reason[sizeof(s->p.reason) - 1] = 0;
	s->p.request_id[sizeof(s->p.request_id) - 1] = 0;
	s->left_ns = s->p.until_ns - now_ns;
	lists_client_text(gate, &s->client, s->text);
	return true;
}

enum ctl_exit ctl_punish_show(struct ctl *ctl, char **arguments)
{
	struct sentence s = { .left_ns = 0 };
	void *before = NULL;
	struct sl_gate gate;
	unsigned taken = 0;
	json_t *list;
	enum ctl_exit code = lists_open_gate(ctl, &gate);

	if (code != CTL_OK)
		return code;
	list = json_array();
	if (!ctl->is_json)
		printf("%-24s %-15s %-10s %7s %10s %s\n", "CLIENT", "REASON", "ENDS IN", "REPEATS",
		       "HITS", "REQUEST");
	/* Bounded: of a map that changes, the kernel may begin again. */
	for (unsigned i = 0; i < 2 * SL_PUNISHED_MAX; i++) {
		struct sl_address next;

		if (bpf_map_get_next_key(gate.punished, before, &next) < 0)
			break;
		s.client = next;
		before = &s.client;
		taken++;
		if (!look(&gate, &s))
			continue;
		if (ctl->is_json)
			json_array_append_new(list, describe(&s));
		else
			print_line(&s);
	}
	sl_gate_close(&gate);
	if (ctl->is_json)
		return ctl_print_json(ctl, json_pack("{s:o, s:i, s:i}", "punished", list, "taken",
						     (int)taken, "places", SL_PUNISHED_MAX));
	json_decref(list);
	if (taken > SL_PUNISHED_MAX - SL_PUNISHED_MAX / 32)
		printf("%u of %u places are taken: who was seen least lately gives way to the "
		       "next\n",
		       taken, SL_PUNISHED_MAX);
	return CTL_OK;
}

/* ---- add, del ---- */

struct words {
	struct sl_punishment p;
	uint64_t ns;
	bool is_forced;
};

static enum ctl_exit read_value(struct ctl *ctl, const char *keyword, const char *word,
				struct words *w)
{
	struct sl_str value = sl_str_of(word);

	if (strcmp(keyword, "timeout") == 0) {
		if (sl_span_parse(value, &w->ns) < 0 || w->ns == 0 || w->ns > SL_TIMEOUT_MAX_NS)
			return ctl_fail(ctl, CTL_USAGE,
					"'%s' is not a time such as 10m, up to a year", word);
		return CTL_OK;
	}
	if (value.len == 0 || value.len >= sizeof(w->p.reason))
		return ctl_fail(ctl, CTL_USAGE, "'%s': a reason has 1 to 15 letters", word);
	memset(w->p.reason, 0, sizeof(w->p.reason));
	memcpy(w->p.reason, value.ptr, value.len);
	return CTL_OK;
}

static enum ctl_exit read_words(struct ctl *ctl, char **word, struct words *w)
{
	static const char *const keywords[] = { "timeout", "reason", "force", NULL };
	enum ctl_exit code = CTL_OK;

	while (*word && code == CTL_OK) {
		const char *k =
			ctl_find_word(ctl, "keyword", *word++, keywords, "punish help", &code);

		if (!k)
			return code;
		if (strcmp(k, "force") == 0) {
			w->is_forced = true;
			continue;
		}
		if (!*word)
			return ctl_fail(ctl, CTL_USAGE, "'%s' needs a value", k);
		code = read_value(ctl, k, *word++, w);
	}
	return code;
}

static enum ctl_exit put(struct ctl *ctl, const struct sl_gate *gate, const char *address,
			 struct words *w)
{
	struct sl_address client;
	enum ctl_exit code = lists_read_client(ctl, gate, address, &client);

	if (code == CTL_OK && !w->is_forced)
		code = lists_check_punished(ctl, &client);
	if (code != CTL_OK)
		return code;
	if (bpf_map_update_elem(gate->punished, &client, &w->p, BPF_ANY) < 0)
		return ctl_fail(ctl, CTL_FAILED, "%s: %s", address, strerror(errno));
	__atomic_fetch_or(&gate->switches->flags, SL_FLAG_PUNISHED, __ATOMIC_SEQ_CST);
	return CTL_OK;
}

enum ctl_exit ctl_punish_add(struct ctl *ctl, char **arguments)
{
	struct words w = {
		.p = { .since_ns = sl_now_ns(), .reason = "operator", .request_id = "sluicectl" },
		.ns = FOR_DEFAULT_NS
	};
	struct sl_gate gate;
	enum ctl_exit code = read_words(ctl, arguments + 1, &w);

	if (code == CTL_OK)
		code = lists_open_gate(ctl, &gate);
	if (code != CTL_OK)
		return code;
	w.p.until_ns = w.p.since_ns + w.ns;
	code = put(ctl, &gate, arguments[0], &w);
	sl_gate_close(&gate);
	return code;
}

enum ctl_exit ctl_punish_del(struct ctl *ctl, char **arguments)
{
	struct sl_address client;
	struct sl_gate gate;
	enum ctl_exit code = lists_open_gate(ctl, &gate);

	if (code != CTL_OK)
		return code;
	code = lists_read_client(ctl, &gate, arguments[0], &client);
	if (code == CTL_OK && bpf_map_delete_elem(gate.punished, &client) < 0)
		code = ctl_fail(ctl, CTL_FAILED, "%s: %s", arguments[0],
				errno == ENOENT ? "is not being punished" : strerror(errno));
	sl_gate_close(&gate);
	return code;
}
