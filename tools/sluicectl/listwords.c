// SPDX-License-Identifier: Apache-2.0
// The words of commands on lists: keywords, prefixes; and such things written for people.
#include <inttypes.h>
#include <net/if.h>
#include <string.h>

#include "base/clock.h"
#include "lists.h"
#include "sluice/client.h"

/* clang-format off */
static const struct keyword {
	const char *name;
	unsigned bit;
	bool has_value;
} keywords[] = {
	{ "timeout",	    LISTS_TIMEOUT, true },
	{ "until",	    LISTS_TIMEOUT, true },
	{ "reason",	    LISTS_REASON,  true },
	{ "comment",	    LISTS_REASON,  true },
	{ "action",	    LISTS_ACTION,  true },
	{ "port",	    LISTS_PORT,	   true },
	{ "dev",	    LISTS_DEV,	   true },
	{ "list",	    LISTS_LIST,	   true },
	{ "format",	    LISTS_FORMAT,  true },
	{ "confirm-within", LISTS_TRIAL,   true },
	{ "pcap",	    LISTS_CAPTURE, true },
	{ "access-log",	    LISTS_LOG,	   true },
	{ "top",	    LISTS_TOP,	   true },
	{ "exist",	    LISTS_EXIST,   false },
	{ "force",	    LISTS_FORCE,   false },
	{ "skip-bad",	    LISTS_SKIP,	   false },
};
/* clang-format on */

enum { KEYWORDS_NR = sizeof(keywords) / sizeof(*keywords) };

static const struct keyword *find_keyword(struct ctl *ctl, const char *word, unsigned allowed,
					  enum ctl_exit *ret_code)
{
	const char *list[KEYWORDS_NR + 1], *name;
	unsigned nr = 0;

	for (unsigned i = 0; i < KEYWORDS_NR; i++)
		if (keywords[i].bit & allowed)
			list[nr++] = keywords[i].name;
	list[nr] = NULL;
	name = ctl_find_word(ctl, "keyword", word, list, "deny help", ret_code);
	for (unsigned i = 0; name && i < KEYWORDS_NR; i++)
		if (strcmp(keywords[i].name, name) == 0)
			return &keywords[i];
	return NULL;
}

static enum ctl_exit set_trial(struct ctl *ctl, struct lists_words *w, const char *value)
{
	if (sl_span_parse(sl_str_of(value), &w->trial_ns) == 0 && w->trial_ns >= SL_SEC &&
	    w->trial_ns <= 3600 * SL_SEC)
		return CTL_OK;
	return ctl_fail(ctl, CTL_USAGE, "confirm-within '%.64s': a time from 1s to 1h", value);
}

static enum ctl_exit set_value(struct ctl *ctl, struct lists_words *w, const struct keyword *k,
			       const char *value)
{
	struct sl_why why;

	if (k->bit == LISTS_TRIAL)
		return set_trial(ctl, w, value);
	if (k->bit == LISTS_TOP)
		return ctl_read_number(ctl, "top", value, 1, LISTS_TOP_MAX, &w->top);
	if (k->bit & (LISTS_FORMAT | LISTS_CAPTURE | LISTS_LOG)) {
		*(k->bit == LISTS_FORMAT    ? &w->format
		  : k->bit == LISTS_CAPTURE ? &w->capture
					    : &w->log) = value;
		return CTL_OK;
	}
	if (sl_entry_word(&w->entry, sl_str_of(k->name), sl_str_of(value), &why) < 0)
		return ctl_fail(ctl, CTL_USAGE, "%s: %s", k->name, why.text);
	if (w->entry.is_over)
		return ctl_fail(ctl, CTL_USAGE, "%s '%.64s' is over", k->name, value);
	return CTL_OK;
}

enum ctl_exit lists_read_words(struct ctl *ctl, bool denies, char **words, unsigned allowed,
			       struct lists_words *ret_words)
{
	enum ctl_exit code = CTL_OK;

	*ret_words = (struct lists_words){ .entry = { .denies = denies, .now = sl_moment_now() } };
	ret_words->entry.rule.action = denies ? SL_ACTION_DROP : SL_ACTION_ALLOW;
	strcpy(ret_words->entry.rule.list, LISTS_DEFAULT);
	while (*words && code == CTL_OK) {
		const struct keyword *k = find_keyword(ctl, *words, allowed, &code);

		if (!k)
			return code;
		if (ret_words->given & k->bit)
			return ctl_fail(ctl, CTL_USAGE, "'%s' says again what was said", *words);
		ret_words->given |= k->bit;
		words++;
		if (!k->has_value)
			continue;
		if (!*words)
			return ctl_fail(ctl, CTL_USAGE, "a value is missing behind '%s'", k->name);
		code = set_value(ctl, ret_words, k, *words++);
	}
	return code;
}

