// SPDX-License-Identifier: Apache-2.0
// What an entry is in words, and finding it.
#include "kern/edit.h"

#include <errno.h>
#include <net/if.h>
#include <time.h>

#include "base/clock.h"
#include "kern/why.h"

static const char *const action_names[] = {
	[SL_ACTION_NONE] = "none", [SL_ACTION_MANAGE] = "manage", [SL_ACTION_ALLOW] = "allow",
	[SL_ACTION_DROP] = "drop", [SL_ACTION_REJECT] = "reject", [SL_ACTION_SHADOW] = "shadow",
};

const char *sl_action_name(enum sl_action action)
{
	return action < sizeof(action_names) / sizeof(*action_names) ? action_names[action] : "?";
}

int sl_action_parse(struct sl_str name, bool denies, enum sl_action *ret_action)
{
	for (unsigned i = 0; i < sizeof(action_names) / sizeof(*action_names); i++) {
		if (!sl_str_eq(name, sl_str_of(action_names[i])) || sl_action_denies(i) != denies)
			continue;
		*ret_action = i;
		return 0;
	}
	return -EINVAL;
}

bool sl_rule_is_same_place(const struct sl_rule *a, const struct sl_rule *b)
{
	return sl_rule_denies(a) == sl_rule_denies(b) && a->has_port == b->has_port &&
	       a->port == b->port && a->ifindex == b->ifindex && strcmp(a->list, b->list) == 0;
}

/* ---- time ---- */

static uint64_t unit_ns(struct sl_str unit)
{
	static const struct {
		struct sl_str name;
		uint64_t ns;
	} units[] = {
		{ SL_STR("ms"), SL_MS },	 { SL_STR("s"), SL_SEC },
		{ SL_STR("m"), 60 * SL_SEC },	 { SL_STR("h"), 3600 * SL_SEC },
		{ SL_STR("d"), 86400 * SL_SEC }, { SL_STR(""), SL_SEC },
	};

	for (unsigned i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (sl_str_eq(unit, units[i].name))
			return units[i].ns;
	return 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Cuts digits off the front; -ERANGE beyond what a span may be in the least unit. */
static int cut_number(struct sl_str *text, uint64_t *ret_n)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < text->len && is_digit(text->ptr[i]); i++) {
		n = n * 10 + (uint64_t)(text->ptr[i] - '0');
		if (n > SL_TIMEOUT_MAX_NS / SL_MS)
			return -ERANGE;
	}
	*text = (struct sl_str){ text->ptr + i, text->len - i };
	*ret_n = n;
	return i ? 0 : -EINVAL;
}

int sl_span_parse(struct sl_str text, uint64_t *ret_ns)
{
	bool has_parts = false;
	uint64_t sum = 0;

	do {
		struct sl_str unit;
		uint64_t n, ns;
		int ret = cut_number(&text, &n);

		if (ret < 0)
			return ret;
		unit = (struct sl_str){ text.ptr, 0 };
		while (unit.len < text.len && !is_digit(text.ptr[unit.len]))
			unit.len++;
		text = (struct sl_str){ text.ptr + unit.len, text.len - unit.len };
		ns = unit_ns(unit);
		if (!ns || (!unit.len && has_parts))
			return -EINVAL;
		if (n > SL_TIMEOUT_MAX_NS / ns)
			return -ERANGE;
		sum += n * ns;
		if (sum > SL_TIMEOUT_MAX_NS)
			return -ERANGE;
		has_parts = true;
	} while (text.len);
	*ret_ns = sum;
	return 0;
}

struct sl_moment sl_moment_now(void)
{
	return (struct sl_moment){ sl_now_ns(), sl_clock_ns(CLOCK_REALTIME) };
}

int64_t sl_moment_wall_s(const struct sl_moment *m, uint32_t ticks)
{
	int64_t from_now = (int64_t)((uint64_t)ticks << SL_TICK_SHIFT) - (int64_t)m->ns;

	return ((int64_t)m->wall_ns + from_now + (int64_t)SL_SEC / 2) / (int64_t)SL_SEC;
}

/* ---- words ---- */

static bool is_word(struct sl_str value, size_t max)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = sl_lower(value.ptr[i]);

		if (!(c >= 'a' && c <= 'z') && !is_digit(c) && (!c || !strchr("-_.:+@/=", c)))
			return false;
	}
	return value.len && value.len < max;
}

static int set_word(char *to, size_t size, struct sl_str key, struct sl_str value,
		    struct sl_why *why)
{
	if (!is_word(value, size))
		return sl_why_text(why, -EINVAL,
				   "'%.*s' is no %.*s: 1 to %zu letters, digits or -_.:+@/=",
				   SL_STR_ARG(value), SL_STR_ARG(key), size - 1);
	memset(to, 0, size);
	memcpy(to, value.ptr, value.len);
	return 0;
}

