/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions over a request, compiled when the configuration is read: README.md has the grammar. */
#ifndef SL_EXPR_EXPR_H
#define SL_EXPR_EXPR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"
#include "net/addr.h"

enum {
	SL_EXPR_BYTES_MAX = 2048,
	SL_EXPR_TESTS_MAX = 64,	 /* comparisons */
	SL_EXPR_DEPTH_MAX = 16,	 /* brackets in brackets */
	SL_EXPR_ITEMS_MAX = 64,	 /* of a list */
	SL_EXPR_CLAIMS_MAX = 32, /* different ones, of all expressions of a configuration */
	SL_EXPR_WHY_BYTES = 160,
};

/* Claims that expressions name, each once: what is kept of a token.  A path has '\x1f' between its
 * names. */
struct sl_expr_claims {
	struct sl_str paths[SL_EXPR_CLAIMS_MAX];
	unsigned nr;
};

struct sl_expr_fault {
	size_t at; /* of the text, in bytes */
	char why[SL_EXPR_WHY_BYTES];
};

struct sl_expr;

/* Of a text that outlives it.  0; -EINVAL with *ret_fault; -ENOMEM. */
int sl_expr_compile(struct sl_arena *arena, struct sl_str text, struct sl_expr_claims *claims,
		    const struct sl_expr **ret_expr, struct sl_expr_fault *ret_fault);
enum {
	SL_EXPR_OF_WHO = 1,   /* consumer, groups, scopes or claims */
	SL_EXPR_OF_TOKEN = 2, /* scopes or claims, which only a token has */
};

/* What it says something of, a mask. */
unsigned sl_expr_needs(const struct sl_expr *e);

/* A request; what has ptr NULL is missing. */
struct sl_expr_request {
	struct sl_str method, path, host;
	const struct sl_ip *client;
	struct sl_str consumer;
	const struct sl_str *groups; /* of the consumer */
	unsigned groups_nr;
	struct sl_str token_groups, scopes; /* words with a space between */
	struct sl_str claims;		    /* claims.h */
	const void *arg;
	struct sl_str (*find_param)(const void *arg, struct sl_str name); /* percent-encoded */
	struct sl_str (*find_field)(const void *arg, struct sl_str name);
};

/* Each comparison once at the most, from the left; no heap, no recursion, no fault. */
bool sl_expr_holds(const struct sl_expr *e, const struct sl_expr_request *r);

#endif
