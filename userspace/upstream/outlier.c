// SPDX-License-Identifier: Apache-2.0
// Outlier detection.
#include "upstream/outlier.h"

#include "base/clock.h"

static bool has_room(const struct sl_upstream *u, uint64_t now_ns)
{
	uint32_t ejected = 1; /* with the one that is to be */

	for (uint32_t i = 0; i < u->conf->targets_nr; i++)
		ejected += atomic_load_explicit(&u->targets[i].shared->ejected_until_ns,
						memory_order_relaxed) > now_ns;
	return (uint64_t)ejected * 100 <=
	       (uint64_t)u->conf->targets_nr * u->conf->outlier.max_percent;
}

static uint64_t duration_of(const struct sl_outlier_conf *conf, uint32_t ejections)
{
	uint64_t ns = conf->base_ns;

	while (--ejections > 0 && ns < conf->max_ns)
		ns *= 2;
	return ns < conf->max_ns ? ns : conf->max_ns;
}

/* One at a time: called by whoever has set is_ejecting. */
static uint64_t eject(struct sl_upstream *u, struct sl_target_shared *t, uint64_t now_ns)
{
	const struct sl_outlier_conf *conf = &u->conf->outlier;
	uint64_t until_ns = atomic_load(&t->ejected_until_ns), ns;
	uint32_t ejections = atomic_load(&t->ejections);

	if (until_ns > now_ns || !has_room(u, now_ns))
		return 0;
	if (now_ns - until_ns >= conf->max_ns)
		ejections = 0;
	ejections++;
	ns = duration_of(conf, ejections);
	atomic_store(&t->ejections, ejections);
	atomic_store(&t->failures, 0);
	atomic_store(&t->slow_since_ns, now_ns + ns);
	atomic_store(&t->ejected_at_ns, now_ns);
	atomic_store(&t->ejected_until_ns, now_ns + ns);
	return ns;
}

uint64_t sl_outlier_note(struct sl_upstream *u, struct sl_target *t, bool has_failed,
			 uint64_t now_ns)
{
	_Atomic uint32_t *failures = &t->shared->failures;
	uint64_t ns;

	if (!u->conf->outlier.failures)
		return 0;
	if (!has_failed) {
		/* Nearly always there is nothing to forget, and the line stays everybody's. */
		if (atomic_load_explicit(failures, memory_order_relaxed))
			atomic_store_explicit(failures, 0, memory_order_relaxed);
		return 0;
	}
	if (atomic_fetch_add_explicit(failures, 1, memory_order_relaxed) + 1 <
	    u->conf->outlier.failures)
		return 0;
	/* Two workers must not both take the last room.  Who finds the other at it leaves it to the
	 * next failure. */
	if (atomic_exchange(&u->shared->is_ejecting, true))
		return 0;
	ns = eject(u, t->shared, now_ns);
	atomic_store(&u->shared->is_ejecting, false);
	return ns;
}
