// SPDX-License-Identifier: Apache-2.0
// A list made one's own: duplicates merged; and written so that it can be read again.
#include <errno.h>
#include <net/if.h>
#include <time.h>

#include "base/clock.h"
#include "kern/listfile.h"

/* Of two that are one to people: does a hold at least as long? */
static bool outlasts(const struct sl_prefix *a, const struct sl_prefix *b)
{
	return !a->expires || (b->expires && a->expires >= b->expires);
}

/* The one of the same place among those of one prefix, or list->nr. */
static size_t find_same(const struct sl_prefixes *list, size_t first, size_t end,
			const struct sl_rule *rule)
{
	for (size_t i = first; i < end; i++)
		if (sl_rule_is_same_place(&list->rules[list->prefixes[i].rule], rule))
			return i;
	return list->nr;
}

ssize_t sl_list_merge(struct sl_prefixes *list)
{
	size_t nr = 0, first = 0, gone;
	int ret = sl_prefixes_sort(list);

	if (ret < 0)
		return ret;
	for (size_t i = 0; i < list->nr; i++) {
		struct sl_prefix p = list->prefixes[i];
		size_t same = list->nr;

		if (nr && sl_prefix_cmp(&list->prefixes[nr - 1], &p) == 0)
			same = find_same(list, first, nr, &list->rules[p.rule]);
		else
			first = nr;
		if (same == list->nr)
			list->prefixes[nr++] = p;
		else if (outlasts(&p, &list->prefixes[same]))
			list->prefixes[same] = p;
	}
	gone = list->nr - nr;
	list->nr = nr;
	ret = sl_prefixes_sort(list); /* another's rule may rank otherwise */
	return ret < 0 ? ret : (ssize_t)gone;
}

static void write_until(struct sl_out *o, const struct sl_moment *now, uint32_t expires)
{
	time_t s = (time_t)sl_moment_wall_s(now, expires);
	char text[32];
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	sl_out_fmt(o, " until %s", text);
}

void sl_list_write_entry(struct sl_out *o, const struct sl_prefixes *list, size_t i,
			 const struct sl_moment *now, bool with_list)
{
	const struct sl_prefix *p = &list->prefixes[i];
	const struct sl_rule *rule = &list->rules[p->rule];
	char name[IF_NAMESIZE];

	sl_prefix_print(o, p);
	if (rule->action != (sl_rule_denies(rule) ? SL_ACTION_DROP : SL_ACTION_ALLOW))
		sl_out_fmt(o, " action %s", sl_action_name(rule->action));
	if (rule->reason[0])
		sl_out_fmt(o, " reason %s", rule->reason);
	if (rule->has_port)
		sl_out_fmt(o, " port %u", rule->port);
	if (rule->ifindex && if_indextoname(rule->ifindex, name))
		sl_out_fmt(o, " dev %s", name);
	if (with_list && rule->list[0])
		sl_out_fmt(o, " list %s", rule->list);
	if (p->expires)
		write_until(o, now, p->expires);
	sl_out_char(o, '\n');
}
