/* SPDX-License-Identifier: Apache-2.0 */
/* What an expression is compiled to: comparisons in their order, each of which says where to go on
 * when it holds, when it does not, and when nobody knows, as what it asks for is missing.  All of
 * that is forward, so it ends. */
#ifndef SL_EXPR_CODE_H
#define SL_EXPR_CODE_H

#include "expr/expr.h"

enum sl_expr_kind {
	SL_EXPR_LITERAL,
	SL_EXPR_METHOD,
	SL_EXPR_PATH,
	SL_EXPR_HOST,
	SL_EXPR_CLIENT,
	SL_EXPR_CONSUMER,
	SL_EXPR_GROUPS,
	SL_EXPR_SCOPES,
	SL_EXPR_PARAM,
	SL_EXPR_FIELD,
	SL_EXPR_CLAIM,
};

struct sl_expr_operand {
	enum sl_expr_kind kind;
	unsigned claim;	    /* index */
	struct sl_str text; /* the literal, or the name of a parameter or a field */
};

enum sl_expr_operator {
	SL_EXPR_EQ,
	SL_EXPR_NE,
	SL_EXPR_IN, /* of the items, or the nets */
	SL_EXPR_NOT_IN,
	SL_EXPR_HAS,
	SL_EXPR_STARTS_WITH,
	SL_EXPR_ENDS_WITH,
	SL_EXPR_EXISTS,
};

enum { SL_EXPR_TRUE = 254, SL_EXPR_FALSE = 255 }; /* instead of an index: the end */

struct sl_expr_test {
	struct sl_expr_operand left, right;
	enum sl_expr_operator how;
	const struct sl_str *items; /* of IN */
	const struct sl_net *nets;  /* of IN, EQ and NE, where left is the client */
	unsigned nr;
	uint8_t on_true, on_false, on_missing;
};

struct sl_expr {
	unsigned nr;
	struct sl_expr_test tests[];
};

#endif
