// SPDX-License-Identifier: Apache-2.0
// The ring of consistent hashing: its size, where keys fall, what a session is called.
#include "upstream/ring.h"

#include "tap.h"

/* All of it on a page that ends where it does: no search may look behind the last point. */
static void ring_edges(void)
{
	static const struct sl_ring_point points[] = { { 10, 0 }, { 10, 1 }, { 20, 2 }, { 30, 3 } };
	struct sl_upstream_conf c = { .ring_nr = 4 };
	static const struct {
		uint32_t key, at;
	} table[] = { { 0, 0 },	 { 10, 0 }, { 11, 2 }, { 20, 2 },
		      { 21, 3 }, { 30, 3 }, { 31, 0 }, { UINT32_MAX, 0 } };

	c.ring = (struct sl_ring_point *)(void *)guarded(points, sizeof(points));
	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		is_int(sl_ring_find(&c, (uint64_t)table[i].key << 32), table[i].at,
		       "key %u belongs to point %u", table[i].key, table[i].at);
}

static void ring_limits(void)
{
	static struct sl_target_conf many[1024];
	struct sl_upstream_conf c = { .targets = many, .targets_nr = 1024 };

	for (unsigned i = 0; i < 1024; i++)
		many[i] = (struct sl_target_conf){ .name = "t", .weight = i ? 999 : 1 };
	ok(sl_ring_size(&c) <= SL_RING_MAX + 1024 && sl_ring_size(&c) > SL_RING_MAX / 2,
	   "the largest ring has %u points", sl_ring_size(&c));
}

static void session_names(void)
{
	struct sl_target_conf t[] = { { .name = "10.0.0.1:80" }, { .name = "10.0.0.2:80" } };
	struct sl_upstream_conf u = { .name = "u" }, v = { .name = "v" }, w = { .name = "u" };

	w.sticky.secret = SL_S("s");
	ok(sl_session_of(&u, &t[0]) == sl_session_of(&u, &t[0]), "a session's name is lasting");
	ok(sl_session_of(&u, &t[0]) != sl_session_of(&u, &t[1]), "each target has its own");
	ok(sl_session_of(&u, &t[0]) != sl_session_of(&v, &t[0]), "in each upstream another");
	ok(sl_session_of(&u, &t[0]) != sl_session_of(&w, &t[0]), "the secret changes it");
}

int main(void)
{
	ring_edges();
	ring_limits();
	session_names();
	return done_testing();
}
