// SPDX-License-Identifier: Apache-2.0
// What limits take and give back, by threads that race for it.
#include "policy/credit.h"

#include <pthread.h>

#include "tap.h"

enum { THREADS = 4, TRIES = 50000 };

/* 10 in a second at the most, and as many at once. */
static const struct sl_gcra_rate rate = {
	.period = (1000000000ull >> SL_GCRA_UNIT_SHIFT << SL_GCRA_PERIOD_SHIFT) / 10,
	.burst = 1000000000ull >> SL_GCRA_UNIT_SHIFT,
};
static const uint64_t now = 12345678901;
static struct sl_credits *credits;

static bool take(uint64_t hash, uint64_t n, uint64_t when)
{
	const struct sl_account a = sl_account_of(credits, hash);

	return sl_gcra_take(a.set, a.tag, &rate, n, when) != SL_GCRA_REFUSED;
}

static unsigned take_all(uint64_t hash)
{
	unsigned nr = 0;

	while (nr < 100 && take(hash, 1, now))
		nr++;
	return nr;
}

static void give_back(void)
{
	struct sl_account a = sl_account_of(credits, 1);

	is_int(sl_account_ahead(&a, &rate, now), 0, "who took nothing owes nothing");
	is_int(take_all(1), 10, "a burst of ten");
	is_int((int64_t)(sl_account_ahead(&a, &rate, now) / (rate.burst / 10)), 10, "is owed");
	sl_account_refund(&a, &rate, 3);
	is_int(take_all(1), 3, "three that are given back are there again");
	sl_account_refund(&a, &rate, 10);
	sl_account_refund(&a, &rate, 10);
	is_int(take_all(1), 10, "giving back too much makes no more than a burst");
	a = sl_account_of(credits, 2);
	sl_account_refund(&a, &rate, 1);
	is_int(take_all(2), 10, "nor does giving to who never took");
}

static void *grab(void *arg)
{
	unsigned *got = arg;

	for (unsigned i = 0; i < TRIES; i++) {
		struct sl_account a = sl_account_of(credits, 77);

		if (!take(77, 1, now))
			continue;
		if (i % 2)
			++*got;
		else
			sl_account_refund(&a, &rate, 1);
	}
	return NULL;
}

/* However they race, nobody gets more than there is. */
static void race(void)
{
	pthread_t threads[THREADS];
	unsigned got[THREADS] = { 0 }, all = 0;

	for (unsigned i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, grab, &got[i]);
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		all += got[i];
	}
	is_int(all + take_all(77), 10, "ten are taken in all, by whomever");
}

int main(void)
{
	credits = sl_credits_new();
	if (!ok(credits != NULL, "a table"))
		return done_testing();
	give_back();
	race();
	sl_credits_free(credits);
	return done_testing();
}
