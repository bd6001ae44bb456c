// SPDX-License-Identifier: Apache-2.0
// From the configuration to lists and limits.
#include "kern/rules.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "kern/image.h"
#include "kern/limit.h"
#include "kern/why.h"

/* ---- the list ---- */

static bool is_same(const struct sl_listed *a, unsigned a_nr, const struct sl_listed *b,
		    unsigned b_nr)
{
	if (a_nr != b_nr)
		return false;
	for (unsigned i = 0; i < a_nr; i++)
		if (memcmp(&a[i].net, &b[i].net, sizeof(a[i].net)) != 0 || a[i].port != b[i].port ||
		    a[i].action != b[i].action || !sl_str_eq(a[i].reason, b[i].reason))
			return false;
	return true;
}

bool sl_kernel_is_same_list(const struct sl_kernel_conf *a, const struct sl_kernel_conf *b)
{
	return a->shadow == b->shadow &&
	       is_same(a->management, a->management_nr, b->management, b->management_nr) &&
	       is_same(a->allow, a->allow_nr, b->allow, b->allow_nr) &&
	       is_same(a->proxies, a->proxies_nr, b->proxies, b->proxies_nr) &&
	       is_same(a->deny, a->deny_nr, b->deny, b->deny_nr);
}

static void drop_config(struct sl_prefixes *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->nr; i++)
		if (strcmp(list->rules[list->prefixes[i].rule].list, SL_CONFIG_LIST) != 0)
			list->prefixes[kept++] = list->prefixes[i];
	list->nr = kept;
}

static int add(struct sl_prefixes *list, const struct sl_listed *l, enum sl_action action)
{
	struct sl_rule rule = {
		.action = (__u8)action,
		.has_port = l->port != 0,
		.port = l->port,
		.list = SL_CONFIG_LIST,
	};
	struct sl_prefix p = { .length = l->net.bits };
	int ret;

	memcpy(&p.hi, l->net.ip.b, sizeof(p.hi));
	memcpy(&p.lo, l->net.ip.b + sizeof(p.hi), sizeof(p.lo));
	p.hi = be64toh(p.hi);
	p.lo = be64toh(p.lo);
	if (l->reason.len)
		memcpy(rule.reason, l->reason.ptr, l->reason.len); /* 15 bytes at the most */
	ret = sl_prefixes_rule(list, &rule);
	if (ret < 0)
		return ret;
	p.rule = (uint16_t)ret;
	return sl_prefixes_add(list, &p);
}

static enum sl_action action_of(const struct sl_kernel_conf *conf, const struct sl_listed *l)
{
	static const enum sl_action actions[] = {
		[SL_LISTED_DROP] = SL_ACTION_DROP,
		[SL_LISTED_REJECT] = SL_ACTION_REJECT,
		[SL_LISTED_SHADOW] = SL_ACTION_SHADOW,
	};

	return conf->shadow ? SL_ACTION_SHADOW : actions[l->action];
}

int sl_kernel_list(struct sl_prefixes *list, const struct sl_kernel_conf *conf)
{
	int ret = 0;

	for (unsigned i = 0; i < conf->management_nr && ret == 0; i++)
		ret = add(list, &conf->management[i], SL_ACTION_MANAGE);
	for (unsigned i = 0; i < conf->allow_nr && ret == 0; i++)
		ret = add(list, &conf->allow[i], SL_ACTION_ALLOW);
	/* Whose packets are those of many clients is not judged by what one may do. */
	for (unsigned i = 0; i < conf->proxies_nr && ret == 0; i++)
		ret = add(list, &conf->proxies[i], SL_ACTION_ALLOW);
	for (unsigned i = 0; i < conf->deny_nr && ret == 0; i++)
		ret = add(list, &conf->deny[i], action_of(conf, &conf->deny[i]));
	return ret;
}

/* Rules of one list are few, so each prefix may look for its own. */
static int append(struct sl_prefixes *list, const struct sl_prefixes *from)
{
	int ret = 0;

	for (size_t i = 0; i < from->nr && ret >= 0; i++) {
		struct sl_prefix p = from->prefixes[i];

		ret = sl_prefixes_rule(list, &from->rules[p.rule]);
		if (ret < 0)
			break;
		p.rule = (uint16_t)ret;
		ret = sl_prefixes_add(list, &p);
	}
	return ret < 0 ? ret : 0;
}

static int publish_locked(struct sl_gate *gate, const struct sl_prefixes *config,
			  struct sl_why *why)
{
	struct sl_prefixes list = { 0 };
	int ret = sl_gate_read(gate, &list, why);

