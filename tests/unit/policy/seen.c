// SPDX-License-Identifier: Apache-2.0
// Nothing is new twice, whoever races; and what is over makes room.
#include "policy/seen.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>

#include "tap.h"

enum { THREADS = 4, SIGNATURES = 20000, NOW = 1800000000, UNTIL = NOW + 300 };

static struct sl_seen *seen;
static _Atomic uint8_t firsts[SIGNATURES];
static _Atomic unsigned turn;

static enum sl_seen_verdict add(uint64_t hash, uint64_t now_s, uint64_t until_s)
{
	return sl_seen_add(seen, hash, now_s, until_s);
}

/* All begin at one slot. */
static uint64_t near(unsigned i)
{
	return (uint64_t)(i + 1) << 22;
}

static void times(void)
{
	is_int(add(7, NOW, UNTIL), SL_SEEN_NEW, "at first it is new");
	is_int(add(7, NOW, UNTIL), SL_SEEN_BEFORE, "then it is not");
	is_int(add(7, UNTIL - 1, UNTIL), SL_SEEN_BEFORE, "until it is over");
	is_int(add(7, UNTIL, UNTIL + 5), SL_SEEN_NEW, "which is forgotten");
	is_int(add(7 + (2ull << 22), NOW, UNTIL), SL_SEEN_NEW, "another tag is another");
	is_int(add(7 + (1ull << 60), NOW, UNTIL + 1), SL_SEEN_BEFORE, "bits that nobody looks at");
	is_int(add(9, (1ull << 28) - 1, (1ull << 28) + 1), SL_SEEN_NEW, "where seconds go round");
	is_int(add(9, 1ull << 28, (1ull << 28) + 1), SL_SEEN_BEFORE, "it is known");
	is_int(add(9, (1ull << 28) + 1, (1ull << 28) + 9), SL_SEEN_NEW, "and over");
}

static void full(void)
{
	for (unsigned i = 0; i < SL_SEEN_REACH; i++)
		is_int(add(near(i) + 1000, NOW, UNTIL + i), SL_SEEN_NEW, "neighbour %u", i);
	is_int(add(near(99) + 1000, NOW, UNTIL), SL_SEEN_FULL, "one more has no room");
	for (unsigned i = 0; i < SL_SEEN_REACH; i++)
		is_int(add(near(i) + 1000, NOW, UNTIL + i), SL_SEEN_BEFORE, "nobody was lost");
	is_int(add(near(99) + 1000, UNTIL, UNTIL + 9), SL_SEEN_NEW, "until one is over");
	is_int(add(near(1) + 1000, UNTIL, UNTIL + 1), SL_SEEN_BEFORE, "the next one is not");
}

/* All threads add the same ones at about the same time, while old ones make room in front. */
static void *show(void *arg)
{
	for (unsigned i = 0; i < SIGNATURES; i++) {
		uint64_t hash = (uint64_t)(i + 1) << 22 | ((i * 4 + 4096) & (SL_SEEN_SLOTS - 1));

		/* Nobody runs ahead by much. */
		while (atomic_load(&turn) + 8 * THREADS < i * THREADS)
			sched_yield();
		if (add(hash, NOW + i / 100, NOW + i / 100 + 2 + i % 3) == SL_SEEN_NEW)
			atomic_fetch_add(&firsts[i], 1);
		atomic_fetch_add(&turn, 1);
	}
	return NULL;
}

static void race(void)
{
	unsigned none = 0, twice = 0, left = 0;
	pthread_t threads[THREADS];

	for (unsigned i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, show, NULL);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < SIGNATURES; i++) {
		none += firsts[i] == 0;
		twice += firsts[i] > 1;
	}
	for (unsigned i = 0; i < SL_SEEN_SLOTS; i++)
		left += seen->slots[i] && !(seen->slots[i] >> 63);
	is_int(none, 0, "each was new to somebody");
	is_int(twice, 0, "and to nobody else");
	is_int(left, 0, "no bid is left");
}

int main(void)
{
	if (sl_seen_open(NULL, &seen) < 0)
		seen = NULL;
	if (!ok(seen != NULL, "a table"))
		return done_testing();
	times();
	full();
	race();
	sl_seen_close(seen);
	return done_testing();
}
