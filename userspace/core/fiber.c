// SPDX-License-Identifier: Apache-2.0
// Fibers over Boost.Context's two assembly routines; stacks are mapped with a guard page and reused
// hot.
#include "core/fiber.h"

#include <assert.h>
#include <errno.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "core/loop.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

/* Sanitized frames are several times larger. */
#ifdef WITH_ASAN
enum { STACK_BYTES = 512 * 1024, GUARD_BYTES = 4096, FREE_STACKS_MAX = 64 };
#else
enum { STACK_BYTES = 64 * 1024, GUARD_BYTES = 4096, FREE_STACKS_MAX = 256 };
#endif

/* What a stack usually touches of its pages: that much is drawn from the budget. */
enum { STACK_CHARGE = 24 * 1024 };

/* Boost.Context's C face (boost/context/detail/fcontext.hpp). */
struct transfer {
	void *context;
	void *data;
};
extern struct transfer jump_fcontext(void *to, void *data);
extern void *make_fcontext(void *stack_top, size_t size, void (*fn)(struct transfer));

/* Lives at the top of its own stack. */
struct sl_fiber {
	struct sl_list node; /* in fibers.ready, or alone */
	struct sl_loop *loop;
	struct sl_timer timer;
	void *context;
	sl_fiber_fn *fn;
	void *arg;
	void *asan_fake_stack;
	bool is_done, is_cancelled;
};

static char *stack_of(struct sl_fiber *f)
{
	return (char *)(f + 1) - STACK_BYTES;
}

/* Tell the sanitizer which stack we are on: otherwise it takes every switch for an overflow. */
static void before_switch(void **save, const void *bottom, size_t size)
{
#ifdef WITH_ASAN
	__sanitizer_start_switch_fiber(save, bottom, size);
#else
	(void)save, (void)bottom, (void)size;
#endif
}

static void after_switch(void *saved, const void **bottom, size_t *size)
{
#ifdef WITH_ASAN
	__sanitizer_finish_switch_fiber(saved, bottom, size);
#else
	(void)saved, (void)bottom, (void)size;
#endif
}

void sl_fibers_init(struct sl_fibers *fs, struct sl_budget *budget)
{
	*fs = (struct sl_fibers){ .budget = budget };
	sl_list_init(&fs->ready);
	sl_list_init(&fs->free_stacks);
}

static void unmap_stack(struct sl_fiber *f)
{
	munmap(stack_of(f) - GUARD_BYTES, STACK_BYTES + GUARD_BYTES);
}

void sl_fibers_fini(struct sl_fibers *fs)
{
	struct sl_list *node;

	assert(fs->live_nr == 0);
	while ((node = sl_list_pop_front(&fs->free_stacks)))
		unmap_stack(sl_container_of(node, struct sl_fiber, node));
}

static struct sl_fiber *map_stack(void)
{
	size_t size = STACK_BYTES + GUARD_BYTES;
	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);

	if (map == MAP_FAILED)
		return NULL;
	if (mprotect(map, GUARD_BYTES, PROT_NONE) < 0) {
		munmap(map, size);
		return NULL;
	}
	return (struct sl_fiber *)(void *)(map + size) - 1;
}

static struct sl_fiber *take_stack(struct sl_fibers *fs)
{
	struct sl_list *node = sl_list_pop_front(&fs->free_stacks);

	if (!node)
		return map_stack();
	fs->free_nr--;
	return sl_container_of(node, struct sl_fiber, node);
}

static void give_stack(struct sl_fibers *fs, struct sl_fiber *f)
{
#ifdef WITH_ASAN
	/* Frames that never returned leave their poison behind. */
	__asan_unpoison_memory_region(stack_of(f), STACK_BYTES - sizeof(*f));
#endif
	if (fs->free_nr >= FREE_STACKS_MAX) {
		unmap_stack(f);
		return;
	}
	fs->free_nr++;
	sl_list_push_front(&fs->free_stacks, &f->node);
}

static void on_deadline(struct sl_timer *t)
{
	struct sl_fiber *f = sl_container_of(t, struct sl_fiber, timer);

	sl_fiber_wake(f->loop, f);
}

