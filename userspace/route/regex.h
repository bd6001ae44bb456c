/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions (PCRE2) that match a whole text, in bounded work and without heap. */
#ifndef SL_ROUTE_REGEX_H
#define SL_ROUTE_REGEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum {
	SL_REGEX_BYTES_MAX = 1024,  /* of an expression */
	SL_REGEX_GROUPS_MAX = 8,    /* named ones; others do not capture */
	SL_REGEX_STEPS_MAX = 20000, /* of backtracking, for one text */
	SL_REGEX_TEXT_MAX = 8192,   /* bytes of a text; of a query parameter, decoded */
	/* Steps for all that one request asks; 16 bytes of text are one, too. */
	SL_REGEX_BUDGET = 1000000,
};

struct sl_regex;

/* What a search writes to.  For one thread; nothing in it grows once it is made. */
struct sl_regex_scratch;
struct sl_regex_scratch *sl_regex_scratch_new(void);	/* NULL when out of memory */
void sl_regex_scratch_free(struct sl_regex_scratch *s); /* NULL is fine */
/* A request begins: it has all of SL_REGEX_BUDGET. */
void sl_regex_begin(struct sl_regex_scratch *s);
/* Whether a match was given up since then: what it would have said is not known. */
bool sl_regex_gave_up(const struct sl_regex_scratch *s);
/* The caller could not even ask. */
void sl_regex_give_up(struct sl_regex_scratch *s);
/* SL_REGEX_TEXT_MAX bytes for the caller, to prepare a text in. */
char *sl_regex_text(struct sl_regex_scratch *s);

struct sl_regex_error {
	char text[128];
	size_t at; /* byte of the expression */
};

/* 0 with *ret_regex the caller's; -ENOMEM; -EINVAL with *ret_error. */
int sl_regex_new(struct sl_regex **ret_regex, struct sl_str text, struct sl_regex_error *ret_error);
/* Makes machine code of it, where that is allowed; it takes longer than all the rest. */
void sl_regex_make_fast(struct sl_regex *regex);
void sl_regex_free(struct sl_regex *regex); /* NULL is fine */

/*
 * The whole text, from its first to its last byte.  False too when it is given up: at
 * SL_REGEX_STEPS_MAX, for a text above SL_REGEX_TEXT_MAX, and when the budget is used up.  Once one
 * was given up, all others are at once, as the request is refused whatever they would say.
 */
bool sl_regex_match(const struct sl_regex *regex, struct sl_str text, struct sl_regex_scratch *s);

/* Named groups, by index; after a match, what a group took: empty when it took no part. */
unsigned sl_regex_groups_nr(const struct sl_regex *regex);
struct sl_str sl_regex_group_name(const struct sl_regex *regex, unsigned i);
struct sl_str sl_regex_group(const struct sl_regex *regex, unsigned i, struct sl_str text,
			     const struct sl_regex_scratch *s);

/* Expressions that end together. */
struct sl_regexes {
	struct sl_regex *first;
};
/* As sl_regex_new(), but fast, and owned by the list. */
int sl_regexes_add(struct sl_regexes *list, struct sl_str text, const struct sl_regex **ret_regex);
void sl_regexes_fini(struct sl_regexes *list);

#endif