static int set_action(struct sl_entry_words *e, struct sl_str value, struct sl_why *why)
{
	enum sl_action action;

	if (sl_action_parse(value, e->denies, &action) < 0)
		return sl_why_text(why, -EINVAL, "'%.*s' is no action: %s", SL_STR_ARG(value),
				   e->denies ? "drop, reject, shadow or none" : "allow or manage");
	e->rule.action = (uint8_t)action;
	return 0;
}

static int set_port(struct sl_entry_words *e, struct sl_str value, struct sl_why *why)
{
	uint64_t port;

	if (value.len > 5 || cut_number(&value, &port) < 0 || value.len || !port || port > 65535)
		return sl_why_text(why, -EINVAL, "a port is a number from 1 to 65535");
	e->rule.has_port = 1;
	e->rule.port = (uint16_t)port;
	return 0;
}

static int set_dev(struct sl_entry_words *e, struct sl_str value, struct sl_why *why)
{
	char name[IF_NAMESIZE];

	if (value.len == 0 || value.len >= sizeof(name))
		return sl_why_text(why, -EINVAL, "no interface has such a name");
	memcpy(name, value.ptr, value.len);
	name[value.len] = '\0';
	e->rule.ifindex = if_nametoindex(name);
	if (!e->rule.ifindex)
		return sl_why_text(why, -EINVAL, "'%s': there is no such interface", name);
	return 0;
}

static void set_end(struct sl_entry_words *e, uint64_t from_now_ns)
{
	e->expires = (uint32_t)((e->now.ns + from_now_ns) >> SL_TICK_SHIFT) + 1;
	e->is_over = false;
}

static int set_timeout(struct sl_entry_words *e, struct sl_str value, struct sl_why *why)
{
	uint64_t ns;
	int ret = sl_span_parse(value, &ns);

	if (ret < 0)
		return sl_why_text(why, -EINVAL, "'%.*s' is no time%s", SL_STR_ARG(value),
				   ret == -ERANGE ? ": at most 365d"
						  : " such as 90s, 15m or 1h30m");
	e->expires = 0;
	e->is_over = false;
	if (ns) /* 0 is "never", as to ipset */
		set_end(e, ns);
	return 0;
}

static int set_until(struct sl_entry_words *e, struct sl_str value, struct sl_why *why)
{
	char text[32] = "", *end;
	struct tm tm = { 0 };
	int64_t left_s;

	if (value.len < sizeof(text))
		memcpy(text, value.ptr, value.len);
	end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (!end || *end || value.len >= sizeof(text))
		return sl_why_text(why, -EINVAL, "'%.*s' is no time such as 2026-12-31T23:59:59Z",
				   SL_STR_ARG(value));
	left_s = timegm(&tm) - (int64_t)(e->now.wall_ns / SL_SEC);
	if (left_s > (int64_t)(SL_TIMEOUT_MAX_NS / SL_SEC))
		return sl_why_text(why, -EINVAL, "'%.*s' is more than 365d from now",
				   SL_STR_ARG(value));
	if (left_s <= 0) {
		e->is_over = true;
		return 0;
	}
	set_end(e, (uint64_t)left_s * SL_SEC - e->now.wall_ns % SL_SEC);
	return 0;
}

int sl_entry_word(struct sl_entry_words *e, struct sl_str key, struct sl_str value,
		  struct sl_why *why)
{
	if (sl_str_eq(key, SL_S("timeout")))
		return set_timeout(e, value, why);
	if (sl_str_eq(key, SL_S("until")))
		return set_until(e, value, why);
	if (sl_str_eq(key, SL_S("reason")) || sl_str_eq(key, SL_S("comment")))
		return set_word(e->rule.reason, sizeof(e->rule.reason), key, value, why);
	if (sl_str_eq(key, SL_S("list")))
		return set_word(e->rule.list, sizeof(e->rule.list), key, value, why);
	if (sl_str_eq(key, SL_S("action")))
		return set_action(e, value, why);
	if (sl_str_eq(key, SL_S("port")))
		return set_port(e, value, why);
	if (sl_str_eq(key, SL_S("dev")))
		return set_dev(e, value, why);
	return -ENOENT;
}

/* ---- lists ---- */

size_t sl_prefixes_prune(struct sl_prefixes *list, uint32_t now)
{
	size_t nr = 0, gone;

	for (size_t i = 0; i < list->nr; i++)
		if (!list->prefixes[i].expires || now < list->prefixes[i].expires)
			list->prefixes[nr++] = list->prefixes[i];
	gone = list->nr - nr;
	list->nr = nr;
	return gone;
}

size_t sl_prefixes_find(const struct sl_prefixes *list, const struct sl_prefix *p,
			const struct sl_rule *rule)
{
	size_t i;

	for (i = 0; i < list->nr; i++)
		if (sl_prefix_cmp(&list->prefixes[i], p) == 0 &&
		    sl_rule_is_same_place(&list->rules[list->prefixes[i].rule], rule))
			break;
	return i;
}
