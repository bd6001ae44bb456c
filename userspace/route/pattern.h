/* SPDX-License-Identifier: Apache-2.0 */
/* Path patterns: literal text, "{param}" segments, a closing "/" "*"; checked once, then read. */
#ifndef SL_ROUTE_PATTERN_H
#define SL_ROUTE_PATTERN_H

#include <stdbool.h>

#include "base/str.h"
#include "route/table.h"

enum { SL_PATTERN_SEGMENTS_MAX = 64, SL_PATTERN_BYTES_MAX = 4096 };

/* NULL when well-formed, else the reason why not.  All that follows wants a well-formed pattern. */
const char *sl_pattern_check(struct sl_str pattern);

/* The pattern without its closing "/" "*"; *ret_is_prefix tells whether it had one. */
struct sl_str sl_pattern_base(struct sl_str pattern, bool *ret_is_prefix);

enum sl_pattern_piece { SL_PIECE_END, SL_PIECE_TEXT, SL_PIECE_PARAM };
/* Cuts the next piece off a base: text up to the next parameter, or a parameter's name. */
enum sl_pattern_piece sl_pattern_next(struct sl_str *base, struct sl_str *ret_piece);

/* Whether a path that the pattern takes can begin with text, which ends where a segment does. */
bool sl_pattern_may_start(struct sl_str pattern, struct sl_str text);

/* Fills in the parameters of a path that is known to match. */
void sl_pattern_bind(struct sl_str pattern, struct sl_str path, struct sl_route_match *match);

#endif
