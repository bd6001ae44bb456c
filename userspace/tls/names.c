// SPDX-License-Identifier: Apache-2.0
// Names of certificates: a sorted table, a wildcard being the name of what is below it.
#include "tls/names.h"

#include <errno.h>
#include <stdlib.h>

enum { LABEL_MAX = 63 };

/* RFC 9525 6.3: '*' is the whole first label or nothing, and stands for one label. */
static bool is_host(struct sl_str s)
{
	size_t label = 0;

	if (s.len == 0 || s.len > SL_TLS_HOST_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = sl_lower(s.ptr[i]);
		bool is_dot = c == '.';

		if (!is_dot && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' &&
		    c != '_')
			return false;
		if (is_dot ? label == 0 : label == LABEL_MAX)
			return false;
		label = is_dot ? 0 : label + 1;
	}
	return label > 0;
}

void sl_tls_names_fini(struct sl_tls_names *t)
{
	for (unsigned i = 0; i < t->nr; i++)
		free(t->name[i].host);
	free(t->name);
	*t = (struct sl_tls_names){ NULL, 0, 0 };
}

static int make_room(struct sl_tls_names *t)
{
	unsigned room = t->room ? 2 * t->room : 16;
	struct sl_tls_name *p;

	if (t->nr < t->room)
		return 0;
	p = realloc(t->name, room * sizeof(*p));
	if (!p)
		return -ENOMEM;
	t->name = p;
	t->room = room;
	return 0;
}

int sl_tls_names_add(struct sl_tls_names *t, struct sl_str host, unsigned pair,
		     enum sl_tls_key_kind kind)
{
	bool is_wildcard = sl_str_starts(host, SL_S("*."));
	size_t skip = is_wildcard ? 2 : 0;
	char *lower;

	if (!is_host((struct sl_str){ host.ptr + skip, host.len - skip }))
		return 0;
	lower = make_room(t) == 0 ? malloc(host.len) : NULL;
	if (!lower)
		return -ENOMEM;
	skip = is_wildcard;
	for (size_t i = skip; i < host.len; i++)
		lower[i - skip] = sl_lower(host.ptr[i]);
	t->name[t->nr++] = (struct sl_tls_name){
		.host = lower, .len = host.len - skip, .pair = (uint16_t)pair, .kind = kind
	};
	return 0;
}

static int compare_hosts(const struct sl_tls_name *a, const struct sl_tls_name *b)
{
	int d = memcmp(a->host, b->host, a->len < b->len ? a->len : b->len);

	if (d == 0)
		d = a->len < b->len ? -1 : a->len > b->len;
	return d;
}

static int compare_entries(const void *a, const void *b)
{
	const struct sl_tls_name *x = a, *y = b;
	int d = compare_hosts(x, y);

	return d ? d : (int)x->pair - (int)y->pair;
}

/* All entries of one name; how many. */
static unsigned gather(const struct sl_tls_name *first, unsigned left, struct sl_tls_choice *choice)
{
	unsigned n = 0;

	for (unsigned k = 0; k < SL_TLS_KEY_KINDS; k++)
		choice->pair[k] = SL_TLS_NO_PAIR;
	for (; n < left && compare_hosts(first, &first[n]) == 0; n++)
		if (choice->pair[first[n].kind] == SL_TLS_NO_PAIR)
			choice->pair[first[n].kind] = first[n].pair;
	return n;
}

int sl_tls_names_settle(struct sl_tls_names *t,
			int (*choose)(void *arg, const struct sl_tls_choice *choice), void *arg)
{
	struct sl_tls_choice choice;

	if (t->nr)
		qsort(t->name, t->nr, sizeof(*t->name), compare_entries);
	for (unsigned i = 0, n; i < t->nr; i += n) {
		int ret;

		n = gather(&t->name[i], t->nr - i, &choice);
		ret = choose(arg, &choice);
		if (ret < 0)
			return ret;
		for (unsigned k = 0; k < n; k++)
			t->name[i + k].choice = (uint16_t)ret;
	}
	return 0;
}

static int find_exact(const struct sl_tls_names *t, const struct sl_tls_name *wanted)
{
	unsigned low = 0, high = t->nr;

	while (low < high) {
		unsigned mid = low + (high - low) / 2;
		int d = compare_hosts(wanted, &t->name[mid]);

		if (d == 0)
			return t->name[mid].choice;
		if (d < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return -1;
}

int sl_tls_names_find(const struct sl_tls_names *t, struct sl_str host)
{
	char lower[SL_TLS_HOST_MAX];
	struct sl_tls_name wanted = { .host = lower, .len = host.len };
	const char *dot;
	int found;

	if (!is_host(host))
		return -1;
	for (size_t i = 0; i < host.len; i++)
		lower[i] = sl_lower(host.ptr[i]);
	found = find_exact(t, &wanted);
	dot = memchr(lower, '.', host.len);
	if (found >= 0 || !dot)
		return found;
	wanted.len -= (size_t)(dot - lower);
	wanted.host = lower + (dot - lower);
	return find_exact(t, &wanted);
}
