// SPDX-License-Identifier: Apache-2.0
// sluicectl deny and allow: load, save, diff.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lists.h"

/* ---- what changes ---- */

struct change {
	struct sl_prefixes next; /* all lists, as they are to be */
	size_t added, removed, kept, merged;
	json_t *lines; /* of a diff as JSON; or NULL */
	bool is_told;  /* a diff as text */
};

static bool is_among(const char *name, const char *const *names, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* Of each rule of the lists as they are: whether the file replaces its list.  Those are the lists
 * that it has entries of, and the one that it is for. */
static bool *find_replaced(const struct sl_listfile *f, const struct sl_prefixes *all)
{
	const char **names = calloc(f->list.rules_nr + 1, sizeof(*names));
	bool *is_old = calloc(all->rules_nr + 1, sizeof(*is_old));
	size_t nr = 1;

	if (!names || !is_old) {
		free(names);
		free(is_old);
		return NULL;
	}
	names[0] = f->defaults.rule.list;
	for (uint32_t i = 0; i < f->list.rules_nr; i++)
		if (!is_among(f->list.rules[i].list, names, nr))
			names[nr++] = f->list.rules[i].list;
	for (uint32_t i = 0; i < all->rules_nr; i++)
		is_old[i] = sl_rule_denies(&all->rules[i]) == f->defaults.denies &&
			    is_among(all->rules[i].list, names, nr);
	free(names);
	return is_old;
}

static void tell(struct change *c, char sign, const struct lists *l, const struct sl_prefixes *list,
		 size_t i)
{
	char mem[SL_LIST_LINE_MAX], what[2] = { sign };
	struct sl_out o;

	if (!c->is_told && !c->lines)
		return;
	sl_out_init(&o, mem, sizeof(mem));
	sl_list_write_entry(&o, list, i, &l->now, true);
	if (c->is_told)
		printf("%c %.*s", sign, SL_STR_ARG(sl_out_done(&o)));
	if (c->lines)
		json_array_append_new(c->lines, json_pack("{s:s, s:s%}", "change", what, "entry",
							  mem, sl_out_len(&o) - 1));
}

/* A second is what a file tells of an end. */
static bool is_same_end(const struct sl_prefix *a, const struct sl_prefix *b)
{
	int64_t apart = (int64_t)a->expires - (int64_t)b->expires;

	return !a->expires == !b->expires && apart < 120 && apart > -120;
}

/* Of entries of one prefix: range[0] to [1] of the old ones, [2] to [3] of the new ones. */
static void compare_equal(struct change *c, const struct lists *l, struct sl_listfile *f,
			  const size_t range[4], const bool *is_old)
{
	for (size_t k = range[2]; f->list.prefixes && k < range[3]; k++) {
		struct sl_prefix *n = &f->list.prefixes[k];
		const struct sl_rule *rule = &f->list.rules[n->rule];
		bool is_found = false;

		for (size_t i = range[0]; l->all.prefixes && i < range[1] && !is_found; i++) {
			const struct sl_prefix *p = &l->all.prefixes[i];

			if (!is_old[p->rule] ||
			    memcmp(&l->all.rules[p->rule], rule, sizeof(*rule)) != 0 ||
			    !is_same_end(p, n))
				continue;
			n->since = p->since;
			n->expires = p->expires;
			is_found = true;
		}
		c->kept += is_found;
		c->added += !is_found;
		if (!is_found)
			tell(c, '+', l, &f->list, k);
	}
}

static bool has_equal(const struct sl_prefixes *list, const size_t range[2],
		      const struct sl_prefix *p, const struct sl_rule *rule)
{
	for (size_t k = range[0]; k < range[1]; k++)
		if (memcmp(&list->rules[list->prefixes[k].rule], rule, sizeof(*rule)) == 0 &&
		    is_same_end(&list->prefixes[k], p))
			return true;
	return false;
}

static size_t end_of_run(const struct sl_prefixes *list, size_t from, const struct sl_prefix *p)
{
	while (from < list->nr && sl_prefix_cmp(&list->prefixes[from], p) == 0)
		from++;
	return from;
}

/* Both are sorted alike: one walk through both. */
static void compare(struct change *c, const struct lists *l, struct sl_listfile *f,
		    const bool *is_old)
{
	size_t i = 0, k = 0;

	while (i < l->all.nr || k < f->list.nr) {
		const struct sl_prefix *p = i < l->all.nr ? &l->all.prefixes[i] : NULL;
		const struct sl_prefix *n = k < f->list.nr ? &f->list.prefixes[k] : NULL;
		const struct sl_prefix *least = !p || (n && sl_prefix_cmp(n, p) < 0) ? n : p;
		size_t range[4] = { i, end_of_run(&l->all, i, least), k,
				    end_of_run(&f->list, k, least) };

		for (size_t at = range[0]; l->all.prefixes && at < range[1]; at++) {
			const struct sl_prefix *old = &l->all.prefixes[at];

			if (!is_old[old->rule] ||
			    has_equal(&f->list, range + 2, old, &l->all.rules[old->rule]))
				continue;
			c->removed++;
			tell(c, '-', l, &l->all, at);
		}
		compare_equal(c, l, f, range, is_old);
		i = range[1];
		k = range[3];
	}
}

/* What is not replaced, and all of the file. */
static int join(struct change *c, const struct lists *l, const struct sl_listfile *f,
		const bool *is_old)
{
	const struct sl_prefixes *from[] = { &l->all, &f->list };
	int ret = 0;

	c->next.room = l->all.nr + f->list.nr;
	c->next.prefixes = reallocarray(NULL, c->next.room + 1, sizeof(*c->next.prefixes));
	if (!c->next.prefixes)
		return -ENOMEM;
	for (int n = 0; n < 2; n++) {
		int *rules = calloc(from[n]->rules_nr + 1, sizeof(*rules));

		for (uint32_t i = 0; rules && i < from[n]->rules_nr && ret >= 0; i++) {
			rules[i] = -1;
			if (n == 0 && is_old[i])
				continue;
			ret = rules[i] = sl_prefixes_rule(&c->next, &from[n]->rules[i]);
		}
		for (size_t i = 0; rules && ret >= 0 && i < from[n]->nr; i++) {
			struct sl_prefix p = from[n]->prefixes[i];

			if (rules[p.rule] < 0)
				continue;
			p.rule = (uint16_t)rules[p.rule];
			c->next.prefixes[c->next.nr++] = p;
		}
		if (!rules)
			ret = -ENOMEM;
		free(rules);
	}
	return ret < 0 ? ret : 0;
}

/* Fills *c, whose next is the caller's to free. */
static enum ctl_exit work_out(struct ctl *ctl, const struct lists *l, struct sl_listfile *f,
			      struct change *c)
{
	ssize_t merged = sl_list_merge(&f->list);
	bool *is_old = find_replaced(f, &l->all);
	int ret = merged < 0 || !is_old ? -ENOMEM : 0;

	if (ret == 0) {
		c->merged = (size_t)merged;
		compare(c, l, f, is_old);
		ret = join(c, l, f, is_old);
	}
	free(is_old);
	if (ret < 0)
		return ctl_fail(ctl, CTL_FAILED, "%s",
				ret == -E2BIG ? "too many different rules" : "out of memory");
	return CTL_OK;
}

enum ctl_exit lists_replace(struct ctl *ctl, const struct lists *lists, struct sl_listfile *f,
			    struct sl_prefixes *ret_next)
{
	struct change c = { .is_told = false };
	enum ctl_exit code = work_out(ctl, lists, f, &c);

	*ret_next = c.next;
	return code;
}

static enum ctl_exit print_change(struct ctl *ctl, const struct sl_listfile *f,
				  const struct change *c, uint32_t image_lines)
{
	if (ctl->is_json)
		return ctl_print_json(
			ctl,
			json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O?}", "format",
				  lists_format_names[f->format], "added", (json_int_t)c->added,
				  "removed", (json_int_t)c->removed, "kept", (json_int_t)c->kept,
				  "merged", (json_int_t)c->merged, "host_bits",
				  (json_int_t)f->host_bits_nr, "expired", (json_int_t)f->over_nr,
				  "bad", (json_int_t)f->faults_nr, "image_bytes",
				  (json_int_t)image_lines * SL_LINE_SIZE, "changes", c->lines));
	printf("%zu added, %zu removed, %zu kept\n", c->added, c->removed, c->kept);
	if (c->merged)
		printf("  %zu were there twice\n", c->merged);
	if (f->host_bits_nr)
		printf("  %zu had bits set beyond their length: cleared\n", f->host_bits_nr);
	if (f->over_nr)
		printf("  %zu had ended already\n", f->over_nr);
	if (f->faults_nr)
		printf("  %zu bad lines were left out\n", f->faults_nr);
	return CTL_OK;
}

