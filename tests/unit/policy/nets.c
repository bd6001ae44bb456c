// SPDX-License-Identifier: Apache-2.0
// Of all prefixes that have an address in them the longest decides: against looking at all of them.
#include "policy/nets.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

enum { NETS = 3000, ASKED = 200000 };

static struct sl_nets_entry entries[NETS], all[NETS];

static uint64_t next(void)
{
	static uint64_t state = 7;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return state >> 24;
}

/* Few different bytes, so that prefixes lie in one another. */
static struct sl_ip random_ip(void)
{
	struct sl_ip ip;

	for (unsigned i = 0; i < 16; i++)
		ip.b[i] = i < 4 ? (uint8_t)(next() & 3) << 6 : (uint8_t)(next() % 2 * 0xff);
	return ip;
}

static void mask(struct sl_ip *ip, unsigned bits)
{
	for (unsigned i = 0; i < 16; i++)
		if (bits < 8 * (i + 1))
			ip->b[i] &= bits > 8 * i ? (uint8_t)(0xff00 >> (bits - 8 * i)) : 0;
}

static const struct sl_nets_entry *look_at_all(const struct sl_ip *ip)
{
	const struct sl_nets_entry *best = NULL;

	for (unsigned i = 0; i < NETS; i++) {
		const struct sl_nets_entry *e = &all[i];

		if (sl_net_has(&(struct sl_net){ e->ip, e->bits }, ip) &&
		    (!best || e->bits > best->bits || (e->bits == best->bits && e->allows)))
			best = e;
	}
	return best;
}

int main(void)
{
	unsigned wrong = 0, hits = 0;
	struct sl_nets nets;

	sl_nets_make(&nets, NULL, 0);
	ok(!sl_nets_find(&nets, &(struct sl_ip){ { 1 } }), "nothing is in no prefix");
	for (unsigned i = 0; i < NETS; i++) {
		entries[i] = (struct sl_nets_entry){ random_ip(), (uint8_t)(next() % 129),
						     next() % 2, 99 };
		mask(&entries[i].ip, entries[i].bits);
	}
	memcpy(all, entries, sizeof(all));
	sl_nets_make(&nets, entries, NETS);
	ok(nets.nr < NETS, "those that are there twice are once: %u of %d", nets.nr, NETS);
	for (unsigned i = 0; i < ASKED / 10; i++) {
		struct sl_ip ip = i % 2 ? random_ip() : all[next() % NETS].ip;
		const struct sl_nets_entry *want = look_at_all(&ip), *got;

		got = sl_nets_find(&nets, &ip);
		hits += got != NULL;
		wrong += !want != !got ||
			 (got && (got->bits != want->bits || got->allows != want->allows));
	}
	is_int(wrong, 0, "the longest decides, %u times of %d", hits, ASKED / 10);
	return done_testing();
}
