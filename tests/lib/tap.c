// SPDX-License-Identifier: Apache-2.0
// TAP output and guarded memory for unit tests.
#include "tap.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static int tests_run, tests_failed;

static bool result(bool held, const char *name, va_list ap)
{
	tests_run++;
	tests_failed += !held;
	printf("%sok %d - ", held ? "" : "not ", tests_run);
	vprintf(name, ap);
	putchar('\n');
	return held;
}

bool ok(bool held, const char *name, ...)
{
	va_list ap;

	va_start(ap, name);
	result(held, name, ap);
	va_end(ap);
	return held;
}

bool is_int(int64_t got, int64_t want, const char *name, ...)
{
	va_list ap;

	va_start(ap, name);
	result(got == want, name, ap);
	va_end(ap);
	if (got != want)
		printf("# got %" PRId64 ", want %" PRId64 "\n", got, want);
	return got == want;
}

bool is_str(struct sl_str got, const char *want, const char *name, ...)
{
	bool held = sl_str_eq(got, sl_str_of(want));
	va_list ap;

	va_start(ap, name);
	result(held, name, ap);
	va_end(ap);
	if (!held)
		printf("# got \"%.*s\", want \"%s\"\n", SL_STR_ARG(got), want);
	return held;
}

int done_testing(void)
{
	printf("1..%d\n", tests_run);
	return tests_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

const char *guarded(const void *mem, size_t len)
{
	static char *map;
	static size_t map_len;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t body = (len + page - 1) / page * page;
	char *end;

	if (map)
		munmap(map, map_len);
	map_len = body + page;
	map = mmap(NULL, map_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		abort();
	end = map + body;
	if (mprotect(end, page, PROT_NONE) < 0)
		abort();
	if (len)
		memcpy(end - len, mem, len);
	return end - len;
}
