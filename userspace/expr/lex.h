/* SPDX-License-Identifier: Apache-2.0 */
/* Words of an expression. */
#ifndef SL_EXPR_LEX_H
#define SL_EXPR_LEX_H

#include <stdbool.h>

#include "base/str.h"

enum sl_token {
	SL_TOKEN_END,
	SL_TOKEN_NAME,	  /* text: letters, digits, '_' and '-' */
	SL_TOKEN_LITERAL, /* text: a string without its quotes, or a number */
	SL_TOKEN_SIGN,	  /* text: "==", "(", ... */
	SL_TOKEN_BAD,	  /* why: what is wrong */
};

struct sl_lex {
	struct sl_str text; /* all of it */
	size_t next;	    /* where the next word is looked for */
	/* The word that it is at. */
	enum sl_token token;
	size_t at;
	struct sl_str word;
	const char *why;
};

/* Stands at the first word then. */
void sl_lex_begin(struct sl_lex *lex, struct sl_str text);
void sl_lex_next(struct sl_lex *lex);
/* Whether it is at this sign, or at this name. */
bool sl_lex_is(const struct sl_lex *lex, const char *word);

#endif
