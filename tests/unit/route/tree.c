// SPDX-License-Identifier: Apache-2.0
// Building routes when memory runs out: every allocation fails once, and nothing is left behind.
#include <stdlib.h>

static unsigned allocations_left;

static void *scarce_malloc(size_t size)
{
	if (!allocations_left)
		return NULL;
	allocations_left--;
	return malloc(size);
}

static void *scarce_calloc(size_t nr, size_t size)
{
	if (!allocations_left)
		return NULL;
	allocations_left--;
	return calloc(nr, size);
}

/* The code under test is compiled into this program, with an allocator that we command. */
#define malloc scarce_malloc
#define calloc scarce_calloc
#include "base/arena.c"
#include "route/conditions.c"
#include "route/leaf.c"
#include "route/pattern.c"
#include "route/regex.c"
#include "route/table.c"
#include "route/tree.c"
#undef malloc
#undef calloc

#include <stdio.h>

#include "tap.h"

enum { ROUTES = 600 };

static char paths[ROUTES][64];
static struct sl_str hosts[ROUTES];
static struct sl_route routes[ROUTES];

static struct sl_condition conditions[] = {
	{ .name = SL_STR("a"), .kind = SL_CONDITION_EXACT, .value = SL_STR("1") },
	{ .name = SL_STR("b"), .kind = SL_CONDITION_REGEX, .value = SL_STR("[a-z]+") },
};

static void make_routes(void)
{
	static const char *const shapes[] = { "/a/%u/*", "/a/{x}/%u", "/%u", "/b/{x}/{y}/%u/*" };

	for (unsigned i = 0; i < ROUTES; i++) {
		const char *shape = shapes[i % 4];
		const char *number = strchr(shape, '%');

		snprintf(paths[i], sizeof(paths[i]), "%.*s%u%s", (int)(number - shape), shape, i,
			 number + 2);
		hosts[i] = i % 3 ? SL_S("*.example.com") : SL_S("www.example.com");
		routes[i] = (struct sl_route){ .name = "r", .path = sl_str_of(paths[i]) };
		routes[i].hosts = &hosts[i];
		routes[i].hosts_nr = i % 5 != 0;
		routes[i].headers = &conditions[i % 2];
		routes[i].headers_nr = i % 7 == 0;
		if (i % 11 == 0)
			routes[i].path_regex = routes[i].path;
	}
}

int main(void)
{
	struct sl_route_table *table = NULL;
	unsigned a, b, n = 0;
	const char *why;
	int ret;

	make_routes();
	for (;;) {
		allocations_left = n;
		ret = sl_route_table_new(&table, routes, ROUTES, &a, &b, &why);
		if (ret != -ENOMEM || table)
			break;
		n++;
	}
	is_int(ret, 0, "%d routes are built with %u allocations", ROUTES, n);
	ok(n > 10, "each one less was -ENOMEM and left no table");
	sl_route_table_free(table);
	return done_testing();
}
