// SPDX-License-Identifier: Apache-2.0
// sluicectl limit and switch: what clients may do, and whether the kernel half does anything.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kern/cookies.h"
#include "kern/limit.h"
#include "lists.h"

static enum ctl_exit find_kind(struct ctl *ctl, const char *word, bool may_be_all, unsigned *ret)
{
	const char *const names[] = {
		"connections", "packets", "bytes", "syns", may_be_all ? "all" : NULL, NULL
	};
	enum ctl_exit code = CTL_OK;
	const char *found = ctl_find_word(ctl, "limit", word, names, "limit help", &code);

	for (unsigned i = 0; found && names[i]; i++)
		if (strcmp(names[i], found) == 0)
			*ret = i;
	return code;
}

/* ---- show ---- */

static int bits_of(uint64_t mask)
{
	return __builtin_popcountll(mask);
}

static bool is_whole(double number)
{
	double rest = number - (double)(uint64_t)(number + 0.5);

	return number >= 0.5 && rest < 0.001 && rest > -0.001;
}

/* In the unit of time that it was most likely set in. */
static void rate_text(double per_s, char *mem, size_t size)
{
	if (per_s >= 100 || is_whole(per_s))
		snprintf(mem, size, "%.0f/s", per_s);
	else if (per_s >= 1.7 || is_whole(per_s * 60))
		snprintf(mem, size, "%.5g/m", per_s * 60);
	else
		snprintf(mem, size, "%.5g/h", per_s * 3600);
}

static json_t *limit_json(const struct sl_gcra_rate *rate)
{
	double per_s, burst;

	if (!rate->burst)
		return json_null();
	sl_limit_read(rate, &per_s, &burst);
	return json_pack("{s:f, s:f}", "per_s", per_s, "burst", burst);
}

static void print_limit(struct sl_gate *gate, enum sl_limit_kind kind)
{
	const struct sl_gcra_rate *rate = sl_limit_of(gate, kind);
	double per_s, burst;
	char text[64];

	if (!rate->burst) {
		printf("%-12s no limit\n", sl_limit_name(kind));
		return;
	}
	sl_limit_read(rate, &per_s, &burst);
	rate_text(per_s, text, sizeof(text));
	printf("%-12s %s burst %.0f\n", sl_limit_name(kind), text, burst);
}

enum ctl_exit ctl_limit_show(struct ctl *ctl, char **arguments)
{
	const struct sl_control *c;
	struct sl_gate gate;
	enum ctl_exit code = lists_open_gate(ctl, &gate);

	if (code != CTL_OK)
		return code;
	c = gate.switches;
	if (ctl->is_json) {
		code = ctl_print_json(
			ctl,
			json_pack("{s:o, s:o, s:o, s:o, s:i, s:i}", "connections",
				  limit_json(&c->connections), "packets", limit_json(&c->packets),
				  "bytes", limit_json(&c->bytes), "syns", limit_json(&c->syns),
				  "v4", bits_of(c->client4), "v6", bits_of(c->client6)));
	} else {
		for (unsigned kind = 0; kind < SL_LIMITS; kind++)
			print_limit(&gate, kind);
		printf("%-12s an IPv4 /%d, an IPv6 /%d\n", "one client", bits_of(c->client4),
		       bits_of(c->client6));
	}
	sl_gate_close(&gate);
	return code;
}

/* ---- set and del ---- */

static enum ctl_exit read_limit(struct ctl *ctl, char **arguments, unsigned *ret_kind,
				struct sl_limit *ret_limit)
{
	enum ctl_exit code = find_kind(ctl, arguments[0], false, ret_kind);

	if (code != CTL_OK)
		return code;
	if (sl_limit_parse_rate(sl_str_of(arguments[1]), ret_limit) < 0)
		return ctl_fail(ctl, CTL_USAGE,
				"'%.64s' is no rate: 20000/s, 100/m, 5/h, with k, M or G behind "
				"the number",
				arguments[1]);
	if (!arguments[2])
		return CTL_OK;
	if (strcmp(arguments[2], "burst") != 0)
		return ctl_fail(ctl, CTL_USAGE, "unknown keyword '%.64s'; did you mean 'burst'?",
				arguments[2]);
	if (!arguments[3])
		return ctl_fail(ctl, CTL_USAGE, "a value is missing behind 'burst'");
	if (sl_limit_parse_number(sl_str_of(arguments[3]), &ret_limit->burst) < 0)
		return ctl_fail(ctl, CTL_USAGE, "burst '%.64s': a number from 1 to 1000G",
				arguments[3]);
	return CTL_OK;
}

enum ctl_exit ctl_limit_set(struct ctl *ctl, char **arguments)
{
	struct sl_limit limit;
	struct sl_gcra_rate rate;
	struct sl_gate gate;
	struct sl_why why;
	unsigned kind = 0;
	enum ctl_exit code = read_limit(ctl, arguments, &kind, &limit);

	if (code != CTL_OK)
		return code;
	if (sl_limit_make(kind, &limit, &rate, &why) < 0)
		return ctl_fail(ctl, CTL_USAGE, "%s", why.text);
	code = lists_open_gate(ctl, &gate);
	if (code != CTL_OK)
		return code;
	sl_limit_set(&gate, kind, &rate);
	if (ctl->is_json)
		code = ctl_print_json(ctl, json_pack("{s:s, s:o}", "limit", sl_limit_name(kind),
						     "set", limit_json(&rate)));
	else
		print_limit(&gate, kind);
	sl_gate_close(&gate);
	return code;
}

