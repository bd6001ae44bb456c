// SPDX-License-Identifier: Apache-2.0
// Sliding windows: what counts of the one before, what is given back, and that races give nothing
// away.
#include "policy/windows.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "tap.h"

enum { THREADS = 4, SUBJECTS = 20, LIMIT = 500 };

#define START (1000 * SL_SEC)

static struct sl_windows *windows;
static const struct sl_window ten = { SL_SEC, 10 };
static const struct sl_window minute = { 60 * SL_SEC, 10 };
static struct sl_window_use use;

static bool take(uint64_t subject, const struct sl_window *w, uint32_t n, uint64_t at_ms)
{
	return sl_windows_take(windows, subject, w, n, START + at_ms * SL_MS, &use);
}

static unsigned take_all(uint64_t subject, const struct sl_window *w, uint64_t at_ms)
{
	unsigned nr = 0;

	while (nr < 1000 && take(subject, w, 1, at_ms))
		nr++;
	return nr;
}

static void slides(void)
{
	is_int(take_all(1, &ten, 0), 10, "ten in a window");
	is_int(take_all(1, &ten, 999), 0, "and no more to its end");
	is_int(take_all(1, &ten, 1000), 0, "in the next one they count in full at first");
	is_int(take_all(1, &ten, 1099), 0, "still more than nine of them");
	is_int(take_all(1, &ten, 1100), 1, "a tenth is over");
	is_int(take_all(1, &ten, 1500), 4, "half");
	is_int(take_all(1, &ten, 1999), 4, "nearly all: nine, and the one that is not over");
	is_int(take_all(1, &ten, 2000), 1, "nine count, not ten: what was refused was not taken");
	is_int(take_all(1, &ten, 4000), 10, "behind an empty window nothing does");
	is_int(take_all(2, &ten, 4000), 10, "another subject has its own");
	is_int(take_all(3, &minute, 20000), 10, "a minute");
	is_int(take_all(3, &minute, 79999), 0, "window of the same minute and a bit");
	ok(!take(4, &ten, 11, 0) && take(4, &ten, 10, 0) && !take(4, &ten, 1, 0), "by their price");
	is_int(take_all(1, &minute, 4000), 10, "of another length: what it was says nothing");
}

static void tells(void)
{
	take_all(10, &ten, 5000);
	take(10, &ten, 1, 5200);
	is_int(sl_window_left(&ten, &use), 0, "nothing is left");
	is_int((int64_t)sl_window_wait_ns(&ten, &use, 1), 900 * SL_MS, "one is in 0.9 s");
	is_int((int64_t)sl_window_wait_ns(&ten, &use, 10), 1800 * SL_MS, "ten are in 1.8 s");
	is_int((int64_t)sl_window_reset_ns(&ten, &use), 1800 * SL_MS, "which is all");
	ok(!take(10, &ten, 1, 6099) && take(10, &ten, 1, 6100), "and so it is");
	is_int(sl_window_left(&ten, &use), 0, "nine of before, and one");
	is_int((int64_t)sl_window_wait_ns(&ten, &use, 1), 100 * SL_MS, "a tenth later one more");
	ok(!take(10, &ten, 1, 6199) && take(10, &ten, 1, 6200), "and so it is");
	take(11, &ten, 4, 6250);
	is_int(sl_window_left(&ten, &use), 6, "six are left of ten");
	is_int((int64_t)sl_window_wait_ns(&ten, &use, 6), 0, "at once");
}

static void gives_back(void)
{
	struct sl_window_use old;

	take(20, &ten, 10, 7000);
	old = use;
	sl_windows_give_back(windows, 20, &ten, &old, 4);
	is_int(take_all(20, &ten, 7000), 4, "what is given back is there");
	sl_windows_give_back(windows, 20, &ten, &old, 11);
	is_int(take_all(20, &ten, 7000), 0, "more than there was is nothing");
	take(20, &ten, 1, 8500);
	sl_windows_give_back(windows, 20, &ten, &old, 10);
	is_int(take_all(20, &ten, 8500), 9,
	       "one window later it is what counted of the one before");
	sl_windows_give_back(windows, 20, &ten, &old, 1);
	is_int(take_all(20, &ten, 8500), 0, "and not twice");
	sl_windows_give_back(windows, 20, &minute, &old, 1);
	sl_windows_give_back(windows, 21, &ten, &old, 1);
	is_int(take_all(20, &ten, 8500), 0, "nor by another window, or another subject");
}

static void *grab(void *arg)
{
	static const struct sl_window w = { 3600 * SL_SEC, LIMIT };
	unsigned *got = arg;
	struct sl_window_use mine;

	for (unsigned i = 0; i < 2 * LIMIT * SUBJECTS; i++) {
		uint64_t subject = 100 + i % SUBJECTS;

		if (!sl_windows_take(windows, subject, &w, 1, START, &mine))
			continue;
		if (i % 3 == 0)
			sl_windows_give_back(windows, subject, &w, &mine, 1);
		else
			++*got;
	}
	return NULL;
}

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
	is_int(all, LIMIT * SUBJECTS, "all that there is, by whomever, and no more");
}

/* More subjects near to each other than there is room for. */
static void crowd(void)
{
	take(500000, &ten, 9, 9000);
	for (uint64_t i = 1; i <= 40; i++)
		take(500000 + (i << 32), &ten, 1, 9000);
	is_int(take_all(500000, &ten, 9000), 1, "who has used most stays");
	for (uint64_t i = 1; i <= 40; i++)
		take(500000 + (i << 40), &ten, 2, 12000);
	is_int(take_all(500000, &ten, 12000), 10, "until its windows are over");
}

int main(void)
{
	windows = sl_windows_new();
	if (!ok(windows != NULL, "a table"))
		return done_testing();
	slides();
	tells();
	gives_back();
	race();
	crowd();
	free(windows);
	return done_testing();
}
