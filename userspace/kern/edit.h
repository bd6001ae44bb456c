/* SPDX-License-Identifier: Apache-2.0 */
/* Changes to a list, and the words that say what an entry is. */
#ifndef SL_KERN_EDIT_H
#define SL_KERN_EDIT_H

#include "kern/gate.h"
#include "kern/prefix.h"

#define SL_TIMEOUT_MAX_NS (365ull * 86400 * 1000000000)

/* Deny lists have entries that drop, reject or shadow, and exceptions from them; all others are of
 * allow lists. */
static inline bool sl_action_denies(enum sl_action action)
{
	return action >= SL_ACTION_DROP || action == SL_ACTION_NONE;
}

static inline bool sl_rule_denies(const struct sl_rule *rule)
{
	return sl_action_denies(rule->action);
}

/* Whether entries of one prefix with these rules are one entry to people, whose action, reason and
 * end can change: of one list, one port and one interface. */
bool sl_rule_is_same_place(const struct sl_rule *a, const struct sl_rule *b);

const char *sl_action_name(enum sl_action action); /* "drop" */
/* "drop", or a list that says which there are: 0 or -EINVAL. */
int sl_action_parse(struct sl_str name, bool denies, enum sl_action *ret_action);

/* "1h30m", "500ms", "90" (seconds).  0, -EINVAL, or -ERANGE. */
int sl_span_parse(struct sl_str text, uint64_t *ret_ns);

/* One moment on both clocks. */
struct sl_moment {
	uint64_t ns;	  /* CLOCK_MONOTONIC */
	uint64_t wall_ns; /* CLOCK_REALTIME */
};

struct sl_moment sl_moment_now(void);
static inline uint32_t sl_moment_ticks(const struct sl_moment *m)
{
	return (uint32_t)(m->ns >> SL_TICK_SHIFT);
}
/* When ticks will be, or were, in seconds since 1970, rounded. */
int64_t sl_moment_wall_s(const struct sl_moment *m, uint32_t ticks);

/* An entry's words: what they set, or a default for a whole file. */
struct sl_entry_words {
	bool denies; /* which actions there are */
	struct sl_moment now;
	struct sl_rule rule;
	uint32_t expires; /* ticks, 0: never */
	bool is_over;	  /* its end was before now */
};

/* Key and value of: timeout SPAN, until TIME, reason WORD, action WORD, port N, dev NAME, list
 * NAME.  0; -ENOENT: no such key; -EINVAL and why. */
int sl_entry_word(struct sl_entry_words *e, struct sl_str key, struct sl_str value,
		  struct sl_why *why);

/* Removes those that have ended; how many. */
size_t sl_prefixes_prune(struct sl_prefixes *list, uint32_t now);
/* The entry that p with this rule would replace: its index, or list->nr. */
size_t sl_prefixes_find(const struct sl_prefixes *list, const struct sl_prefix *p,
			const struct sl_rule *rule);

#endif