	if (ret == 0) {
		drop_config(&list);
		ret = append(&list, config);
		if (ret < 0)
			sl_why_errno(why, ret, "the list");
	}
	if (ret == 0)
		ret = sl_gate_publish(gate, &list, why);
	sl_prefixes_fini(&list);
	return ret;
}

int sl_kernel_publish(struct sl_gate *gate, const struct sl_prefixes *config, struct sl_why *why)
{
	int lock = sl_gate_lock(gate->pins), ret;

	if (lock < 0)
		return sl_why_errno(why, lock, gate->pins);
	ret = publish_locked(gate, config, why);
	close(lock);
	return ret;
}

/* Into as many lines as it needs, in powers of two. */
static int compile(struct sl_prefixes *list, struct sl_image *ret_image, struct sl_why *why)
{
	size_t culprit = 0;
	uint64_t seed;
	int ret = -ENOSPC;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return sl_why_errno(why, -EIO, "getrandom");
	for (uint32_t nr = SL_IMAGE_LINES_DEFAULT; nr <= SL_IMAGE_LINES_MAX; nr *= 2) {
		struct sl_image image = { calloc(nr, SL_LINE_SIZE), nr };

		if (!image.lines)
			return sl_why_errno(why, -ENOMEM, "compiling the list");
		ret = sl_image_compile(&image, list, 1, seed, &culprit);
		if (ret == 0) {
			*ret_image = image;
			return 0;
		}
		free(image.lines);
		if (ret != -ENOSPC)
			break;
	}
	if (ret == -E2BIG)
		return sl_why_text(why, ret, "more than %d entries with a port lie over each other",
				   SL_CHAIN_MAX);
	return sl_why_errno(why, ret, "compiling the list");
}

int sl_kernel_compile(const struct sl_kernel_conf *conf, struct sl_image *ret_image,
		      struct sl_why *why)
{
	struct sl_prefixes list = { 0 };
	int ret = sl_kernel_list(&list, conf);

	*ret_image = (struct sl_image){ 0 };
	if (ret < 0)
		sl_why_errno(why, ret, "compiling the list");
	else if (list.nr)
		ret = compile(&list, ret_image, why);
	sl_prefixes_fini(&list);
	return ret;
}

/* ---- limits ---- */

static void set_limit(struct sl_gcra_rate *to, const struct sl_limit_conf *l,
		      const struct sl_limit_conf *before)
{
	struct sl_gcra_rate rate = { 0 };

	if (!l->rate.nr && !(before && before->rate.nr))
		return;
	if (l->rate.nr && sl_rate_make(&l->rate, l->burst, &rate) < 0)
		return; /* the configuration's reader has tried the same */
	if (rate.period == to->period && rate.burst == to->burst)
		return;
	sl_rate_store(to, &rate);
}

static void set_flag(struct sl_control *c, enum sl_flag flag, bool is_on)
{
	if (is_on)
		__atomic_fetch_or(&c->flags, flag, __ATOMIC_SEQ_CST);
	else
		__atomic_fetch_and(&c->flags, ~(__u32)flag, __ATOMIC_SEQ_CST);
}

void sl_kernel_set_limits(struct sl_control *c, const struct sl_kernel_conf *conf,
			  const struct sl_kernel_conf *before)
{
	const struct sl_client_limits *l = &conf->limits, *b = before ? &before->limits : NULL;

	set_limit(&c->connections, &l->connections, b ? &b->connections : NULL);
	set_limit(&c->packets, &l->packets, b ? &b->packets : NULL);
	set_limit(&c->bytes, &l->bytes, b ? &b->bytes : NULL);
	set_limit(&c->syns, &conf->syn_flood.limit, before ? &before->syn_flood.limit : NULL);
	set_flag(c, SL_FLAG_SHADOW, conf->shadow);
	set_flag(c, SL_FLAG_PORTS, conf->scope == SL_SCOPE_PORTS);
}

void sl_kernel_set_cookies(struct sl_control *c, const struct sl_kernel_conf *conf, bool can_cookie)
{
	if (conf->syn_flood.limit.rate.nr)
		set_flag(c, SL_FLAG_COOKIES, can_cookie && conf->syn_flood.answer == SL_SYN_COOKIE);
}

void sl_kernel_set_punish(struct sl_guard_rules *r, const struct sl_punish_conf *conf)
{
	const struct sl_frequency budget = { conf->budget, 60 * SL_SEC };

	r->punish = *conf;
	r->failures = r->budget = (struct sl_gcra_rate){ 0 };
	if (conf->after.nr > 1)
		sl_rate_make(&conf->after, conf->after.nr - 1, &r->failures);
	if (conf->budget)
		sl_rate_make(&budget, conf->budget, &r->budget);
}