/* ---- commands ---- */

static enum ctl_exit load_read(struct ctl *ctl, struct sl_listfile *f, const struct lists_words *w)
{
	struct change c = { .is_told = false };
	struct lists l;
	enum ctl_exit code = lists_open(ctl, true, &l);

	if (code != CTL_OK)
		return code;
	code = work_out(ctl, &l, f, &c);
	if (code == CTL_OK && c.added + c.removed > 0)
		code = lists_publish(ctl, &l, &c.next, w);
	if (code == CTL_OK)
		code = print_change(ctl, f, &c, l.gate.image_lines);
	sl_prefixes_fini(&c.next);
	lists_close(&l);
	return code;
}

static enum ctl_exit load(struct ctl *ctl, bool denies, char **arguments)
{
	struct lists_words w;
	struct sl_listfile f = { 0 };
	enum ctl_exit code = lists_read_words(
		ctl, denies, arguments + 1,
		LISTS_ENTRY | LISTS_FORCE | LISTS_TRIAL | LISTS_FORMAT | LISTS_SKIP, &w);

	if (code == CTL_OK)
		code = lists_read_file(ctl, arguments[0], &w, &f);
	if (code == CTL_OK)
		code = load_read(ctl, &f, &w);
	sl_prefixes_fini(&f.list);
	return code;
}