enum ctl_exit ctl_limit_del(struct ctl *ctl, char **arguments)
{
	static const struct sl_gcra_rate none = { 0, 0 };
	unsigned kind = 0;
	struct sl_gate gate;
	enum ctl_exit code = find_kind(ctl, arguments[0], true, &kind);

	if (code == CTL_OK)
		code = lists_open_gate(ctl, &gate);
	if (code != CTL_OK)
		return code;
	for (unsigned i = 0; i < SL_LIMITS; i++)
		if (i == kind || kind == SL_LIMITS)
			sl_limit_set(&gate, i, &none);
	sl_gate_close(&gate);
	return ctl->is_json ? ctl_print_json(ctl, json_pack("{s:b}", "deleted", 1)) : CTL_OK;
}

/* Lengths by family; 0: not said. */
struct lengths {
	uint64_t v4, v6;
};

/* What one client is; 0 bits of IPv4 would make one client of everybody. */
static enum ctl_exit read_lengths(struct ctl *ctl, char **arguments, struct lengths *ret)
{
	static const char *const families[] = { "v4", "v6", NULL };
	enum ctl_exit code = CTL_OK;

	for (char **word = arguments; *word; word += 2) {
		bool is_v6;
		uint64_t length = 0, max;

		if (!ctl_find_word(ctl, "family", *word, families, "limit help", &code))
			return code;
		is_v6 = strcmp(*word, "v6") == 0;
		max = is_v6 ? 64 : 32;
		if (!word[1] || sl_limit_parse_number(sl_str_of(word[1]), &length) < 0 ||
		    length == 0 || length > max)
			return ctl_fail(ctl, CTL_USAGE, "%s: a length from 1 to %" PRIu64, *word,
					max);
		*(is_v6 ? &ret->v6 : &ret->v4) = length;
	}
	return CTL_OK;
}

/* All words are good before the first one has an effect. */
enum ctl_exit ctl_limit_client(struct ctl *ctl, char **arguments)
{
	struct lengths lengths = { 0, 0 };
	enum ctl_exit code = read_lengths(ctl, arguments, &lengths);
	struct sl_gate gate;

	if (code == CTL_OK)
		code = lists_open_gate(ctl, &gate);
	if (code != CTL_OK)
		return code;
	if (lengths.v4)
		gate.switches->client4 = 0xffffffffull << (32 - lengths.v4) & 0xffffffff;
	if (lengths.v6)
		gate.switches->client6 = ~0ull << (64 - lengths.v6);
	sl_gate_close(&gate);
	return ctl_limit_show(ctl, arguments);
}

/* ---- switch ---- */

static enum ctl_exit show_switches(struct ctl *ctl, const struct sl_gate *gate)
{
	uint32_t flags = gate->switches->flags;

	if (ctl->is_json)
		return ctl_print_json(ctl, json_pack("{s:b, s:b, s:b, s:b}", "enforce",
						     flags & SL_FLAG_ENFORCE, "shadow",
						     flags & SL_FLAG_SHADOW, "malformed",
						     flags & SL_FLAG_MALFORMED, "cookies",
						     flags & SL_FLAG_COOKIES));
	printf("enforce    %s\nshadow     %s\nmalformed  %s\ncookies    %s\n",
	       flags & SL_FLAG_ENFORCE ? "on" : "off", flags & SL_FLAG_SHADOW ? "on" : "off",
	       flags & SL_FLAG_MALFORMED ? "on" : "off", flags & SL_FLAG_COOKIES ? "on" : "off");
	return CTL_OK;
}

enum ctl_exit ctl_switch_show(struct ctl *ctl, char **arguments)
{
	struct sl_gate gate;
	enum ctl_exit code = lists_open_gate(ctl, &gate);

	if (code != CTL_OK)
		return code;
	code = show_switches(ctl, &gate);
	sl_gate_close(&gate);
	return code;
}

static enum ctl_exit flip(struct ctl *ctl, const char *word, uint32_t flag)
{
	static const char *const states[] = { "on", "off", NULL };
	enum ctl_exit code = CTL_OK;
	const char *state = ctl_find_word(ctl, "state", word, states, "switch help", &code);
	struct sl_gate gate;

	if (code == CTL_OK)
		code = lists_open_gate(ctl, &gate);
	if (code != CTL_OK)
		return code;
	if (strcmp(state, "on") == 0)
		__atomic_fetch_or(&gate.switches->flags, flag, __ATOMIC_SEQ_CST);
	else
		__atomic_fetch_and(&gate.switches->flags, ~flag, __ATOMIC_SEQ_CST);
	code = show_switches(ctl, &gate);
	sl_gate_close(&gate);
	return code;
}

enum ctl_exit ctl_switch_enforce(struct ctl *ctl, char **arguments)
{
	return flip(ctl, arguments[0], SL_FLAG_ENFORCE);
}

enum ctl_exit ctl_switch_shadow(struct ctl *ctl, char **arguments)
{
	return flip(ctl, arguments[0], SL_FLAG_SHADOW);
}

enum ctl_exit ctl_switch_malformed(struct ctl *ctl, char **arguments)
{
	return flip(ctl, arguments[0], SL_FLAG_MALFORMED);
}

enum ctl_exit ctl_switch_cookies(struct ctl *ctl, char **arguments)
{
	struct sl_why why;

	if (strcmp(arguments[0], "on") == 0 && sl_cookies_check(&why) < 0)
		return ctl_fail(ctl, CTL_FAILED, "%s", why.text);
	return flip(ctl, arguments[0], SL_FLAG_COOKIES);
}
