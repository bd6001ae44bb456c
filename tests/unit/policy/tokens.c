// SPDX-License-Identifier: Apache-2.0
// Tokens are remembered: each, and no other, by its policy, and for as long as it is good.
#include "policy/tokens.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/jwt.h"
#include "tap.h"

static struct sl_tokens *t;
static const struct sl_consumer acme = { .name = "acme" };

static struct sl_str token_of(unsigned i)
{
	static char mem[32];

	return (struct sl_str){ mem, (size_t)snprintf(mem, sizeof(mem), "e.%u.s", i) };
}

static bool knows(uint64_t policy, struct sl_str token, uint64_t wall_s)
{
	struct sl_token_facts facts;

	return sl_tokens_find(t, policy, token, wall_s, &facts);
}

static void one(void)
{
	struct sl_token_facts facts = { .consumer = &acme,
					.scopes = SL_STR("read write"),
					.groups = SL_STR("ops"),
					.until_s = 2000 },
			      got;

	ok(!knows(1, SL_S("a.b.c"), 1900), "nothing is known at first");
	sl_tokens_add(t, 1, SL_S("a.b.c"), 1900, &facts);
	ok(sl_tokens_find(t, 1, SL_S("a.b.c"), 1900, &got), "then it is");
	ok(got.consumer == &acme && got.until_s == 2000, "its consumer, and until when");
	is_str(got.scopes, "read write", "its scopes");
	is_str(got.groups, "ops", "its groups");
	ok(!knows(2, SL_S("a.b.c"), 1900), "not to another policy");
	ok(!knows(1, SL_S("a.b.d"), 1900) && !knows(1, SL_S("a.b."), 1900) &&
		   !knows(1, SL_S("a.b.cc"), 1900) && !knows(1, SL_S(""), 1900),
	   "no other token is");
	ok(knows(1, SL_S("a.b.c"), 1999) && !knows(1, SL_S("a.b.c"), 2000), "until it is over");
	facts.until_s = UINT64_MAX;
	sl_tokens_add(t, 1, SL_S("a.b.c"), 1900, &facts);
	ok(knows(1, SL_S("a.b.c"), 1900 + SL_TOKENS_MAX_S - 1) &&
		   !knows(1, SL_S("a.b.c"), 1900 + SL_TOKENS_MAX_S),
	   "and never longer than five minutes");
}

static void sizes(void)
{
	static const size_t known[] = { 1, 1400, 1480, 1481, 1482, 1536, 4096, 16000, 16384 - 88 };
	static char mem[SL_JWT_BYTES_MAX];
	struct sl_token_facts facts = { .scopes = { "", 0 }, .groups = { "", 0 }, .until_s = 2000 };

	memset(mem, 'A', sizeof(mem));
	for (unsigned i = 0; i < sizeof(known) / sizeof(*known); i++) {
		struct sl_str token = { mem, known[i] };

		sl_tokens_add(t, 3, token, 1900, &facts);
		ok(knows(3, token, 1900), "one of %zu bytes", known[i]);
	}
	sl_tokens_add(t, 3, (struct sl_str){ mem, sizeof(mem) }, 1900, &facts);
	ok(!knows(3, (struct sl_str){ mem, sizeof(mem) }, 1900), "one that does not fit is not");
	facts.scopes = (struct sl_str){ mem, 1400 };
	sl_tokens_add(t, 4, (struct sl_str){ mem, 1400 }, 1900, &facts);
	ok(knows(4, (struct sl_str){ mem, 1400 }, 1900), "one whose scopes make it long is");
}

static unsigned count(uint64_t policy, unsigned nr, uint64_t wall_s)
{
	unsigned found = 0;

	for (unsigned i = 0; i < nr; i++)
		found += knows(policy, token_of(i), wall_s);
	return found;
}

static void many(void)
{
	struct sl_token_facts facts = { .scopes = { "", 0 }, .groups = { "", 0 }, .until_s = 2000 };
	unsigned found;

	for (unsigned i = 0; i < 2000; i++)
		sl_tokens_add(t, 5, token_of(i), 1900, &facts);
	found = count(5, 2000, 1900);
	ok(found > 1900, "of 2,000 nearly all are known: %u", found);
	for (unsigned i = 0; i < 100000; i++)
		sl_tokens_add(t, 6, token_of(i), 1900, &facts);
	found = count(6, 100000, 1900);
	ok(found <= SL_TOKENS_SMALL && found > SL_TOKENS_SMALL / 2,
	   "of 100,000 no more than fit: %u", found);
	facts.until_s = 3000;
	for (unsigned i = 0; i < 2000; i++)
		sl_tokens_add(t, 7, token_of(i), 2100, &facts);
	found = count(7, 2000, 2100);
	ok(found > 1900, "those that are over make room: %u", found);
}

int main(void)
{
	t = sl_tokens_new();
	if (!t)
		return EXIT_FAILURE;
	one();
	sizes();
	many();
	sl_tokens_free(t);
	sl_tokens_free(NULL);
	return done_testing();
}
