// SPDX-License-Identifier: Apache-2.0
// The kernel's lists, opened to be read or changed; an entry as JSON.
#include "lists.h"

#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "kern/image.h"

enum ctl_exit lists_open_gate(struct ctl *ctl, struct sl_gate *ret_gate)
{
	struct sl_why why;
	int ret = sl_gate_open(ret_gate, ctl->pins, &why);

	if (ret == 0)
		return CTL_OK;
	if (ret == -ENOENT)
		return ctl_fail(ctl, CTL_FAILED,
				"nothing is attached by %s: sluicectl attach dev IFACE first "
				"(without it the gateway enforces its file's section 'kernel' "
				"by itself, and sluicectl metrics counts what it denied)",
				ctl->pins);
	if (ret == -EPERM || ret == -EACCES)
		return ctl_fail(ctl, CTL_DENIED, "%s; be root", why.text);
	return ctl_fail(ctl, CTL_FAILED, "%s", why.text);
}

/* Its rules are the same, and may become more. */
static int copy_list(const struct sl_prefixes *list, struct sl_prefixes *ret_copy)
{
	int ret = 0;

	for (uint32_t i = 0; i < list->rules_nr && ret >= 0; i++)
		ret = sl_prefixes_rule(ret_copy, &list->rules[i]);
	if (ret < 0 || !list->nr)
		return ret < 0 ? ret : 0;
	ret_copy->prefixes = reallocarray(NULL, list->nr, sizeof(*list->prefixes));
	if (!ret_copy->prefixes)
		return -ENOMEM;
	memcpy(ret_copy->prefixes, list->prefixes, list->nr * sizeof(*list->prefixes));
	ret_copy->nr = ret_copy->room = list->nr;
	return 0;
}

enum ctl_exit lists_open(struct ctl *ctl, bool to_change, struct lists *ret_lists)
{
	struct lists l = { .lock = -1 };
	struct sl_why why;
	enum ctl_exit code;

	if (to_change)
		l.lock = sl_gate_lock(ctl->pins);
	/* Under the lock: another may just have put other maps there. */
	code = lists_open_gate(ctl, &l.gate);
	if (code == CTL_OK && to_change && l.lock < 0) {
		code = ctl_fail(ctl, CTL_FAILED, "%s: %s", ctl->pins, strerror(-l.lock));
		sl_gate_close(&l.gate);
	}
	if (code != CTL_OK) {
		if (l.lock >= 0)
			close(l.lock);
		return code;
	}
	l.now = sl_moment_now();
	if (sl_gate_read(&l.gate, &l.all, &why) < 0) {
		lists_close(&l);
		return ctl_fail(ctl, CTL_FAILED, "%s", why.text);
	}
	sl_prefixes_prune(&l.all, sl_moment_ticks(&l.now));
	sl_prefixes_hide(&l.all);
	if (to_change && copy_list(&l.all, &l.before) < 0) {
		lists_close(&l);
		return ctl_fail(ctl, CTL_FAILED, "out of memory");
	}
	*ret_lists = l;
	return CTL_OK;
}

void lists_close(struct lists *lists)
{
	sl_prefixes_fini(&lists->all);
	sl_prefixes_fini(&lists->before);
	sl_gate_close(&lists->gate);
	if (lists->lock >= 0)
		close(lists->lock);
}

enum ctl_exit lists_begin(struct ctl *ctl, struct lists_ask *ask)
{
	enum ctl_exit code = CTL_OK;

	if (ask->prefix)
		code = lists_read_prefix(ctl, ask->prefix, &ask->p);
	if (code == CTL_OK)
		code = lists_read_words(ctl, ask->denies, ask->words, ask->allowed, &ask->w);
	return code == CTL_OK ? lists_open(ctl, ask->is_change, &ask->l) : code;
}

enum ctl_exit lists_publish(struct ctl *ctl, struct lists *lists, struct sl_prefixes *next,
			    const struct lists_words *words)
{
	uint32_t lines = lists->gate.image_lines;
	struct sl_why why;
	enum ctl_exit code = CTL_OK;

	if (!(words->given & LISTS_FORCE))
		code = lists_check_safety(ctl, lists, next);
	if (code != CTL_OK)
		return code;
	if (sl_gate_try(&lists->gate, next, words->trial_ns, &why) < 0)
		return ctl_fail(ctl, CTL_FAILED, "%s", why.text);
	if (lists->gate.image_lines != lines && !ctl->is_json)
		fprintf(stderr,
			"sluicectl: lists have more room now: %u MiB each, and two are kept\n",
			lists->gate.image_lines / (1048576 / SL_LINE_SIZE));
	if (words->trial_ns && !ctl->is_json)
		fprintf(stderr,
			"sluicectl: on trial: it ends by itself in %" PRIu64
			" s, unless 'sluicectl deny confirm' comes first; 'sluicectl deny revert' "
			"ends "
			"it now\n",
			(uint64_t)(words->trial_ns / SL_SEC));
	return CTL_OK;
}

/* ---- JSON ---- */

static json_t *json_dev(uint32_t ifindex)
{
	char name[IF_NAMESIZE];

	if (!ifindex)
		return json_null();
	if (if_indextoname(ifindex, name))
		return json_string(name);
	return json_sprintf("index %u", ifindex);
}

static json_t *json_ago(const struct lists *lists, uint32_t ticks)
{
	uint64_t then_ns = (uint64_t)ticks << SL_TICK_SHIFT;

	if (!ticks)
		return json_null();
	return json_integer(
		then_ns < lists->now.ns ? (json_int_t)((lists->now.ns - then_ns) / SL_SEC) : 0);
}

static json_t *json_left(const struct lists *lists, uint32_t ticks)
{
	uint64_t then_ns = (uint64_t)ticks << SL_TICK_SHIFT;

	if (!ticks)
		return json_null();
	return json_integer(
		then_ns > lists->now.ns ? (json_int_t)((then_ns - lists->now.ns) / SL_SEC) : 0);
}

json_t *lists_entry_json(const struct lists *lists, const struct sl_prefixes *list, size_t i)
{
	const struct sl_prefix *p = &list->prefixes[i];
	const struct sl_rule *rule = &list->rules[p->rule];
	char text[64];

	return json_pack("{s:s, s:s, s:s, s:s?, s:o, s:o, s:I, s:o, s:o, s:o, s:b}", "prefix",
			 lists_prefix_text(p, text), "action", sl_action_name(rule->action), "list",
			 rule->list, "reason", rule->reason[0] ? rule->reason : NULL, "port",
			 rule->has_port ? json_integer(rule->port) : json_null(), "dev",
			 json_dev(rule->ifindex), "hits", (json_int_t)p->hits, "last_hit_s",
			 json_ago(lists, p->last_hit), "since_s", json_ago(lists, p->since),
			 "expires_s", json_left(lists, p->expires), "hidden", p->is_hidden);
}
