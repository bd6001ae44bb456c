// SPDX-License-Identifier: Apache-2.0
// The arena: alignment, the caller's block first, the limit, and memory that is apart.
#include "base/arena.h"

#include <stdint.h>

#include "tap.h"

static bool is_aligned(const void *p)
{
	return ((uintptr_t)p & 15) == 0;
}

static void check_first_block(void)
{
	_Alignas(16) char first[64];
	struct sl_arena a;
	char *p;

	sl_arena_init(&a, first, sizeof(first), 0);
	p = sl_arena_alloc(&a, 1);
	ok(p == first, "the caller's block is used first");
	p = sl_arena_alloc(&a, 48);
	ok(p == first + 16, "the next allocation is aligned, and fills the block");
	ok(!sl_arena_alloc(&a, 1), "a limit of 0 means no heap at all");
	ok(sl_arena_alloc(&a, 0) != NULL, "nothing is always to be had");
	sl_arena_fini(&a);

	sl_arena_init(&a, first + 1, sizeof(first) - 1, 0);
	ok(sl_arena_alloc(&a, 48) == first + 16, "a crooked block loses its start");
	ok(!sl_arena_alloc(&a, 1), "... and holds no more than it has");
	sl_arena_fini(&a);

	sl_arena_init(&a, first + 1, 3, 0);
	ok(!sl_arena_alloc(&a, 1), "a block too small to be aligned holds nothing");
	sl_arena_fini(&a);
}

static void check_heap(void)
{
	struct sl_arena a;
	char *p[100];
	bool apart = true, aligned = true;

	sl_arena_init(&a, NULL, 0, SIZE_MAX);
	for (int i = 0; i < 100; i++) {
		p[i] = sl_arena_alloc(&a, (size_t)i * 7 + 1);
		if (!p[i])
			break;
		aligned = aligned && is_aligned(p[i]);
		memset(p[i], i, (size_t)i * 7 + 1);
	}
	for (int i = 0; i < 100; i++)
		for (int j = 0; j < i * 7 + 1; j++)
			apart = apart && p[i][j] == i;
	ok(aligned, "every allocation is aligned to 16");
	ok(apart, "none overlaps another");
	p[0] = sl_arena_alloc(&a, 1 << 20);
	ok(p[0] && is_aligned(p[0]), "one larger than a block");
	ok(a.heap_bytes >= 1 << 20, "the heap's bytes are counted");
	ok(!sl_arena_alloc(&a, SIZE_MAX), "a size that overflows is refused");
	ok(!sl_arena_alloc(&a, SIZE_MAX / 2 + 1), "and so is half of it");
	sl_arena_fini(&a);
	is_int((int64_t)a.heap_bytes, 0, "fini leaves nothing");
	sl_arena_fini(&a);
}

static void check_limit(void)
{
	struct sl_arena a;

	sl_arena_init(&a, NULL, 0, 8192);
	ok(sl_arena_alloc(&a, 4096) != NULL, "half of the limit");
	ok(!sl_arena_alloc(&a, 4097), "one byte too many");
	ok(sl_arena_alloc(&a, 4096) != NULL, "the other half, after a refusal");
	ok(!sl_arena_alloc(&a, 1), "then nothing");
	sl_arena_fini(&a);
}

static void check_copy(void)
{
	char text[] = "text";
	struct sl_arena a;
	struct sl_str s;

	sl_arena_init(&a, NULL, 0, 4096);
	s = sl_arena_copy(&a, sl_str_of(text));
	text[0] = 'T';
	is_str(s, "text", "a copy is its own");
	is_int(s.ptr[s.len], '\0', "with a NUL behind it");
	s = sl_arena_copy(&a, (struct sl_str){ NULL, 0 });
	ok(s.ptr && !s.len && !s.ptr[0], "the copy of nothing is an empty string");
	s = sl_arena_copy(&a, (struct sl_str){ text, 1 << 20 });
	ok(!s.ptr && !s.len, "a copy beyond the limit is none, and reads nothing");
	sl_arena_fini(&a);
}

int main(void)
{
	check_first_block();
	check_heap();
	check_limit();
	check_copy();
	return done_testing();
}
