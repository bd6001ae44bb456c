// SPDX-License-Identifier: Apache-2.0
// Limits: read, checked against what one 64-bit word and a coarse clock can hold, and set.
#include "kern/limit.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "kern/why.h"

#define UNITS_A_SECOND (1000000000ull >> SL_GCRA_UNIT_SHIFT)
#define NUMBER_MAX 1000000000000ull
#define PERIOD_MIN 64 /* rounding is below one per cent */

const char *sl_limit_name(enum sl_limit_kind kind)
{
	static const char *const names[] = { [SL_LIMIT_CONNECTIONS] = "connections",
					     [SL_LIMIT_PACKETS] = "packets",
					     [SL_LIMIT_BYTES] = "bytes",
					     [SL_LIMIT_SYNS] = "syns" };

	return names[kind];
}

static uint64_t scale_of(char c)
{
	return c == 'k' ? 1000 : c == 'M' ? 1000000 : c == 'G' ? 1000000000 : 0;
}

int sl_limit_parse_number(struct sl_str text, uint64_t *ret_nr)
{
	uint64_t nr = 0, scale = text.len ? scale_of(text.ptr[text.len - 1]) : 0;

	text.len -= scale != 0;
	if (!text.len || text.len > 13)
		return -EINVAL;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return -EINVAL;
		nr = nr * 10 + (uint64_t)(text.ptr[i] - '0');
	}
	if (nr == 0 || nr > NUMBER_MAX / (scale ? scale : 1))
		return -EINVAL;
	*ret_nr = nr * (scale ? scale : 1);
	return 0;
}

int sl_limit_parse_rate(struct sl_str text, struct sl_limit *ret_limit)
{
	struct sl_limit limit = { 0 };
	struct sl_str number = { text.ptr, text.len - 2 };

	if (text.len < 3 || text.ptr[number.len] != '/')
		return -EINVAL;
	switch (text.ptr[text.len - 1]) {
	case 's':
		limit.per_s = 1;
		break;
	case 'm':
		limit.per_s = 60;
		break;
	case 'h':
		limit.per_s = 3600;
		break;
	default:
		return -EINVAL;
	}
	if (sl_limit_parse_number(number, &limit.nr) < 0)
		return -EINVAL;
	*ret_limit = limit;
	return 0;
}

/* Two ticks of the clock that packets are charged by, in units: a client that sends evenly would
 * find a shorter burst used up before the clock moves. */
static uint64_t two_ticks(void)
{
	struct timespec tick;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) < 0)
		tick = (struct timespec){ 0, 10000000 };
	return ((uint64_t)tick.tv_sec * 1000000000u + (uint64_t)tick.tv_nsec) * 2 >>
	       SL_GCRA_UNIT_SHIFT;
}

/* The smallest burst that is good for something. */
static uint64_t least_burst(enum sl_limit_kind kind, uint64_t period)
{
	uint64_t ticks = ((two_ticks() << SL_GCRA_PERIOD_SHIFT) + period - 1) / period;
	uint64_t least = kind == SL_LIMIT_BYTES ? SL_LIMIT_FRAME : 1;

	return ticks > least ? ticks : least;
}

/* What one costs, rounded. */
static uint64_t period_of(uint64_t nr, uint64_t per_units)
{
	return ((per_units << SL_GCRA_PERIOD_SHIFT) + nr / 2) / nr;
}

/* What so many cost: 0, or -ERANGE if a word cannot hold it.  Rounded up, for a burst of one has to
 * let one through, and 0 would be no limit. */
static int burst_of(uint64_t burst, uint64_t period, uint64_t *ret_units)
{
	uint64_t units;

	if (__builtin_mul_overflow(burst, period, &units) ||
	    units >> SL_GCRA_PERIOD_SHIFT >= SL_GCRA_AHEAD_MAX)
		return -ERANGE;
	*ret_units = (units + (1u << SL_GCRA_PERIOD_SHIFT) - 1) >> SL_GCRA_PERIOD_SHIFT;
	return 0;
}

