// SPDX-License-Identifier: Apache-2.0
// Bounds of an upstream, and requests that wait.
#include "upstream/queue.h"

#include <errno.h>

#include "base/clock.h"

/* Whoever is first looks so often: a target that became healthy calls nobody. */
enum { LOOK_MS = 100 };

/* On the stack of the fiber that waits. */
struct waiter {
	struct sl_list node;
	struct sl_fiber *fiber;
	bool is_called;
};

bool sl_upstream_enter(struct sl_upstream *u)
{
	_Atomic uint32_t *requests = &u->shared->requests;
	uint32_t nr = atomic_load_explicit(requests, memory_order_relaxed);

	if (!u->conf->max_requests)
		return true;
	do {
		if (nr >= u->conf->max_requests)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(requests, &nr, nr + 1, memory_order_relaxed,
							memory_order_relaxed));
	return true;
}

void sl_upstream_leave(struct sl_upstream *u)
{
	if (u->conf->max_requests)
		atomic_fetch_sub_explicit(&u->shared->requests, 1, memory_order_relaxed);
}

/* The first who waits in a part from node on. */
static struct waiter *first_from(const struct sl_queue_line *line, const struct sl_list *node)
{
	for (; node != &line->parts; node = node->next) {
		struct sl_upstream *u = sl_container_of(node, struct sl_upstream, part_node);

		if (!sl_list_is_empty(&u->waiting))
			return sl_container_of(u->waiting.next, struct waiter, node);
	}
	return NULL;
}

static void call(struct sl_upstream *u, struct waiter *w)
{
	if (!w)
		return;
	sl_list_del(&w->node);
	w->is_called = true;
	u->line->called_nr++;
	sl_fiber_wake(u->pool->loop, w->fiber);
}

void sl_queue_call(struct sl_upstream *u)
{
	call(u, first_from(u->line, u->line->parts.next));
}

/* -EAGAIN: nothing has happened. */
static int look(const struct sl_upstream *u, const struct waiter *w, const struct sl_conn *watch,
		uint64_t deadline_ns, uint64_t look_ns)
{
	uint64_t now_ns = u->pool->loop->now_ns;

	if (sl_fiber_is_cancelled(w->fiber))
		return -ECANCELED;
	if (watch && watch->rx_error)
		return -ECONNABORTED;
	if (w->is_called || (now_ns >= look_ns && u->waiting.next == &w->node))
		return 0;
	return now_ns >= deadline_ns ? -EBUSY : -EAGAIN;
}

static void join(struct sl_upstream *u, struct waiter *w, bool is_again)
{
	if (sl_list_is_alone(&u->part_node))
		sl_list_push_back(&u->line->parts, &u->part_node);
	if (is_again)
		sl_list_push_front(&u->waiting, &w->node);
	else
		sl_list_push_back(&u->waiting, &w->node);
	u->waiting_nr++;
	u->line->nr++;
}

static void leave(struct sl_upstream *u, struct waiter *w)
{
	sl_list_del(&w->node);
	u->waiting_nr--;
	u->line->nr--;
	if (w->is_called)
		u->line->called_nr--;
}

int sl_queue_wait(struct sl_upstream *u, const struct sl_conn *watch, bool is_again,
		  uint64_t deadline_ns)
{
	struct sl_loop *loop = u->pool->loop;
	struct waiter w = { .fiber = sl_fiber_self(loop) };
	uint64_t look_ns = loop->now_ns + LOOK_MS * SL_MS;
	int ret;

	if (!is_again && u->line->nr >= u->waiting_max)
		return -EBUSY;
	join(u, &w, is_again);
	/* What is of no use here may be for the next part: other targets, or another bound. */
	if (is_again)
		call(u, first_from(u->line, u->part_node.next));
	while ((ret = look(u, &w, watch, deadline_ns, look_ns)) == -EAGAIN) {
		if (loop->now_ns >= look_ns)
			look_ns = loop->now_ns + LOOK_MS * SL_MS;
		sl_fiber_park(loop, look_ns < deadline_ns ? look_ns : deadline_ns);
	}
	leave(u, &w);
	if (ret < 0 && w.is_called) /* what it was called for is for the next one */
		sl_queue_call(u);
	return ret;
}

bool sl_queue_is_my_turn(struct sl_upstream *u)
{
	if (u->line->called_nr)
		sl_fiber_yield(u->pool->loop);
	return !u->waiting_nr;
}
