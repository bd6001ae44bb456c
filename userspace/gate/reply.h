/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that the gateway makes itself: errors, `respond` and `redirect` routes. */
#ifndef SL_GATE_REPLY_H
#define SL_GATE_REPLY_H

#include "gate/exchange.h"

/* An error, in the form that the client would have it (problem.h).  detail is a sentence for
 * whoever reads it; error a word for the log (both lasting).  All of these: 0 when sent, or a
 * negative errno. */
int sl_reply_problem(struct sl_exchange *x, unsigned status, const char *error, const char *detail);
/* 503 with Retry-After: an upstream has no room for more. */
int sl_reply_overloaded(struct sl_exchange *x);
/* What a policy says no with. */
int sl_reply_refusal(struct sl_exchange *x, const struct sl_refusal *refusal);
int sl_reply_method_not_allowed(struct sl_exchange *x, uint32_t allowed);
int sl_reply_options(struct sl_exchange *x);
int sl_reply_respond(struct sl_exchange *x, const struct sl_respond_conf *conf);
int sl_reply_redirect(struct sl_exchange *x, const struct sl_redirect_conf *conf);

#endif
