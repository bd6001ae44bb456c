// SPDX-License-Identifier: Apache-2.0
// A table of addresses, keyed: no capture can choose what collides.
#include "tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { ROOM_FIRST = 1024 };

int tally_init(struct tally *t)
{
	*t = (struct tally){ .room = ROOM_FIRST };
	t->rows = calloc(t->room, sizeof(*t->rows));
	if (!t->rows || getrandom(t->secret, sizeof(t->secret), 0) != sizeof(t->secret)) {
		tally_fini(t);
		return -ENOMEM;
	}
	return 0;
}

void tally_fini(struct tally *t)
{
	free(t->rows);
	t->rows = NULL;
}

/* Where it is, or a free place. */
static struct tally_row *find(struct tally *t, const struct sl_address *a)
{
	size_t at = (size_t)sl_mix64(sl_mix64(a->hi ^ t->secret[0]) ^ a->lo ^ t->secret[1]);

	for (;; at++) {
		struct tally_row *row = &t->rows[at & (t->room - 1)];

		if (!row->is_used || (row->address.hi == a->hi && row->address.lo == a->lo))
			return row;
	}
}

static bool grow(struct tally *t)
{
	struct tally more = *t;

	if (t->nr * 4 < t->room * 3)
		return true;
	more.room *= 2;
	more.rows = t->nr < TALLY_MAX ? calloc(more.room, sizeof(*more.rows)) : NULL;
	if (!more.rows)
		return t->nr < TALLY_MAX && t->nr + 1 < t->room;
	for (size_t i = 0; i < t->room; i++)
		if (t->rows[i].is_used)
			*find(&more, &t->rows[i].address) = t->rows[i];
	free(t->rows);
	*t = more;
	return true;
}

struct tally_row *tally_row(struct tally *t, const struct sl_address *address)
{
	struct tally_row *row = find(t, address);

	if (row->is_used)
		return row;
	if (t->nr >= TALLY_MAX || !grow(t)) {
		t->others++;
		return NULL;
	}
	row = find(t, address);
	*row = (struct tally_row){ .address = *address, .is_used = true };
	t->nr++;
	return row;
}

static int by_weight(const void *a, const void *b)
{
	const struct tally_row *x = a, *y = b;

	if (x->is_used != y->is_used)
		return x->is_used ? -1 : 1;
	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	if (x->packets != y->packets)
		return x->packets > y->packets ? -1 : 1;
	return memcmp(&x->address, &y->address, sizeof(x->address));
}

void tally_sort(struct tally *t)
{
	qsort(t->rows, t->room, sizeof(*t->rows), by_weight);
}
