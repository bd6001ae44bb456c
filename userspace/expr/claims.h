/* SPDX-License-Identifier: Apache-2.0 */
/* Values of claims, packed: for each path of struct sl_expr_claims, in its order, a byte that says
 * what it is, two bytes of length (little end first) and so many bytes.  Of a list these are items,
 * each with two bytes of length before it. */
#ifndef SL_EXPR_CLAIMS_H
#define SL_EXPR_CLAIMS_H

#include "base/out.h"
#include "base/str.h"

enum sl_claim_kind { SL_CLAIM_MISSING, SL_CLAIM_TEXT, SL_CLAIM_LIST };

struct sl_claim {
	enum sl_claim_kind kind;
	struct sl_str bytes;
};

enum { SL_CLAIM_HEAD = 3, SL_CLAIM_ITEM_HEAD = 2, SL_CLAIM_BYTES_MAX = 65535 };

/* Missing where there is none. */
struct sl_claim sl_claim_find(struct sl_str packed, unsigned index);
/* Takes the next item off a list; false at its end. */
bool sl_claim_next(struct sl_str *list, struct sl_str *ret_item);

/* Writes a value of at most SL_CLAIM_BYTES_MAX: its head, and behind it whatever the caller puts,
 * an item by sl_claim_put_item(). */
size_t sl_claim_begin(struct sl_out *o, enum sl_claim_kind kind);
void sl_claim_put_item(struct sl_out *o, struct sl_str item);
void sl_claim_end(struct sl_out *o, size_t begin); /* as sl_claim_begin() returned it */

#endif
