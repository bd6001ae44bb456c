// SPDX-License-Identifier: Apache-2.0
// Fuzzes what the access log hides: a second look finds nothing new, and no secret is left.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "observe/redact.h"

#define must(fact)                                                                                 \
	do {                                                                                       \
		if (!(fact))                                                                       \
			abort();                                                                   \
	} while (0)

enum { WORD = sizeof("REDACTED") - 1 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sl_str names[] = { SL_STR("token"), SL_STR("k"), SL_STR("Api_Key") };

static struct sl_str redact(const struct sl_redact *r, struct sl_str query, char *mem, size_t room)
{
	struct sl_out o;

	sl_out_init(&o, mem, room);
	sl_redact_print(r, &o, query, sl_out_str);
	must(!o.overflow);
	return sl_out_done(&o);
}

/* Read as plainly as can be: a name between '&' and '='. */
static void check_plain(struct sl_str shown)
{
	static const char plain[] = "token=";

	for (size_t i = 0; shown.len - i >= sizeof(plain) - 1 && i < shown.len; i++) {
		const char *value = shown.ptr + i + sizeof(plain) - 1;

		if ((i && shown.ptr[i - 1] != '&') ||
		    memcmp(shown.ptr + i, plain, sizeof(plain) - 1))
			continue;
		must((size_t)(shown.ptr + shown.len - value) >= WORD &&
		     memcmp(value, "REDACTED", WORD) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_redact r = { .names = names, .names_nr = sizeof(names) / sizeof(*names) };
	size_t room = size * (WORD + 1) + 1;
	char *query = malloc(size ? size : 1), *once = malloc(room), *twice = malloc(room);
	struct sl_str first, second;

	must(query && once && twice);
	if (size)
		memcpy(query, data, size);
	sl_redact_index(&r);
	first = redact(&r, (struct sl_str){ query, size }, once, room);
	second = redact(&r, first, twice, room);
	must(sl_str_eq(first, second));
	check_plain(first);
	free(query);
	free(once);
	free(twice);
	return 0;
}
