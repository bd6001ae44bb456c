// SPDX-License-Identifier: Apache-2.0
// What an exchange says of its target.
#include "gate/verdict.h"

#include "base/clock.h"
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

void sl_verdict_failed(struct sl_exchange *x, struct sl_upstream *u, struct sl_target *t)
{
	sl_count(&x->worker->stats->upstream_failures, 1);
	sl_cell_add(&t->counts->failures, 1);
	sl_count(&sl_exchange_target_cells(x, t)[SL_TARGET_FAILURES], 1);
	note(x, u, t, true);
}

void sl_verdict_answered(struct sl_exchange *x, struct sl_upstream *u, struct sl_target *t,
			 unsigned status)
{
	sl_metrics_observe(&sl_exchange_target_cells(x, t)[SL_TARGET_DURATION], x->upstream_ns);
	note(x, u, t, sl_outlier_is_failure(u->conf, status));
}
