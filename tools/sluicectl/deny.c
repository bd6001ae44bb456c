// SPDX-License-Identifier: Apache-2.0
// sluicectl deny and allow: add, del, flush.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lists.h"

/* What came of one entry, for people and for programs. */
static enum ctl_exit print_result(struct ctl *ctl, const struct sl_prefix *p, const char *result,
				  const char *covered_by)
{
	char text[64];

	lists_prefix_text(p, text);
	if (ctl->is_json)
		return ctl_print_json(ctl, json_pack("{s:s, s:s, s:s?}", "prefix", text, "result",
						     result, "covered_by", covered_by));
	printf("%s: %s\n", text, result);
	if (covered_by)
		fprintf(stderr, "sluicectl: note: %s covers it already\n", covered_by);
	return CTL_OK;
}

/* The longest other entry that covers p and would do the same to all of its packets, if the entry
 * that decides about them now does that; else list->nr. */
static size_t find_cover(const struct sl_prefixes *list, const struct sl_prefix *p,
			 const struct sl_rule *rule)
{
	size_t best = list->nr;

	for (size_t i = 0; i < list->nr; i++) {
		const struct sl_prefix *other = &list->prefixes[i];
		const struct sl_rule *r = &list->rules[other->rule];

		if (!sl_prefix_covers(other, p) ||
		    (other->length == p->length && sl_rule_is_same_place(r, rule)) ||
		    (r->has_port && (!rule->has_port || r->port != rule->port)) ||
		    (r->ifindex && r->ifindex != rule->ifindex))
			continue;
		if (best == list->nr || other->length >= list->prefixes[best].length)
			best = i;
	}
	if (best < list->nr && list->rules[list->prefixes[best].rule].action == rule->action &&
	    !list->prefixes[best].expires)
		return best;
	return list->nr;
}

static enum ctl_exit fail_exists(struct ctl *ctl, const struct lists_words *w,
				 const struct sl_prefixes *list, const struct sl_prefix *p)
{
	const struct sl_rule *rule = &list->rules[p->rule];
	char text[64], said[160];

	if (w->given & LISTS_EXIST)
		return print_result(ctl, p, "exists", NULL);
	lists_rule_text(rule, said, sizeof(said));
	return ctl_fail(ctl, CTL_FAILED,
			"%s is there already (%s), nothing is changed; with 'exist' that is no "
			"error",
			lists_prefix_text(p, text), said);
}

/* Into the list, as a change of the entry at `at` if there is one. */
static int put(struct sl_prefixes *list, size_t at, struct sl_prefix p, const struct sl_rule *rule)
{
	int ret = sl_prefixes_rule(list, rule);

	if (ret < 0)
		return ret;
	p.rule = (uint16_t)ret;
	if (at == list->nr)
		return sl_prefixes_add(list, &p);
	p.since = list->prefixes[at].since;
	list->prefixes[at] = p;
	return 0;
}

static enum ctl_exit add_to(struct ctl *ctl, struct lists *l, const struct lists_words *w,
			    struct sl_prefix *p)
{
	const struct sl_rule *rule = &w->entry.rule;
	size_t at = sl_prefixes_find(&l->all, p, rule), cover;
	bool is_new = at == l->all.nr;
	char text[64], said[160], covered[240];
	enum ctl_exit code;

	if (!is_new && !p->expires && !l->all.prefixes[at].expires &&
	    memcmp(&l->all.rules[l->all.prefixes[at].rule], rule, sizeof(*rule)) == 0)
		return fail_exists(ctl, w, &l->all, &l->all.prefixes[at]);
	cover = find_cover(&l->all, p, rule);
	if (cover < l->all.nr) {
		lists_rule_text(&l->all.rules[l->all.prefixes[cover].rule], said, sizeof(said));
		snprintf(covered, sizeof(covered), "%s (%s)",
			 lists_prefix_text(&l->all.prefixes[cover], text), said);
	}
	cover = cover < l->all.nr;
	if (put(&l->all, at, *p, rule) < 0)
		return ctl_fail(ctl, CTL_FAILED, "out of memory, or more than %u different rules",
				SL_RULES_MAX);
	code = lists_publish(ctl, l, &l->all, w);
	if (code != CTL_OK)
		return code;
	return print_result(ctl, p, is_new ? "added" : "changed", cover ? covered : NULL);
}

