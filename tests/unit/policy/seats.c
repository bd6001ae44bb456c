// SPDX-License-Identifier: Apache-2.0
// Never more at once than may be, whoever races; and all seats are free in the end.
#include "policy/seats.h"

#include <pthread.h>
#include <stdlib.h>

#include "tap.h"

enum { THREADS = 4, SUBJECTS = 3, LIMIT = 2, ROUNDS = 200000 };

static struct sl_seats *seats;
static atomic_int sitting[SUBJECTS], most[SUBJECTS];

static uint64_t hash_of(unsigned subject)
{
	return (subject + 1) * 0x9e3779b97f4a7c15u << 16; /* all begin at one slot */
}

static void *sit(void *arg)
{
	unsigned *refused = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned s = i % SUBJECTS;
		_Atomic uint64_t *seat;
		int now;

		if (!sl_seats_take(seats, hash_of(s), LIMIT, &seat)) {
			++*refused;
			continue;
		}
		now = seat ? atomic_fetch_add(&sitting[s], 1) + 1 : 0;
		if (now > atomic_load(&most[s]))
			atomic_store(&most[s], now);
		if (seat)
			atomic_fetch_sub(&sitting[s], 1);
		sl_seats_leave(seat);
	}
	return NULL;
}

static void race(void)
{
	pthread_t threads[THREADS];
	unsigned refused[THREADS] = { 0 }, left = 0;

	for (unsigned i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, sit, &refused[i]);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (unsigned s = 0; s < SUBJECTS; s++)
		ok(most[s] <= LIMIT, "of subject %u never more than %d: %d", s, LIMIT, most[s]);
	for (unsigned i = 0; i < SL_SEATS_SLOTS; i++)
		left += (seats->slots[i] & 0xffffff) != 0;
	is_int(left, 0, "in the end all seats are free");
}

int main(void)
{
	_Atomic uint64_t *seat[20];
	unsigned taken = 0;

	seats = sl_seats_new();
	if (!ok(seats != NULL, "seats"))
		return done_testing();
	ok(sl_seats_take(seats, 7, 2, &seat[0]) && sl_seats_take(seats, 7, 2, &seat[1]), "two sit");
	ok(!sl_seats_take(seats, 7, 2, &seat[2]) && !seat[2], "a third one does not");
	sl_seats_leave(seat[0]);
	ok(sl_seats_take(seats, 7, 2, &seat[2]), "until one has left");
	sl_seats_leave(seat[1]);
	sl_seats_leave(seat[2]);
	for (unsigned i = 0; i < 20; i++) {
		ok(sl_seats_take(seats, (uint64_t)(i + 1) << 24, 1, &seat[i]), "subject %u", i);
		taken += seat[i] != NULL;
	}
	is_int(taken, 16, "sixteen sit near to each other; others go uncounted");
	for (unsigned i = 0; i < 20; i++)
		sl_seats_leave(seat[i]);
	race();
	free(seats);
	return done_testing();
}
