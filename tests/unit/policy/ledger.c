// SPDX-License-Identifier: Apache-2.0
// Nobody gets more of a quota than there is, whoever races; and what is used stays so in a file.
#include "policy/ledger.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "policy/quota.h"
#include "tap.h"

enum { THREADS = 4, SUBJECTS = 50, LIMIT = 1000, NOW = 1000000, END = NOW + 100 };

static struct sl_ledger *ledger;
static char directory[] = "/tmp/sluice-ledger-XXXXXX";

static bool take(uint64_t subject, uint64_t now_s, uint32_t limit, uint32_t n, struct sl_use *use)
{
	return sl_ledger_take(ledger, subject, now_s, now_s + 100, limit, n, use);
}

/* Windows do not begin with the clock here, so that each thing is seen by itself. */
static void windows(void)
{
	struct sl_use use;

	ok(take(1, NOW, 10, 4, &use), "some of it");
	is_int(use.used, 4, "so much is used");
	is_int(use.end_s, END, "and until then");
	ok(!take(1, NOW + 50, 10, 7, &use), "what is not left is refused");
	is_int(use.used, 4, "and costs nothing");
	ok(take(1, NOW + 50, 10, 6, &use), "the rest of it");
	is_int(use.end_s, END, "in the same window");
	ok(!take(1, NOW + 99, 10, 1, &use), "then nothing");
	ok(take(2, NOW + 99, 10, 1, &use), "but for others");
	ok(take(1, END, 10, 1, &use), "until the window is over");
	is_int(use.used, 1, "all of it again");
	ok(!take(1, END, 1, 1, &use) && !take(1, END, 5, 6, &use) &&
		   !take(3, END, 5, UINT32_MAX, &use),
	   "a smaller limit holds at once, a price above it always");
	ok(take(4, NOW, UINT32_MAX, UINT32_MAX, &use) && !take(4, NOW, UINT32_MAX, 1, &use),
	   "nothing wraps");
}

static void gives_back(void)
{
	struct sl_use use, old;

	take(10, NOW, 10, 10, &use);
	sl_ledger_give_back(ledger, 10, &use, 4);
	ok(!take(10, NOW, 10, 5, &use) && take(10, NOW, 10, 4, &use),
	   "what is given back is there");
	old = use;
	take(10, END, 10, 3, &use);
	sl_ledger_give_back(ledger, 10, &old, 3);
	take(10, END, 10, 1, &use);
	is_int(use.used, 4, "but not in another window");
	sl_ledger_give_back(ledger, 11, &use, 3);
	sl_ledger_give_back(ledger, 10, &use, 9);
	take(10, END, 10, 1, &use);
	is_int(use.used, 5, "nor to another, nor more than there was");
}

static void *grab(void *arg)
{
	unsigned *got = arg;
	struct sl_use use;

	for (unsigned i = 0; i < LIMIT * SUBJECTS; i++) {
		uint64_t subject = 100 + i % SUBJECTS;

		if (!take(subject, NOW, LIMIT, 1, &use))
			continue;
		if (i % 3 == 0)
			sl_ledger_give_back(ledger, subject, &use, 1);
		else
			++*got;
	}
	return NULL;
}

static void race(void)
{
	pthread_t threads[THREADS];
	unsigned got[THREADS] = { 0 }, all = 0;
	struct sl_use use;

	for (unsigned i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, grab, &got[i]);
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		all += got[i];
	}
	for (unsigned s = 0; s < SUBJECTS; s++)
		while (take(100 + s, NOW, LIMIT, 1, &use))
			all++;
	is_int(all, LIMIT * SUBJECTS, "%d subjects get %d each, whoever races", SUBJECTS, LIMIT);
}

/* All want the same slots: 32 of them have one, the rest take the place of who used least. */
static void crowd(void)
{
	struct sl_use use;
	unsigned kept = 0;

	for (uint64_t i = 0; i < 200; i++)
		take(5000 + (i << 20), NOW, 100, i < 31 ? 50 : 1, &use);
	for (uint64_t i = 0; i < 31; i++)
		kept += !take(5000 + (i << 20), NOW, 100, 51, &use);
	is_int(kept, 31, "a crowd does not drive out who has used much");
	take(5000 + (500ull << 20), END, 100, 1, &use);
	is_int(use.used, 1, "whose window is over makes room");
}

static void file(void)
{
	struct sl_ledger *second = NULL;
	struct sl_use use;
	char path[64];
	FILE *f;

	if (!ok(sl_ledger_open(directory, &ledger) == 0, "a file"))
		return;
	take(1, NOW, 10, 7, &use);
	sl_ledger_flush(ledger);
	ok(sl_ledger_open(directory, &second) == 0, "it is opened twice");
	ok(memcmp(&second->secret, &ledger->secret, sizeof(ledger->secret)) == 0,
	   "subjects are the same to both");
	ok(!sl_ledger_take(second, 1, NOW, END, 10, 4, &use) &&
		   sl_ledger_take(second, 1, NOW, END, 10, 3, &use),
	   "one sees what the other has taken");
	ok(!take(1, NOW, 10, 1, &use), "and the other way round");
	sl_ledger_close(second);
	sl_ledger_close(ledger);
	ok(sl_ledger_open(directory, &ledger) == 0 && !take(1, NOW, 10, 1, &use),
	   "it is there after the end");
	sl_ledger_close(ledger);
	snprintf(path, sizeof(path), "%s/sluice.quota", directory);
	f = fopen(path, "w");
	if (f && fputs("something else", f) >= 0)
		fclose(f);
	is_int(sl_ledger_open(directory, &ledger), -EPROTO, "another file is left alone");
	unlink(path);
	is_int(sl_ledger_open("/nowhere", &ledger), -ENOENT, "no directory");
	rmdir(directory);
}

/* Against the C library, over some four hundred years. */
static void months(void)
{
	unsigned wrong = 0;

	for (uint64_t day = 0; day < 150000; day++) {
		time_t now = (time_t)(day * 86400 + 12345), begins;
		struct tm tm;

		gmtime_r(&now, &tm);
		tm = (struct tm){ .tm_year = tm.tm_year, .tm_mon = tm.tm_mon + 1, .tm_mday = 1 };
		begins = timegm(&tm);
		wrong += sl_quota_end(SL_QUOTA_MONTH, SL_QUOTA_CALENDAR, (uint64_t)now) !=
			 (uint64_t)begins;
	}
	is_int(wrong, 0, "each month ends when the next one begins");
	is_int((int64_t)sl_quota_end(SL_QUOTA_DAY, SL_QUOTA_CALENDAR, 86400), 172800, "a day");
	is_int((int64_t)sl_quota_end(SL_QUOTA_HOUR, SL_QUOTA_CALENDAR, 7199), 7200, "an hour");
	is_int((int64_t)sl_quota_end(SL_QUOTA_MINUTE, SL_QUOTA_ROLLING, 61), 121,
	       "a minute from now");
}

int main(void)
{
	if (!ok(mkdtemp(directory) && sl_ledger_open(NULL, &ledger) == 0, "a ledger in memory"))
		return done_testing();
	windows();
	gives_back();
	race();
	crowd();
	sl_ledger_close(ledger);
	file();
	months();
	return done_testing();
}
