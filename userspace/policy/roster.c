// SPDX-License-Identifier: Apache-2.0
// Tables of names.
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
			struct sl_roster_twice *ret_twice)
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
		ret_twice->login = r->login[twice];
	return r->logins;
}

static struct sl_str value_of(const struct sl_consumer_certificate *c,
			      enum sl_certificate_kind kind)
{
	const struct sl_str values[] = {
		[SL_CERTIFICATE_SHA256] = c->sha256,
		[SL_CERTIFICATE_SAN] = c->san,
		[SL_CERTIFICATE_SUBJECT] = c->subject,
	};

	return values[kind];
}

/* Into the table, or with names NULL only counted. */
static unsigned list_certificates(const struct sl_roster *r, unsigned nr,
				  enum sl_certificate_kind kind, struct sl_certificates *to,
				  struct sl_str *names)
{
	unsigned found = 0;

	for (unsigned i = 0; i < nr; i++)
		for (unsigned k = 0; k < r->consumers[i].certificates_nr; k++) {
			const struct sl_consumer_certificate *c = &r->consumers[i].certificates[k];
			struct sl_str value = value_of(c, kind);

			if (!value.len)
				continue;
			if (names) {
				names[found] = value;
				to->certificate[found] = c;
				to->owner[found] = &r->consumers[i];
			}
			found++;
		}
	return found;
}

static bool make_certificates(struct sl_roster *r, struct sl_arena *arena, unsigned nr,
			      enum sl_certificate_kind kind, struct sl_roster_twice *ret_twice)
{
	struct sl_certificates *to = &r->certificates[kind];
	unsigned all = list_certificates(r, nr, kind, to, NULL), twice;
	struct sl_str *names;

	if (all == 0)
		return true;
	names = make_list(arena, all);
	to->certificate = sl_arena_alloc(arena, all * sizeof(*to->certificate));
	to->owner = sl_arena_alloc(arena, all * sizeof(*to->owner));
	if (!names || !to->certificate || !to->owner)
		return false;
	list_certificates(r, nr, kind, to, names);
	to->names = sl_lookup_new(arena, names, all, &twice);
	if (twice < all)
		ret_twice->certificate = to->certificate[twice];
	return to->names;
}

struct sl_roster *sl_roster_new(struct sl_arena *arena, const struct sl_consumer *consumers,
				unsigned nr, struct sl_roster_twice *ret_twice)
{
	struct sl_roster *r = sl_arena_alloc(arena, sizeof(*r));
	bool is_made;

	*ret_twice = (struct sl_roster_twice){ NULL, NULL };
	if (!r)
		return NULL;
	*r = (struct sl_roster){ .consumers = consumers };
	is_made = make_names(r, arena, nr) && make_logins(r, arena, nr, ret_twice);
	for (unsigned kind = 0; is_made && kind < SL_CERTIFICATE_KINDS; kind++)
		is_made = make_certificates(r, arena, nr, kind, ret_twice);
	return is_made ? r : NULL;
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

const struct sl_consumer *sl_roster_find_certificate(const struct sl_roster *roster,
						     enum sl_certificate_kind kind,
						     struct sl_str value)
{
	const struct sl_certificates *c = &roster->certificates[kind];
	unsigned i;

	return c->names && value.len && sl_lookup_find(c->names, value, &i) ? c->owner[i] : NULL;
}
