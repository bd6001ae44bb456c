// SPDX-License-Identifier: Apache-2.0
// How tries at an upstream end: what the client is told, and what is tried again.
#include "gate/attempt.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "gate/reply.h"
#include "gate/verdict.h"
#include "policy/hmac.h"
#include "tls/error.h"
#include "upstream/failure.h"

static int fail(struct sl_attempt *a, unsigned status, const char *error, const char *detail)
{
	struct sl_exchange *x = a->x;

	sl_peer_close(x->peer);
	x->peer = NULL;
	return sl_reply_problem(x, status, error, detail);
}

/* How it failed, for the log: in a word that a connection that could not be had has left, or by the
 * error. */
static int fail_by(struct sl_attempt *a, int why, unsigned status, const char *error,
		   const char *detail)
{
	if (!a->x->detail)
		a->x->detail = sl_failure_word(why);
	return fail(a, status, error, detail);
}

int sl_attempt_fail(struct sl_attempt *a, int error)
{
	switch (error) {
	case -ECANCELED: /* the client is gone, or we are stopping */
	case -ECONNABORTED:
		a->x->error = "client_closed";
		a->x->status = 499; /* nobody sees it but the log; nginx's number for this */
		sl_count(&a->x->worker->stats->requests_aborted, 1);
		return -ECANCELED;
	case -ETIMEDOUT:
		return fail_by(a, error, 504, "upstream_timeout",
			       "The upstream did not answer in time.");
	case -EBADMSG:
		return fail_by(a, error, 502, "upstream_malformed",
			       "The upstream's answer was malformed.");
	case -EBUSY:
		sl_count(&a->x->worker->stats->upstream_overloads, 1);
		return sl_reply_overloaded(a->x);
	case -ENODEV:
		return fail(a, 503, "upstream_unavailable",
			    "No target of the upstream is in service.");
	case -ENOMEM:
	case -EMFILE:
	case -ENFILE:
	case -ENOBUFS:
	case -EADDRNOTAVAIL: /* of ours: every local port is in use */
		return fail(a, 503, "resources", "The gateway is out of resources.");
	default:
		if (sl_tls_is_error(error))
			return fail_by(a, error, 502, "upstream_tls",
				       "No TLS connection to the upstream could be made.");
		return fail_by(a, error, 502, "upstream_failed",
			       "The connection to the upstream failed.");
	}
}

/* The request's body could not be read to its end: what went upstream must not look complete, so
 * that connection ends here, and the client is told if it still listens. */
int sl_attempt_fail_request(struct sl_attempt *a, int error)
{
	a->x->must_close = true;
	switch (error) {
	case -EBADMSG:
		sl_count(&a->x->worker->stats->requests_bad, 1);
		a->x->offence = "malformed";
		return fail(a, 400, "bad_chunk", "The chunked request body is malformed.");
	case -EFBIG:
		return fail(a, 413, "body_too_large", "The request body is too large.");
	case -EKEYREJECTED:
		sl_peer_close(a->x->peer);
		a->x->peer = NULL;
		return sl_reply_refusal(a->x, &sl_hmac_wrong_body);
	case -ETIMEDOUT:
		return fail(a, 408, "body_timeout", "The request body came too slowly.");
	case -ENOMEM:
	case -ENOBUFS:
		return sl_attempt_fail(a, error);
	default:
		return sl_attempt_fail(a, -ECONNABORTED);
	}
}

static bool is_peers_fault(int error)
{
	switch (error) {
	case -ETIMEDOUT: /* it may still be at it */
	case -EBADMSG:	 /* it would say the same again */
	case -ECANCELED: /* the client left */
	case -ECONNABORTED:
	case -ENOMEM: /* our own */
	case -ENOBUFS:
		return false;
	default:
		return !sl_tls_is_error(error); /* the next one would say the same */
	}
}

/* A kept connection that the target has closed, or was about to, when the request came. */
static bool is_stale(const struct sl_attempt *a, int error)
{
	return a->x->peer->is_reused && is_peers_fault(error) && !a->has_answered;
}

/* SL_RETRY_ bits that an error is one of. */
static uint32_t cause_of(const struct sl_attempt *a, int error)
{
	const struct sl_exchange *x = a->x;

	if (a->has_answered) /* the client may not get two halves of two answers */
		return 0;
	if (error == -ETIMEDOUT && x->worker->loop.now_ns < x->deadline_ns)
		return SL_RETRY_TIMEOUT;
	return is_peers_fault(error) ? SL_RETRY_RESET : 0;
}

bool sl_attempt_may_repeat(const struct sl_attempt *a)
{
	return a->x->req.body == SL_BODY_NONE && a->upstream->conf->retries.attempts > 0 &&
	       sl_method_is_idempotent(a->x->req.method_id);
}

bool sl_attempt_can_retry(struct sl_attempt *a, uint32_t cause)
{
	const struct sl_retry_conf *conf = &a->upstream->conf->retries;

	return conf->on & cause && a->retries < conf->attempts && sl_attempt_may_repeat(a) &&
	       sl_retry_take(&a->upstream->retry_budget, conf->budget_percent,
			     a->x->worker->loop.now_ns);
}

int sl_attempt_retry(struct sl_attempt *a, int error)
{
	struct sl_exchange *x = a->x;

	sl_peer_close(x->peer);
	x->peer = NULL;
	a->has_answered = false;
	a->last_error = error;
	sl_count(&x->worker->stats->upstream_retries, 1);
	return -EAGAIN;
}

static void tell_lost(const struct sl_attempt *a, int error, bool is_repeated)
{
	sl_log_debug("upstream.lost", "request=%.*s target=%s error=\"%s\" retry=%s",
		     SL_STR_ARG(a->x->id), a->x->upstream_name, sl_failure_text(error),
		     is_repeated ? "yes" : "no");
}

int sl_attempt_lost(struct sl_attempt *a, int error)
{
	struct sl_exchange *x = a->x;
	bool is_fresh_try = is_stale(a, error) && !a->is_fresh_only && sl_attempt_may_repeat(a);

	if (is_stale(a, error)) /* closed before it got the request: nothing is wrong with it */
		sl_count(&x->worker->stats->upstream_failures, 1);
	else if (is_peers_fault(error) || error == -ETIMEDOUT || error == -EBADMSG ||
		 sl_tls_is_error(error))
		sl_verdict_failed(x, a->upstream, x->peer->target, error);
	if (!is_fresh_try && !sl_attempt_can_retry(a, cause_of(a, error))) {
		tell_lost(a, error, false);
		return sl_attempt_fail(a, error);
	}
	tell_lost(a, error, true);
	a->is_fresh_only |= is_fresh_try; /* which is no retry in the sense of the configuration */
	if (!is_fresh_try) {
		a->retries++;
		a->pick.tried |= sl_target_bit(x->peer->upstream, x->peer->target);
	}
	return sl_attempt_retry(a, error);
}