int sl_rate_make(const struct sl_frequency *f, uint64_t burst, struct sl_gcra_rate *ret_rate)
{
	uint64_t period = period_of(f->nr, f->per_ns >> SL_GCRA_UNIT_SHIFT), units;

	if (period == 0 || burst_of(burst, period, &units) < 0)
		return -ERANGE;
	*ret_rate = (struct sl_gcra_rate){ period, units };
	return 0;
}

static int set_burst(enum sl_limit_kind kind, struct sl_limit *l, uint64_t period,
		     struct sl_gcra_rate *ret_rate, struct sl_why *why)
{
	uint64_t least = least_burst(kind, period), units;

	if (!l->burst)
		l->burst = l->nr / l->per_s > least ? l->nr / l->per_s : least;
	if (l->burst < least)
		return sl_why_text(why, -ERANGE,
				   "a burst of %" PRIu64 " %s is too small at this rate: "
				   "at least %" PRIu64 ", which is %s",
				   l->burst, sl_limit_name(kind), least,
				   kind == SL_LIMIT_BYTES && least == SL_LIMIT_FRAME
					   ? "the largest frame"
					   : "two ticks of the kernel's clock");
	if (burst_of(l->burst, period, &units) < 0)
		return sl_why_text(why, -ERANGE,
				   "a burst of %" PRIu64 " %s takes longer than 4 h 50 min to come "
				   "together at this rate: make it smaller, or the rate larger",
				   l->burst, sl_limit_name(kind));
	*ret_rate = (struct sl_gcra_rate){ period, units };
	return 0;
}

int sl_limit_make(enum sl_limit_kind kind, struct sl_limit *limit, struct sl_gcra_rate *ret_rate,
		  struct sl_why *why)
{
	uint64_t period = period_of(limit->nr, UNITS_A_SECOND * limit->per_s), cost;

	if (period < PERIOD_MIN)
		return sl_why_text(why, -ERANGE,
				   "the rate is too high to be held within 1 %%: "
				   "at most 60G/s");
	/* What a frame costs is multiplied in 64 bits by the program, which does not check. */
	if (kind == SL_LIMIT_BYTES && __builtin_mul_overflow(period, SL_LIMIT_FRAME * 16ull, &cost))
		return sl_why_text(why, -ERANGE,
				   "the rate is too low for bytes: at least 1/s, and a frame needs "
				   "its time");
	return set_burst(kind, limit, period, ret_rate, why);
}

void sl_limit_read(const struct sl_gcra_rate *rate, double *ret_per_s, double *ret_burst)
{
	double period = rate->period ? (double)rate->period : 1;

	*ret_per_s = (double)(UNITS_A_SECOND << SL_GCRA_PERIOD_SHIFT) / period;
	*ret_burst = (double)rate->burst * (1u << SL_GCRA_PERIOD_SHIFT) / period;
}

struct sl_gcra_rate *sl_limit_of(struct sl_gate *gate, enum sl_limit_kind kind)
{
	struct sl_control *c = gate->switches;
	struct sl_gcra_rate *const limits[SL_LIMITS] = { [SL_LIMIT_CONNECTIONS] = &c->connections,
							 [SL_LIMIT_PACKETS] = &c->packets,
							 [SL_LIMIT_BYTES] = &c->bytes,
							 [SL_LIMIT_SYNS] = &c->syns };

	return limits[kind];
}

/* Without a burst there is no limit meanwhile. */
void sl_rate_store(struct sl_gcra_rate *to, const struct sl_gcra_rate *rate)
{
	__atomic_store_n(&to->burst, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&to->period, rate->period, __ATOMIC_SEQ_CST);
	__atomic_store_n(&to->burst, rate->burst, __ATOMIC_SEQ_CST);
}

void sl_limit_set(struct sl_gate *gate, enum sl_limit_kind kind, const struct sl_gcra_rate *rate)
{
	struct sl_gcra_set *taken = &gate->switches->syns_taken;

	sl_rate_store(sl_limit_of(gate, kind), rate);
	for (unsigned i = 0; kind == SL_LIMIT_SYNS && i < SL_GCRA_WAYS; i++)
		__atomic_store_n(&taken->words[i], 0, __ATOMIC_RELAXED);
}
