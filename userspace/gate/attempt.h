/* SPDX-License-Identifier: Apache-2.0 */
/* A request's tries at its upstream: which targets failed, and what the present connection has
 * seen. */
#ifndef SL_GATE_ATTEMPT_H
#define SL_GATE_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/out.h"
#include "gate/exchange.h"
#include "gate/relay.h"
#include "upstream/balance.h"

struct sl_attempt {
	struct sl_exchange *x;
	struct sl_upstream *upstream;
	struct sl_relay request; /* the request's body, on its way up */
	struct sl_out head;
	char *head_mem;	     /* of head: the same for every try */
	struct sl_pick pick; /* which target it wants, and which have failed it */
	uint64_t answered; /* those of them that did answer, though not well: better than nobody */
	unsigned retries;
	int last_error;		  /* why it is tried again */
	bool is_request_complete; /* all of it was sent */
	unsigned interim_nr;
	bool has_answered;  /* bytes of an answer came */
	bool is_fresh_only; /* a kept connection was stale: the others may be too */
};

/* Sending the request a second time would do no harm (RFC 9110 9.2.2), and nobody has forbidden it.
 */
bool sl_attempt_may_repeat(const struct sl_attempt *a);

/* Finds a connection for the next try: a kept one, or a new one to the first target that takes it.
 * 0 with x->peer set, its reader being the current fiber; -ENODEV when the operator wants none of
 * the targets; -EHOSTUNREACH when every one was tried; -EBUSY when there is no room for it;
 * -ETIMEDOUT, -ECONNABORTED (the client left), -ECANCELED, or the last target's error. */
int sl_attempt_connect(struct sl_attempt *a);

/* ---- how a try ends ---- */

/* Closes the connection and answers for a failure of the upstream, or of our own: error is a
 * negative errno.  As sl_proxy_run(). */
int sl_attempt_fail(struct sl_attempt *a, int error);
/* The same for a request whose body could not be read to its end. */
int sl_attempt_fail_request(struct sl_attempt *a, int error);
/* The connection failed: -EAGAIN when the request is to be tried again; else as sl_attempt_fail().
 */
int sl_attempt_lost(struct sl_attempt *a, int error);
/* Whether the configuration wants another try after this (SL_RETRY_ bits), it would do no harm, and
 * the budget has one left, which it takes. */
bool sl_attempt_can_retry(struct sl_attempt *a, uint32_t cause);
/* Closes the connection, if there is one, for another try: -EAGAIN.  error is for the case that
 * there is nobody left to try. */
int sl_attempt_retry(struct sl_attempt *a, int error);

#endif