static enum ctl_exit add(struct ctl *ctl, bool denies, char **arguments)
{
	struct lists_ask ask = { .denies = denies,
				 .is_change = true,
				 .prefix = arguments[0],
				 .words = arguments + 1,
				 .allowed = LISTS_ENTRY | LISTS_EXIST | LISTS_FORCE | LISTS_TRIAL };
	enum ctl_exit code = lists_begin(ctl, &ask);

	if (code != CTL_OK)
		return code;
	ask.p.expires = ask.w.entry.expires;
	ask.p.since = sl_moment_ticks(&ask.l.now);
	code = add_to(ctl, &ask.l, &ask.w, &ask.p);
	lists_close(&ask.l);
	return code;
}

/* All that the words mean, and of one prefix if there is one; how many. */
static size_t remove_meant(struct sl_prefixes *list, const struct lists_words *w,
			   const struct sl_prefix *p)
{
	size_t nr = 0, gone;

	for (size_t i = 0; i < list->nr; i++) {
		bool is_meant = lists_is_meant(w, &list->rules[list->prefixes[i].rule]) &&
				(!p || sl_prefix_cmp(&list->prefixes[i], p) == 0);

		if (!is_meant)
			list->prefixes[nr++] = list->prefixes[i];
	}
	gone = list->nr - nr;
	list->nr = nr;
	return gone;
}

static enum ctl_exit publish_rest(struct ctl *ctl, struct lists *l, const struct lists_words *w,
				  size_t gone)
{
	enum ctl_exit code = gone ? lists_publish(ctl, l, &l->all, w) : CTL_OK;

	if (code != CTL_OK)
		return code;
	if (ctl->is_json)
		return ctl_print_json(ctl, json_pack("{s:I}", "removed", (json_int_t)gone));
	printf("%zu %s removed\n", gone, gone == 1 ? "entry" : "entries");
	return CTL_OK;
}

/* What holds for a prefix that has no entry of its own, in words; empty if nothing does. */
static void say_cover(const struct lists *l, const struct sl_prefix *p, bool denies, char *mem,
		      size_t size)
{
	size_t best = l->all.nr;
	char text[64], said[160];

	for (size_t i = 0; i < l->all.nr; i++)
		if (sl_rule_denies(&l->all.rules[l->all.prefixes[i].rule]) == denies &&
		    sl_prefix_covers(&l->all.prefixes[i], p))
			best = i;
	mem[0] = '\0';
	if (best == l->all.nr)
		return;
	lists_rule_text(&l->all.rules[l->all.prefixes[best].rule], said, sizeof(said));
	snprintf(mem, size, "; %s (%s) covers it", lists_prefix_text(&l->all.prefixes[best], text),
		 said);
}

static enum ctl_exit del_from(struct ctl *ctl, struct lists *l, const struct lists_words *w,
			      const struct sl_prefix *p)
{
	size_t gone = remove_meant(&l->all, w, p);
	char text[64], cover[320];

	if (gone || w->given & LISTS_EXIST)
		return publish_rest(ctl, l, w, gone);
	say_cover(l, p, w->entry.denies, cover, sizeof(cover));
	return ctl_fail(ctl, CTL_FAILED, "%s has no such entry%s", lists_prefix_text(p, text),
			cover);
}

static enum ctl_exit del(struct ctl *ctl, bool denies, char **arguments)
{
	struct lists_ask ask = { .denies = denies,
				 .is_change = true,
				 .prefix = arguments[0],
				 .words = arguments + 1,
				 .allowed =
					 LISTS_CHOICE | LISTS_EXIST | LISTS_FORCE | LISTS_TRIAL };
	enum ctl_exit code = lists_begin(ctl, &ask);

	if (code != CTL_OK)
		return code;
	code = del_from(ctl, &ask.l, &ask.w, &ask.p);
	lists_close(&ask.l);
	return code;
}

static enum ctl_exit flush(struct ctl *ctl, bool denies, char **arguments)
{
	struct lists_ask ask = { .denies = denies,
				 .is_change = true,
				 .words = arguments,
				 .allowed = LISTS_LIST | LISTS_ACTION | LISTS_FORCE | LISTS_TRIAL };
	enum ctl_exit code = lists_begin(ctl, &ask);

	if (code != CTL_OK)
		return code;
	code = publish_rest(ctl, &ask.l, &ask.w, remove_meant(&ask.l.all, &ask.w, NULL));
	lists_close(&ask.l);
	return code;
}

LISTS_BOTH(add)
LISTS_BOTH(del)
LISTS_BOTH(flush)