enum ctl_exit lists_read_prefix(struct ctl *ctl, const char *word, struct sl_prefix *ret_prefix)
{
	bool had_host_bits;
	char text[64];

	if (sl_prefix_parse(sl_str_of(word), ret_prefix, &had_host_bits) < 0)
		return ctl_fail(ctl, CTL_USAGE,
				"'%.64s' is no prefix such as 192.0.2.0/24, 2001:db8::/32 or "
				"192.0.2.1",
				word);
	if (had_host_bits && !ctl->is_json)
		fprintf(stderr, "sluicectl: note: '%s' is taken as %s\n", word,
			lists_prefix_text(ret_prefix, text));
	return CTL_OK;
}

static uint8_t client_length(const struct sl_gate *gate, const struct sl_address *a)
{
	const struct sl_control *c = gate->switches;

	if (sl_is_mapped4(a->hi, a->lo))
		return (uint8_t)(96 + __builtin_popcountll(c->client4));
	return (uint8_t)__builtin_popcountll(c->client6);
}

enum ctl_exit lists_read_client(struct ctl *ctl, const struct sl_gate *gate, const char *word,
				struct sl_address *ret_client)
{
	struct sl_prefix p;
	enum ctl_exit code = lists_read_prefix(ctl, word, &p);

	if (code != CTL_OK)
		return code;
	*ret_client = sl_client_of(gate->switches, p.hi, p.lo);
	if (p.length < client_length(gate, ret_client))
		return ctl_fail(ctl, CTL_USAGE, "'%.64s' is more than one client", word);
	return CTL_OK;
}

const char *lists_client_text(const struct sl_gate *gate, const struct sl_address *a, char *mem)
{
	struct sl_prefix p = { .hi = a->hi, .lo = a->lo, .length = client_length(gate, a) };

	return lists_prefix_text(&p, mem);
}

bool lists_is_meant(const struct lists_words *words, const struct sl_rule *rule)
{
	const struct sl_rule *asked = &words->entry.rule;

	return sl_rule_denies(rule) == words->entry.denies &&
	       (!(words->given & LISTS_LIST) || strcmp(rule->list, asked->list) == 0) &&
	       (!(words->given & LISTS_PORT) || (rule->has_port && rule->port == asked->port)) &&
	       (!(words->given & LISTS_DEV) || rule->ifindex == asked->ifindex) &&
	       (!(words->given & LISTS_ACTION) || rule->action == asked->action);
}

/* ---- for people ---- */

const char *lists_prefix_text(const struct sl_prefix *p, char *mem)
{
	struct sl_out o;

	sl_out_init(&o, mem, 63);
	sl_prefix_print(&o, p);
	*o.pos = '\0';
	return mem;
}

const char *lists_span_text(uint64_t ns, char *mem)
{
	uint64_t s = (ns + SL_SEC / 2) / SL_SEC;

	if (s >= 86400)
		sprintf(mem, "%" PRIu64 "d%" PRIu64 "h", s / 86400, s / 3600 % 24);
	else if (s >= 3600)
		sprintf(mem, "%" PRIu64 "h%" PRIu64 "m", s / 3600, s / 60 % 60);
	else if (s >= 60)
		sprintf(mem, "%" PRIu64 "m%" PRIu64 "s", s / 60, s % 60);
	else
		sprintf(mem, "%" PRIu64 "s", s);
	return mem;
}

void lists_rule_text(const struct sl_rule *rule, char *mem, size_t size)
{
	char name[IF_NAMESIZE], port[16] = "", dev[32] = "";

	if (rule->has_port)
		snprintf(port, sizeof(port), ", port %u", rule->port);
	if (rule->ifindex)
		snprintf(dev, sizeof(dev), ", dev %s",
			 if_indextoname(rule->ifindex, name) ? name : "(gone)");
	snprintf(mem, size, "%s, list %s%s%s%s%s", sl_action_name(rule->action),
		 rule->list[0] ? rule->list : "(unnamed)", rule->reason[0] ? ", reason " : "",
		 rule->reason, port, dev);
}

void lists_print_cause(const struct sl_punishment *p)
{
	json_t *reason = json_string(p->reason), *id = json_string(p->request_id);
	char reason_text[SL_REASON_MAX], id_text[SL_CAUSE_MAX];

	printf(" for %s, request %s", ctl_printable(reason, reason_text, sizeof(reason_text)),
	       ctl_printable(id, id_text, sizeof(id_text)));
	json_decref(reason);
	json_decref(id);
}
