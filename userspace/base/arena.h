/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that dies together: allocate freely, free once. */
#ifndef SL_BASE_ARENA_H
#define SL_BASE_ARENA_H

#include <stddef.h>

#include "base/budget.h"
#include "base/str.h"

struct sl_arena_block;

/* The first block is the caller's (may be NULL, 0); more come from the heap, up to `limit` bytes.
 */
struct sl_arena {
	char *pos, *end;
	struct sl_arena_block *blocks;
	size_t heap_bytes, limit;
	struct sl_budget *budget; /* heap blocks are drawn from it; NULL: none */
};

void sl_arena_init(struct sl_arena *a, void *first, size_t size, size_t limit);
void sl_arena_fini(struct sl_arena *a);
/* Aligned to 16; NULL when the limit is reached or memory is out. */
void *sl_arena_alloc(struct sl_arena *a, size_t size);
/* A copy with a NUL after it (not counted in len); ptr is NULL when out of memory. */
struct sl_str sl_arena_copy(struct sl_arena *a, struct sl_str s);

#endif
