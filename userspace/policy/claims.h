/* SPDX-License-Identifier: Apache-2.0 */
/* From a token's claims to what conditions ask of them. */
#ifndef SL_POLICY_CLAIMS_H
#define SL_POLICY_CLAIMS_H

#include <jansson.h>

#include "base/arena.h"
#include "expr/expr.h"

/* Packs those that conditions name, into the arena: a string, a whole number or a truth as text; of
 * an array what is one of these.  All others are missing, and so is a number with a fraction.
 * `json_bytes`: how long the JSON is, which bounds it.  False without memory. */
bool sl_claims_take(struct sl_arena *arena, const struct sl_expr_claims *wanted,
		    const json_t *claims, size_t json_bytes, struct sl_str *ret_packed);

#endif
