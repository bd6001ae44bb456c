// SPDX-License-Identifier: Apache-2.0
// Objects of one size: where they lie, and that they come again.
#include "base/slab.h"

#include <stdint.h>
#include <string.h>

#include "tap.h"

enum { MANY = 1000 };

static void sizes(void)
{
	static const size_t sizes[] = { 0, 1, 7, 8, 15, 16, 17, 100, 4096 };

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct sl_slab s;
		uintptr_t a, b;

		sl_slab_init(&s, sizes[i]);
		a = (uintptr_t)sl_slab_get(&s);
		b = (uintptr_t)sl_slab_get(&s);
		ok(a && b && a % 16 == 0 && b % 16 == 0, "objects of %zu bytes lie at 16",
		   sizes[i]);
		ok((a > b ? a - b : b - a) >= sizes[i], "and side by side");
		sl_slab_fini(&s);
	}
}

/* Each is filled with its own number: two that overlap would show. */
static void many(void)
{
	static unsigned char *objects[MANY];
	struct sl_slab s;
	bool held = true;

	sl_slab_init(&s, 24);
	for (unsigned i = 0; i < MANY; i++) {
		objects[i] = sl_slab_get(&s);
		memset(objects[i], (int)(i % 251), 24);
	}
	for (unsigned i = 0; i < MANY; i++)
		for (unsigned k = 0; k < 24; k++)
			held &= objects[i][k] == i % 251;
	ok(held, "%u objects at once, none over another", MANY);
	for (unsigned i = 0; i < MANY; i++)
		sl_slab_put(&s, objects[i]);
	ok(sl_slab_get(&s) == objects[MANY - 1], "the one given back last comes first: it is hot");
	sl_slab_put(&s, NULL);
	ok(sl_slab_get(&s) == objects[MANY - 2], "NULL may be given back, and is not handed out");
	sl_slab_fini(&s);
	ok(!s.blocks && !s.free, "nothing is left, though two were not given back");
	ok(sl_slab_get(&s) != NULL, "and it can be used again");
	sl_slab_fini(&s);
}

int main(void)
{
	sizes();
	many();
	return done_testing();
}
