// SPDX-License-Identifier: Apache-2.0
// Fuzz target of conditions: any text is compiled or refused with a place inside it, what was
// compiled ends, and it does not hold both as it is and behind '!'.
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "expr/claims.h"
#include "expr/expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool held)
{
	if (!held)
		abort();
}

/* The values are what the input says, too. */
static struct sl_str find(const void *arg, struct sl_str name)
{
	const struct sl_str *input = arg;

	return name.len % 2 ? *input : (struct sl_str){ NULL, 0 };
}

static bool holds(const struct sl_expr *e, const struct sl_str *input)
{
	const struct sl_str groups[] = { SL_S("a"), *input };
	const struct sl_ip client = { { 0 } };
	const struct sl_expr_request r = {
		.method = SL_S("GET"),
		.path = *input,
		.host = *input,
		.client = &client,
		.consumer = { input->len % 3 ? input->ptr : NULL, input->len },
		.groups = groups,
		.groups_nr = 2,
		.token_groups = *input,
		.scopes = *input,
		.claims = *input, /* packed by nobody */
		.arg = input,
		.find_param = find,
		.find_field = find,
	};

	return sl_expr_holds(e, &r);
}

static int compile(struct sl_arena *arena, struct sl_str text, const struct sl_expr **ret)
{
	struct sl_expr_claims claims = { .nr = 0 };
	struct sl_expr_fault fault;
	int compiled = sl_expr_compile(arena, text, &claims, ret, &fault);

	demand(compiled == 0 || compiled == -EINVAL);
	demand(compiled == 0 || (fault.at <= text.len && fault.why[0]));
	demand(claims.nr <= SL_EXPR_CLAIMS_MAX);
	return compiled;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *mem = malloc(size + 4), *copy = malloc(size ? size : 1);
	struct sl_str text = { copy, size }, negated = { mem, size + 3 };
	const struct sl_expr *e, *other;
	struct sl_arena arena;

	demand(mem && copy);
	memcpy(copy, data, size);
	memcpy(mem, "!(", 2);
	memcpy(mem + 2, data, size);
	mem[size + 2] = ')';
	sl_arena_init(&arena, NULL, 0, 1 << 20);
	if (compile(&arena, text, &e) == 0 && compile(&arena, negated, &other) == 0)
		demand(!holds(e, &text) || !holds(other, &text));
	sl_arena_fini(&arena);
	free(copy);
	free(mem);
	return 0;
}
