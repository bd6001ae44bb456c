// SPDX-License-Identifier: Apache-2.0
// What an exchange says of its target.
#include "gate/verdict.h"

#include "base/clock.h"
#include "upstream/failure.h"
#include "upstream/outlier.h"

static void note(struct sl_exchange *x, struct sl_upstream *u, struct sl_target *t, bool has_failed)
{
	struct sl_worker *w = x->worker;
	uint64_t ns = sl_outlier_note(u, t, has_failed, w->loop.now_ns);

	if (!ns)
		return;
	sl_count(&w->stats->upstream_ejections, 1);
	if (sl_log_allow(&w->log_rate, w->loop.now_ns))
		sl_log_warn("upstream.ejected", "upstream=%s target=%s failures=%u for_ms=%llu",
			    u->conf->name, t->conf->name, u->conf->outlier.failures,
			    (unsigned long long)(ns / SL_MS));
}

void sl_verdict_failed(struct sl_exchange *x, struct sl_upstream *u, struct sl_target *t, int error)
{
	sl_failure_note(t->shared, error, x->worker->loop.now_ns);
	sl_count(&x->worker->stats->upstream_failures, 1);
	sl_cell_add(&t->counts->failures, 1);
	sl_count(&sl_exchange_target_cells(x, t)[SL_TARGET_FAILURES], 1);
	note(x, u, t, true);
}

void sl_verdict_unconnected(struct sl_exchange *x, struct sl_upstream *u, struct sl_target *t,
			    int error)
{
	struct sl_worker *w = x->worker;

	sl_verdict_failed(x, u, t, error);
	if (sl_failure_begin(t->shared, w->loop.now_ns) &&
	    sl_log_allow(&w->log_rate, w->loop.now_ns))
		sl_log_warn("upstream.failing", "upstream=%s target=%s error=\"%s\"", u->conf->name,
			    t->conf->name, sl_failure_text(error));
}

void sl_verdict_connected(struct sl_exchange *x, struct sl_upstream *u, struct sl_target *t)
{
	struct sl_worker *w = x->worker;
	uint64_t since_ns = sl_failure_end(t->shared), now_ns = w->loop.now_ns;

	if (since_ns && sl_log_allow(&w->log_rate, now_ns))
		sl_log_info(
			"upstream.back", "upstream=%s target=%s after_ms=%llu", u->conf->name,
			t->conf->name,
			(unsigned long long)(now_ns > since_ns ? (now_ns - since_ns) / SL_MS : 0));
}

void sl_verdict_answered(struct sl_exchange *x, struct sl_upstream *u, struct sl_target *t,
			 unsigned status)
{
	sl_metrics_observe(&sl_exchange_target_cells(x, t)[SL_TARGET_DURATION], x->upstream_ns);
	note(x, u, t, sl_outlier_is_failure(u->conf, status));
}
