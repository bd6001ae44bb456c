// SPDX-License-Identifier: Apache-2.0
// sluicectl deny and allow: show.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "lists.h"

static void print_line(const struct lists *l, const struct sl_prefix *p)
{
	const struct sl_rule *rule = &l->all.rules[p->rule];
	char prefix[64], port[8] = "", last[40] = "", ends[40] = "", span[32];
	uint64_t last_ns = (uint64_t)p->last_hit << SL_TICK_SHIFT;
	uint64_t end_ns = (uint64_t)p->expires << SL_TICK_SHIFT;

	if (rule->has_port)
		snprintf(port, sizeof(port), "%u", rule->port);
	if (p->last_hit)
		snprintf(last, sizeof(last), "%s ago",
			 lists_span_text(l->now.ns > last_ns ? l->now.ns - last_ns : 0, span));
	if (p->expires)
		snprintf(ends, sizeof(ends), "in %s",
			 lists_span_text(end_ns > l->now.ns ? end_ns - l->now.ns : 0, span));
	printf("%-24s %-6s %-14s %-15s %5s %10" PRIu64 " %-12s %s%s\n",
	       lists_prefix_text(p, prefix), sl_action_name(rule->action),
	       rule->list[0] ? rule->list : "-", rule->reason[0] ? rule->reason : "-",
	       port[0] ? port : "-", p->hits, last[0] ? last : "never", ends[0] ? ends : "never",
	       p->is_hidden ? "  (under a management prefix)" : "");
}

/* One by one: a list of a million would be a gigabyte as one value. */
static enum ctl_exit print_json(struct ctl *ctl, const struct lists *l, const bool *is_shown)
{
	size_t flags = ctl->is_pretty ? JSON_INDENT(2) : JSON_COMPACT;
	const char *comma = "";

	fputs("{\"entries\":[", stdout);
	for (size_t i = 0; i < l->all.nr; i++) {
		json_t *entry = is_shown[i] ? lists_entry_json(l, &l->all, i) : NULL;

		if (!is_shown[i])
			continue;
		fputs(comma, stdout);
		if (ctl->is_pretty)
			putchar('\n');
		if (!entry || json_dumpf(entry, stdout, flags) < 0)
			return ctl_fail(ctl, CTL_FAILED, "out of memory");
		json_decref(entry);
		comma = ",";
	}
	puts("]}");
	return CTL_OK;
}

static enum ctl_exit gather_json(struct ctl *ctl, const struct lists *l, const bool *is_shown)
{
	json_t *entries = json_array();

	for (size_t i = 0; i < l->all.nr; i++)
		if (is_shown[i])
			json_array_append_new(entries, lists_entry_json(l, &l->all, i));
	return ctl_print_json(ctl, json_pack("{s:o}", "entries", entries));
}

static enum ctl_exit print_entries(struct ctl *ctl, const struct lists *l, const bool *is_shown)
{
	if (ctl->is_json)
		return ctl->outputs ? gather_json(ctl, l, is_shown) : print_json(ctl, l, is_shown);
	printf("%-24s %-6s %-14s %-15s %5s %10s %-12s %s\n", "PREFIX", "ACTION", "LIST", "REASON",
	       "PORT", "HITS", "LAST HIT", "EXPIRES");
	for (size_t i = 0; i < l->all.nr; i++)
		if (is_shown[i])
			print_line(l, &l->all.prefixes[i]);
	return CTL_OK;
}

static enum ctl_exit show_meant(struct ctl *ctl, const struct lists *l, const struct lists_words *w,
				const struct sl_prefix *p, bool is_lookup)
{
	bool *is_shown = calloc(l->all.nr + 1, sizeof(*is_shown));
	bool has_any = false;
	enum ctl_exit code;

	if (!is_shown)
		return ctl_fail(ctl, CTL_FAILED, "out of memory");
	for (size_t i = 0; i < l->all.nr; i++) {
		const struct sl_prefix *entry = &l->all.prefixes[i];

		is_shown[i] =
			lists_is_meant(w, &l->all.rules[entry->rule]) &&
			(!p || sl_prefix_covers(is_lookup ? entry : p, is_lookup ? p : entry));
		has_any |= is_shown[i];
	}
	code = print_entries(ctl, l, is_shown);
	free(is_shown);
	return code == CTL_OK && is_lookup && !has_any ? CTL_FAULTS : code;
}

static bool is_prefix(const char *word)
{
	return word && (strchr(word, '.') || strchr(word, ':') || strchr(word, '/'));
}

static enum ctl_exit show_asked(struct ctl *ctl, struct lists_ask *ask, bool is_lookup)
{
	enum ctl_exit code = lists_begin(ctl, ask);

	if (code != CTL_OK)
		return code;
	code = show_meant(ctl, &ask->l, &ask->w, ask->prefix ? &ask->p : NULL, is_lookup);
	lists_close(&ask->l);
	return code;
}

static enum ctl_exit show(struct ctl *ctl, bool denies, char **arguments)
{
	bool has_prefix = is_prefix(arguments[0]);
	struct lists_ask ask = { .denies = denies,
				 .prefix = has_prefix ? arguments[0] : NULL,
				 .words = arguments + has_prefix,
				 .allowed = LISTS_CHOICE };

	return show_asked(ctl, &ask, false);
}

/* The longest comes last; 2 if there is none. */
static enum ctl_exit lookup(struct ctl *ctl, bool denies, char **arguments)
{
	struct lists_ask ask = { .denies = denies,
				 .prefix = arguments[0],
				 .words = arguments + 1,
				 .allowed = LISTS_CHOICE };

	return show_asked(ctl, &ask, true);
}

LISTS_BOTH(show)
LISTS_BOTH(lookup)
