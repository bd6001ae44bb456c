// SPDX-License-Identifier: Apache-2.0
// Memory that dies together: a bump pointer over the caller's block, then over heap blocks.
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>

enum { BLOCK_MIN = 4096, ALIGN = 16 };

struct sl_arena_block {
	struct sl_arena_block *next;
	_Alignas(ALIGN) char data[];
};

static char *align_up(char *p)
{
	return p + (-(uintptr_t)p & (ALIGN - 1));
}

void sl_arena_init(struct sl_arena *a, void *first, size_t size, size_t limit)
{
	*a = (struct sl_arena){ .pos = first,
				.end = first ? (char *)first + size : NULL,
				.limit = limit };
}

void sl_arena_fini(struct sl_arena *a)
{
	struct sl_arena_block *b = a->blocks, *next;

	for (; b; b = next) {
		next = b->next;
		free(b);
	}
	sl_budget_give(a->budget, a->heap_bytes);
	*a = (struct sl_arena){ 0 };
}

static int add_block(struct sl_arena *a, size_t size)
{
	size_t want = size > BLOCK_MIN ? size : BLOCK_MIN;
	struct sl_arena_block *b;

	if (want > a->limit || a->heap_bytes > a->limit - want)
		return -1;
	if (!sl_budget_take(a->budget, want))
		return -1;
	b = malloc(sizeof(*b) + want);
	if (!b) {
		sl_budget_give(a->budget, want);
		return -1;
	}
	b->next = a->blocks;
	a->blocks = b;
	a->heap_bytes += want;
	a->pos = b->data;
	a->end = b->data + want;
	return 0;
}

void *sl_arena_alloc(struct sl_arena *a, size_t size)
{
	char *p;

	if (size > SIZE_MAX / 2)
		return NULL;
	p = a->pos ? align_up(a->pos) : NULL;
	if (!p || p > a->end || size > (size_t)(a->end - p)) {
		if (add_block(a, size) < 0)
			return NULL;
		p = a->pos;
	}
	a->pos = p + size;
	return p;
}

struct sl_str sl_arena_copy(struct sl_arena *a, struct sl_str s)
{
	char *p = sl_arena_alloc(a, s.len + 1);

	if (!p)
		return (struct sl_str){ NULL, 0 };
	if (s.len)
		memcpy(p, s.ptr, s.len);
	p[s.len] = '\0';
	return (struct sl_str){ p, s.len };
}
