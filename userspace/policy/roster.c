// SPDX-License-Identifier: Apache-2.0
// Two tables of names.
#include "policy/roster.h"

static struct sl_str *make_list(struct sl_arena *arena, unsigned nr)
{
	return sl_arena_alloc(arena, (nr + 1) * sizeof(struct sl_str));
}

static bool make_names(struct sl_roster *r, struct sl_arena *arena, unsigned nr)
{
	struct sl_str *names = make_list(arena, nr);
	unsigned twice;

	for (unsigned i = 0; names && i < nr; i++)
		names[i] = sl_str_of(r->consumers[i].name);
	r->names = names ? sl_lookup_new(arena, names, nr, &twice) : NULL;
	return r->names;
}

/* A login without a name of its own has the consumer's. */
static struct sl_str login_name(const struct sl_consumer *c, const struct sl_login *login)
{
	return login->username.len ? login->username : sl_str_of(c->name);
}

static bool make_logins(struct sl_roster *r, struct sl_arena *arena, unsigned nr,
			const struct sl_login **ret_twice)
{
	struct sl_str *names;
	unsigned all = 0, twice;

	for (unsigned i = 0; i < nr; i++)
		all += r->consumers[i].logins_nr;
	names = make_list(arena, all);
	r->login = sl_arena_alloc(arena, (all + 1) * sizeof(*r->login));
	r->owner = sl_arena_alloc(arena, (all + 1) * sizeof(*r->owner));
	if (!names || !r->login || !r->owner)
		return false;
	for (unsigned i = 0; i < nr; i++)
		for (unsigned k = 0; k < r->consumers[i].logins_nr; k++) {
			const struct sl_consumer *c = &r->consumers[i];

			names[r->logins_nr] = login_name(c, &c->logins[k]);
			r->login[r->logins_nr] = &c->logins[k];
			r->owner[r->logins_nr++] = c;
		}
	r->logins = sl_lookup_new(arena, names, all, &twice);
	if (twice < all)
		*ret_twice = r->login[twice];
	return r->logins;
}

struct sl_roster *sl_roster_new(struct sl_arena *arena, const struct sl_consumer *consumers,
				unsigned nr, const struct sl_login **ret_twice)
{
	struct sl_roster *r = sl_arena_alloc(arena, sizeof(*r));

	*ret_twice = NULL;
	if (!r)
		return NULL;
	*r = (struct sl_roster){ .consumers = consumers };
	return make_names(r, arena, nr) && make_logins(r, arena, nr, ret_twice) ? r : NULL;
}

const struct sl_consumer *sl_roster_find(const struct sl_roster *roster, struct sl_str name)
{
	unsigned i;

	return sl_lookup_find(roster->names, name, &i) ? &roster->consumers[i] : NULL;
}

bool sl_roster_find_login(const struct sl_roster *roster, struct sl_str name,
			  const struct sl_login **ret_login,
			  const struct sl_consumer **ret_consumer)
{
	unsigned i;
	bool is_there = sl_lookup_find(roster->logins, name, &i);

	*ret_login = is_there ? roster->login[i] : NULL;
	*ret_consumer = is_there ? roster->owner[i] : NULL;
	return is_there;
}