static enum ctl_exit diff_read(struct ctl *ctl, struct sl_listfile *f)
{
	struct change c = { .is_told = !ctl->is_json };
	struct lists l;
	enum ctl_exit code = lists_open(ctl, false, &l);
	bool is_different;

	if (code != CTL_OK)
		return code;
	c.lines = ctl->is_json ? json_array() : NULL;
	code = work_out(ctl, &l, f, &c);
	is_different = c.added + c.removed > 0;
	if (code == CTL_OK && ctl->is_json)
		code = print_change(ctl, f, &c, l.gate.image_lines);
	json_decref(c.lines);
	sl_prefixes_fini(&c.next);
	lists_close(&l);
	return code == CTL_OK && is_different ? CTL_FAULTS : code;
}

static enum ctl_exit diff(struct ctl *ctl, bool denies, char **arguments)
{
	struct lists_words w;
	struct sl_listfile f = { 0 };
	enum ctl_exit code = lists_read_words(ctl, denies, arguments + 1,
					      LISTS_ENTRY | LISTS_FORMAT | LISTS_SKIP, &w);

	if (code == CTL_OK)
		code = lists_read_file(ctl, arguments[0], &w, &f);
	if (code == CTL_OK)
		code = diff_read(ctl, &f);
	sl_prefixes_fini(&f.list);
	return code;
}

static size_t write_entries(const struct lists *l, const struct lists_words *w, FILE *to)
{
	bool with_list = !(w->given & LISTS_LIST);
	size_t nr = 0;

	for (size_t i = 0; i < l->all.nr; i++) {
		char mem[SL_LIST_LINE_MAX];
		struct sl_out o;

		if (!lists_is_meant(w, &l->all.rules[l->all.prefixes[i].rule]))
			continue;
		sl_out_init(&o, mem, sizeof(mem));
		sl_list_write_entry(&o, &l->all, i, &l->now, with_list);
		fwrite(mem, 1, sl_out_len(&o), to);
		nr++;
	}
	return nr;
}

/* Beside the file, then in its place: nobody finds half of it. */
static enum ctl_exit save_file(struct ctl *ctl, const struct lists *l, const struct lists_words *w,
			       const char *file)
{
	bool is_bad;
	char *part;
	FILE *to;

	if (asprintf(&part, "%s.part", file) < 0)
		return ctl_fail(ctl, CTL_FAILED, "out of memory");
	to = fopen(part, "we");
	if (!to) {
		free(part);
		return ctl_fail(ctl, CTL_FAILED, "%s: %s", file, strerror(errno));
	}
	write_entries(l, w, to);
	is_bad = ferror(to) != 0;
	is_bad = fflush(to) != 0 || fsync(fileno(to)) != 0 || is_bad;
	is_bad = fclose(to) != 0 || is_bad;
	is_bad = is_bad || rename(part, file) < 0;
	if (is_bad)
		unlink(part);
	free(part);
	return is_bad ? ctl_fail(ctl, CTL_FAILED, "%s: %s", file, strerror(errno)) : CTL_OK;
}

static enum ctl_exit save(struct ctl *ctl, bool denies, char **arguments)
{
	struct lists_ask ask = { .denies = denies, .words = arguments + 1, .allowed = LISTS_LIST };
	enum ctl_exit code = lists_begin(ctl, &ask);

	if (code != CTL_OK)
		return code;
	if (strcmp(arguments[0], "-") == 0)
		write_entries(&ask.l, &ask.w, stdout);
	else
		code = save_file(ctl, &ask.l, &ask.w, arguments[0]);
	lists_close(&ask.l);
	return code;
}

LISTS_BOTH(load)
LISTS_BOTH(save)
LISTS_BOTH(diff)