static void switch_to_loop(struct sl_fiber *f)
{
	struct sl_fibers *fs = &f->loop->fibers;
	struct transfer t;

	/* A NULL save tells the sanitizer that this stack will not come back. */
	before_switch(f->is_done ? NULL : &f->asan_fake_stack, fs->asan_bottom, fs->asan_size);
	t = jump_fcontext(fs->scheduler, NULL);
	after_switch(f->asan_fake_stack, &fs->asan_bottom, &fs->asan_size);
	fs->scheduler = t.context;
}

static void fiber_main(struct transfer t)
{
	struct sl_fiber *f = t.data;
	struct sl_fibers *fs = &f->loop->fibers;

	after_switch(NULL, &fs->asan_bottom, &fs->asan_size);
	fs->scheduler = t.context;
	f->fn(f->arg);
	f->is_done = true;
	switch_to_loop(f);
	assert(!"a finished fiber was resumed");
}

int sl_fiber_spawn(struct sl_loop *loop, sl_fiber_fn *fn, void *arg, struct sl_fiber **ret_fiber)
{
	struct sl_fibers *fs = &loop->fibers;
	struct sl_fiber *f;

	if (!sl_budget_take(fs->budget, STACK_CHARGE))
		return -EAGAIN;
	f = take_stack(fs);
	if (!f) {
		sl_budget_give(fs->budget, STACK_CHARGE);
		return -ENOMEM;
	}
	fs->live_nr++;
	f->loop = loop;
	f->fn = fn;
	f->arg = arg;
	f->is_done = f->is_cancelled = false;
	f->asan_fake_stack = NULL;
	sl_timer_init(&f->timer, on_deadline);
	f->context = make_fcontext(f, STACK_BYTES - sizeof(*f), fiber_main);
	sl_list_init(&f->node);
	sl_list_push_back(&fs->ready, &f->node);
	if (ret_fiber)
		*ret_fiber = f;
	return 0;
}

static void resume(struct sl_fibers *fs, struct sl_fiber *f)
{
	struct transfer t;

	fs->current = f;
	before_switch(&fs->asan_fake_stack, stack_of(f), STACK_BYTES - sizeof(*f));
	t = jump_fcontext(f->context, f);
	after_switch(fs->asan_fake_stack, NULL, NULL);
	fs->current = NULL;
	f->context = t.context;
	if (!f->is_done)
		return;
	sl_timer_stop(&f->timer);
	sl_list_del(&f->node); /* it may have been woken while it ran to its end */
	fs->live_nr--;
	sl_budget_give(fs->budget, STACK_CHARGE);
	give_stack(fs, f);
}

void sl_fibers_run(struct sl_fibers *fs)
{
	struct sl_list batch, *node;

	/* Those that become ready meanwhile wait for the next turn: one that yields must not come
	 * first again. */
	sl_list_take(&batch, &fs->ready);
	while ((node = sl_list_pop_front(&batch)))
		resume(fs, sl_container_of(node, struct sl_fiber, node));
}

void sl_fiber_yield(struct sl_loop *loop)
{
	struct sl_fiber *f = loop->fibers.current;

	sl_fiber_wake(loop, f);
	switch_to_loop(f);
}

void sl_fiber_park(struct sl_loop *loop, uint64_t deadline_ns)
{
	struct sl_fiber *f = loop->fibers.current;

	assert(f);
	sl_timer_set(&loop->wheel, &f->timer, deadline_ns);
	switch_to_loop(f);
}

void sl_fiber_wake(struct sl_loop *loop, struct sl_fiber *f)
{
	if (f && sl_list_is_alone(&f->node))
		sl_list_push_back(&loop->fibers.ready, &f->node);
}

void sl_fiber_cancel(struct sl_loop *loop, struct sl_fiber *f)
{
	if (!f)
		return;
	f->is_cancelled = true;
	sl_fiber_wake(loop, f);
}

bool sl_fiber_is_cancelled(const struct sl_fiber *f)
{
	return f->is_cancelled;
}

struct sl_fiber *sl_fiber_self(struct sl_loop *loop)
{
	return loop->fibers.current;
}
