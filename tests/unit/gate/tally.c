// SPDX-License-Identifier: Apache-2.0
// Connections counted by client: limits, sites, a full table, and threads that race.
#include "gate/tally.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

enum { THREADS = 4, ROUNDS = 20000, LIMIT = 3 };

static struct sl_tally *tally;

static struct sl_ip ip_of(const char *text)
{
	struct sl_ip ip;

	if (sl_ip_parse(sl_str_of(text), &ip) < 0)
		abort();
	return ip;
}

static void clear(void)
{
	memset(tally, 0, sizeof(*tally));
	tally->key = (struct sl_sipkey){ 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
}

static bool is_empty(void)
{
	for (unsigned i = 0; i < SL_TALLY_SLOTS; i++)
		if (atomic_load(&tally->slots[i]))
			return false;
	return true;
}

static void one_client(void)
{
	struct sl_ip a = ip_of("192.0.2.1"), b = ip_of("192.0.2.2");

	clear();
	ok(sl_tally_enter(tally, &a, 2) && sl_tally_enter(tally, &a, 2), "two of two");
	ok(!sl_tally_enter(tally, &a, 2), "a third is refused");
	ok(!sl_tally_enter(tally, &a, 2), "and was not counted");
	ok(sl_tally_enter(tally, &b, 2), "its neighbour is another client");
	sl_tally_leave(tally, &a);
	ok(sl_tally_enter(tally, &a, 2), "after one has left there is room for one");
	ok(!sl_tally_enter(tally, &a, 2), "and for no more");
	sl_tally_leave(tally, &a);
	sl_tally_leave(tally, &a);
	sl_tally_leave(tally, &b);
	ok(is_empty(), "when all have left no word is taken");
	sl_tally_leave(tally, &a);
	ok(is_empty(), "leaving once too often does not go below nothing");
	ok(!sl_tally_enter(tally, &a, 0), "a limit of none lets nobody in");
}

static const struct {
	const char *a, *b;
	bool is_one;
} clients[] = {
	{ "2001:db8::1", "2001:db8::2", true },
	{ "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff", true },
	{ "2001:db8:0:1::1", "2001:db8:0:2::1", false },
	{ "192.0.2.1", "192.0.2.1", true },
	{ "192.0.2.1", "::ffff:192.0.2.1", true },
	{ "192.0.2.1", "192.0.2.0", false },
	{ "192.0.2.1", "::1", false },
};

static void sites(void)
{
	for (unsigned i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		struct sl_ip a = ip_of(clients[i].a), b = ip_of(clients[i].b);

		clear();
		sl_tally_enter(tally, &a, 1);
		ok(sl_tally_enter(tally, &b, 1) != clients[i].is_one, "%s and %s are %s",
		   clients[i].a, clients[i].b, clients[i].is_one ? "one client" : "two clients");
	}
}

static void many_clients(void)
{
	unsigned refused = 0, let_in_again = 0;
	struct sl_ip ip = ip_of("10.0.0.0");

	clear();
	for (unsigned i = 0; i < 10000; i++) {
		memcpy(&ip.b[12], &i, sizeof(i));
		refused += !sl_tally_enter(tally, &ip, 1);
	}
	for (unsigned i = 0; i < 10000; i++) {
		memcpy(&ip.b[12], &i, sizeof(i));
		let_in_again += sl_tally_enter(tally, &ip, 1);
	}
	is_int(refused, 0, "10,000 clients, none taken for another");
	is_int(let_in_again, 0, "and each is known again");
	for (unsigned i = 0; i < 10000; i++) {
		memcpy(&ip.b[12], &i, sizeof(i));
		sl_tally_leave(tally, &ip);
	}
	ok(is_empty(), "when all have left no word is taken");
}

/* With all eight words taken by others a client is not counted, but let in. */
static void full(void)
{
	struct sl_ip a = ip_of("192.0.2.1");
	uint64_t foreign = 0xabcdef0123400000 | 1;
	bool untouched = true;

	clear();
	for (unsigned i = 0; i < SL_TALLY_SLOTS; i++)
		atomic_store(&tally->slots[i], foreign);
	for (unsigned i = 0; i < 5; i++)
		ok(sl_tally_enter(tally, &a, 1), "no word is free: connection %u is let in", i);
	for (unsigned i = 0; i < 5; i++)
		sl_tally_leave(tally, &a);
	for (unsigned i = 0; i < SL_TALLY_SLOTS; i++)
		untouched &= atomic_load(&tally->slots[i]) == foreign;
	ok(untouched, "and no other's count is touched");
}

static _Atomic int inside, most;
static _Atomic unsigned let_in;

static void *come_and_go(void *arg)
{
	struct sl_ip ip = *(const struct sl_ip *)arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		int now;

		if (!sl_tally_enter(tally, &ip, LIMIT))
			continue;
		now = atomic_fetch_add(&inside, 1) + 1;
		for (int seen = atomic_load(&most);
		     now > seen && !atomic_compare_exchange_weak(&most, &seen, now);)
			;
		atomic_fetch_add(&let_in, 1);
		atomic_fetch_sub(&inside, 1);
		sl_tally_leave(tally, &ip);
	}
	return NULL;
}

/* One word: a connection that stays keeps it. */
static void race(void)
{
	struct sl_ip ip = ip_of("192.0.2.1");
	pthread_t threads[THREADS];

	clear();
	sl_tally_enter(tally, &ip, LIMIT);
	atomic_store(&inside, 1);
	for (unsigned i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, come_and_go, &ip))
			abort();
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ok(atomic_load(&most) <= LIMIT, "%u threads that race: never more than %u (%d seen)",
	   THREADS, LIMIT, atomic_load(&most));
	ok(atomic_load(&let_in) > 0, "and some get in");
	sl_tally_leave(tally, &ip);
	ok(is_empty(), "and the count ends at 0");
}

int main(void)
{
	tally = malloc(sizeof(*tally));
	if (!tally)
		return 1;
	one_client();
	sites();
	many_clients();
	full();
	race();
	free(tally);
	return done_testing();
}
