// SPDX-License-Identifier: Apache-2.0
// The sweep through cells of credit.
#include "kern/sweep.h"

#include "base/clock.h"

#define HOUR (3600 * SL_SEC >> SL_GCRA_UNIT_SHIFT)

static bool is_left_alone(uint64_t word, uint64_t now, uint64_t most)
{
	uint64_t ahead = (word - now) & SL_GCRA_TAT_MASK;

	return word && ahead > most && ((now - word) & SL_GCRA_TAT_MASK) >= HOUR;
}

size_t sl_sweep_sets(struct sl_gcra_set *sets, size_t nr, uint64_t now, uint64_t most)
{
	size_t cleared = 0;

	for (size_t i = 0; i < nr * SL_GCRA_WAYS; i++) {
		__u64 *place = &sets[i / SL_GCRA_WAYS].words[i % SL_GCRA_WAYS];
		uint64_t word = __atomic_load_n(place, __ATOMIC_RELAXED);

		if (is_left_alone(word, now, most))
			cleared += __sync_bool_compare_and_swap(place, word, 0);
	}
	return cleared;
}

static uint64_t longest_burst(const struct sl_control *c)
{
	const uint64_t bursts[] = { c->connections.burst, c->packets.burst, c->bytes.burst };
	uint64_t longest = 0;

	for (unsigned i = 0; i < sizeof(bursts) / sizeof(*bursts); i++)
		if (bursts[i] > longest)
			longest = bursts[i];
	return longest;
}

/* The numbers of sets are powers of two, but there may be fewer cells than a step. */
void sl_sweep_step(struct sl_guard *g, const struct sl_guard_rules *r, struct sl_sweep *s,
		   uint64_t now_ns)
{
	uint32_t cells_nr = r->cells ? r->control->cells_mask + 1 : 0;
	uint64_t now = sl_gcra_now(now_ns);

	if (now_ns < s->next_ns)
		return;
	if (cells_nr)
		sl_sweep_sets(&r->cells[s->position & (cells_nr - 1)],
			      cells_nr < SL_SWEEP_STEP ? cells_nr : SL_SWEEP_STEP, now,
			      longest_burst(r->control) + SL_GCRA_SLACK);
	sl_sweep_sets(&g->failures[s->position & (SL_GUARD_FAILURE_SETS - 1)], SL_SWEEP_STEP, now,
		      r->failures.burst + SL_GCRA_SLACK);
	s->position += SL_SWEEP_STEP;
	s->next_ns = now_ns + SL_SEC;
}
