// SPDX-License-Identifier: Apache-2.0
// Which target is which in the next configuration.
#include "upstream/pool.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

enum { TARGETS_MAX = 8 };

struct shape {
	const char *name;
	const char *targets; /* a letter each: its name and its address */
	enum sl_proxy_version proxy;
};

static struct sl_target_conf mem[2][4][TARGETS_MAX];
static struct sl_upstream_conf confs[2][4];
static char names[256][2];

static unsigned make(unsigned side, const struct shape *shapes)
{
	unsigned nr = 0;

	for (; shapes[nr].name; nr++) {
		struct sl_upstream_conf *u = &confs[side][nr];
		const char *t = shapes[nr].targets;

		*u = (struct sl_upstream_conf){ .name = shapes[nr].name,
						.send_proxy = shapes[nr].proxy,
						.targets = mem[side][nr] };
		for (; t[u->targets_nr]; u->targets_nr++) {
			unsigned char c = (unsigned char)t[u->targets_nr];
			struct sl_target_conf *target = &u->targets[u->targets_nr];

			names[c][0] = (char)c;
			*target = (struct sl_target_conf){ .name = names[c] };
			target->address.in.sin_port = c;
			target->address.len = sizeof(target->address.in);
		}
	}
	return nr;
}

/* The map as text: a digit a target, a slash, a digit an upstream; "-" for none. */
static struct sl_str map(const struct shape *from, const struct shape *to)
{
	static char text[4 * TARGETS_MAX + 4 + 2];
	uint32_t numbers[4 * TARGETS_MAX + 4];
	unsigned from_nr = make(0, from), to_nr = make(1, to);
	size_t nr = sl_pool_count_targets(confs[1], to_nr);

	if (sl_pool_map(confs[0], from_nr, confs[1], to_nr, numbers, numbers + nr) < 0)
		abort();
	for (size_t i = 0; i < nr + to_nr; i++)
		text[i + (i >= nr)] = numbers[i] == SL_NO_TARGET ? '-' : (char)('0' + numbers[i]);
	text[nr] = '/';
	text[nr + to_nr + 1] = '\0';
	return sl_str_of(text);
}

#define SHAPES(...) ((const struct shape[]){ __VA_ARGS__, { NULL, NULL, 0 } })

static void maps(void)
{
	const struct shape *two = SHAPES({ "u", "abc", 0 }, { "v", "ad", 0 });

	is_str(map(two, two), "01234/01", "nothing has changed");
	is_str(map(two, SHAPES({ "v", "ad", 0 }, { "u", "abc", 0 })), "34012/10", "another order");
	is_str(map(two, SHAPES({ "u", "cab", 0 })), "201/0", "targets in another order");
	is_str(map(two, SHAPES({ "u", "axc", 0 })), "0-2/0", "one is replaced");
	is_str(map(two, SHAPES({ "u", "xabc", 0 })), "-012/0", "one comes first");
	is_str(map(two, SHAPES({ "w", "abc", 0 })), "---/-", "another name is another upstream");
	is_str(map(two, SHAPES({ "v", "dab", 0 })), "43-/1", "each upstream has its own targets");
	is_str(map(two, SHAPES({ "u", "abc", SL_PROXY_V2 })), "---/0",
	       "connections that begin otherwise are of no use");
	is_str(map(SHAPES({ "u", "a", 0 }), two), "0----/0-", "from few to many");
	is_str(map(SHAPES({ NULL, NULL, 0 }), two), "-----/--", "from none");
}

int main(void)
{
	maps();
	return done_testing();
}
