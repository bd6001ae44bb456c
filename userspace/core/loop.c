// SPDX-License-Identifier: Apache-2.0
// One worker's loop: submit what was asked, wait, run completions, fibers and timers, again.
#include "core/loop.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/mailbox.h"
#include "core/probe.h"
#include "core/sandbox.h"

enum {
	SQ_ENTRIES = 1024,
	CQ_ENTRIES =
		8192, /* a burst on this many sockets before the kernel has to queue completions */
	SMALL_BYTES = 4096,
	SMALL_SLAB = 128,
	SMALL_MAX = 32768,
	LARGE_BYTES = 65536,
	LARGE_SLAB = 8,
	LARGE_MAX = 512,
};

static void on_ignored(struct sl_op *op, int res, uint32_t flags)
{
}

/* Measured: without any task-run flag a proxied request costs half as much again. */
static int setup_ring(struct io_uring *ring, bool is_restricted)
{
	static const unsigned choices[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_COOP_TASKRUN,
		0,
	};
	int ret = -EINVAL;

	for (unsigned i = 0; i < sizeof(choices) / sizeof(choices[0]) && ret == -EINVAL; i++) {
		struct io_uring_params p = {
			.flags = choices[i] | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP |
				 (is_restricted ? IORING_SETUP_R_DISABLED : 0),
			.cq_entries = CQ_ENTRIES,
		};

		ret = io_uring_queue_init_params(SQ_ENTRIES, ring, &p);
	}
	return ret;
}

static void arm_wake(struct sl_loop *loop)
{
	struct io_uring_sqe *sqe;

	while (!(
		sqe = io_uring_get_sqe(&loop->ring))) /* other completions of this turn filled it */
		io_uring_submit(&loop->ring);
	io_uring_prep_read(sqe, loop->wake_fd, &loop->wake_count, sizeof(loop->wake_count), 0);
	io_uring_sqe_set_data(sqe, &loop->wake_op);
}

static void on_wake(struct sl_op *op, int res, uint32_t flags)
{
	struct sl_loop *loop = sl_container_of(op, struct sl_loop, wake_op);

	if (loop->is_stopping)
		return;
	arm_wake(loop);
	sl_mail_open_all(loop);
}

static int init_buffers(struct sl_loop *loop, const char **ret_missing)
{
	int ret;

	ret = sl_bufs_init(&loop->small, &loop->ring, &loop->bufs_budget, 0, SMALL_BYTES,
			   SMALL_SLAB, SMALL_MAX);
	if (ret == -EINVAL)
		*ret_missing = "io_uring provided buffer rings (Linux 5.19)";
	if (ret < 0)
		return ret;
	ret = sl_bufs_init(&loop->large, &loop->ring, &loop->bufs_budget, 1, LARGE_BYTES,
			   LARGE_SLAB, LARGE_MAX);
	if (ret < 0)
		sl_bufs_fini(&loop->small);
	return ret;
}

static int restrict_ring(struct io_uring *ring)
{
	unsigned nr;
	const uint8_t *ops = sl_probe_list(&nr);

	return sl_sandbox_ring(ring, ops, nr);
}

static int probe_receive(struct sl_loop *loop, const char **ret_missing)
{
	int ret = sl_probe_multishot(&loop->ring, &loop->small);

	if (ret == -ENOSYS)
		*ret_missing = "io_uring multishot receive (Linux 6.0)";
	return ret;
}

void sl_loop_set_memory(struct sl_loop *loop, size_t memory_bytes)
{
	loop->budget.limit = loop->bufs_budget.limit = (memory_bytes + 1) / 2;
}

int sl_loop_init(struct sl_loop *loop, const struct sl_loop_conf *conf, const char **ret_missing)
{
	/* Threads for what cannot be done at once: writes to files, and the rest (a connect to a
	 * full unix socket would otherwise take one each). */
	unsigned helpers[2] = { 4, 16 };
	const char *missing;
	int ret;

	*ret_missing = "";
	*loop = (struct sl_loop){ .worker = conf->worker, .now_ns = sl_now_ns() };
	sl_loop_set_memory(loop, conf->memory_bytes);
	loop->wake_op.done = on_wake;
	loop->ignore_op.done = on_ignored;
	sl_list_init(&loop->starved);
	sl_wheel_init(&loop->wheel, loop->now_ns);
	sl_fibers_init(&loop->fibers, &loop->budget);
	ret = setup_ring(&loop->ring, conf->is_restricted);
	if (ret < 0)
		return ret;
	missing = sl_probe_ops(&loop->ring);
	if (missing) {
		*ret_missing = missing;
		ret = -ENOSYS;
		goto err_ring;
	}
	io_uring_register_iowq_max_workers(&loop->ring, helpers); /* fine without, too */
	io_uring_register_ring_fd(
		&loop->ring); /* saves a descriptor look-up a turn; fine without */
	ret = init_buffers(loop, ret_missing);
	if (ret < 0)
		goto err_ring;
	if (conf->is_restricted)
		loop->restrict_error = restrict_ring(&loop->ring);
	ret = probe_receive(loop, ret_missing);
	if (ret < 0)
		goto err_buffers;
	loop->wake_fd = eventfd(0, EFD_CLOEXEC);
	if (loop->wake_fd < 0) {
		ret = -errno;
		goto err_buffers;
	}
	arm_wake(loop);
	return 0;

err_buffers:
	io_uring_queue_exit(&loop->ring); /* first: until then the kernel may write into them */
	sl_bufs_fini(&loop->small);
	sl_bufs_fini(&loop->large);
	return ret;

err_ring:
	io_uring_queue_exit(&loop->ring);
	return ret;
}

void sl_loop_fini(struct sl_loop *loop)
{
	io_uring_queue_exit(&loop->ring);
	sl_bufs_fini(&loop->small);
	sl_bufs_fini(&loop->large);
	sl_fibers_fini(&loop->fibers);
	sl_pipes_fini(&loop->pipes);
	close(loop->wake_fd);
}

void sl_loop_stop(struct sl_loop *loop)
{
	loop->is_stopping = true;
}

void sl_loop_kick(struct sl_loop *loop)
{
	uint64_t one = 1;

	/* EAGAIN would mean 2^64-1 kicks are waiting: then it is awake anyway. */
	if (write(loop->wake_fd, &one, sizeof(one)) < 0)
		return;
}

static int submit_and_wait(struct sl_loop *loop)
{
	uint64_t next = loop->wheel.next_ns;
	struct io_uring_cqe *cqe;
	struct __kernel_timespec ts;
	uint64_t wait;

	/* With work left we only look.  A wait of no time would be one all the same: the kernel
	 * sets a timer for it and sleeps (measured: 75 us, where looking takes 0.2). */
	if (!sl_list_is_empty(&loop->fibers.ready) || next <= loop->now_ns)
		return io_uring_submit_and_get_events(&loop->ring);
	if (next == SL_NEVER)
		return io_uring_submit_and_wait(&loop->ring, 1);
	wait = next - loop->now_ns;
	ts.tv_sec = (int64_t)(wait / SL_SEC);
	ts.tv_nsec = (int64_t)(wait % SL_SEC);
	return io_uring_submit_and_wait_timeout(&loop->ring, &cqe, 1, &ts, NULL);
}

static void run_completions(struct sl_loop *loop)
{
	struct io_uring_cqe *cqe;
	unsigned head, n = 0;

	io_uring_for_each_cqe(&loop->ring, head, cqe)
	{
		struct sl_op *op = io_uring_cqe_get_data(cqe);

		op->done(op, cqe->res, cqe->flags);
		n++;
	}
	io_uring_cq_advance(&loop->ring, n);
	loop->batch = n;
}

void sl_loop_starve(struct sl_loop *loop, struct sl_starved *s)
{
	sl_list_push_back(&loop->starved, &s->node);
}

/* As many as there are buffers for: the others would only come back. */
static void feed_starved(struct sl_loop *loop)
{
	unsigned free_nr = (unsigned)(loop->small.nr - loop->small.out);
	struct sl_list *node;

	while (free_nr-- > 0 && (node = sl_list_pop_front(&loop->starved))) {
		struct sl_starved *s = sl_container_of(node, struct sl_starved, node);

		s->retry(s);
	}
}

void sl_loop_run(struct sl_loop *loop)
{
	while (!loop->is_stopping) {
		int ret = submit_and_wait(loop);

		if (ret < 0 && ret != -ETIME && ret != -EINTR && ret != -EBUSY && ret != -EAGAIN) {
			sl_log_error("loop.failed", "worker=%u error=%d", loop->worker, ret);
			abort(); /* the ring is unusable: a supervisor's restart is the way out */
		}
		loop->now_ns = sl_now_ns();
		loop->turns++;
		run_completions(loop);
		sl_wheel_run(&loop->wheel, loop->now_ns);
		sl_fibers_run(&loop->fibers);
		if (!sl_list_is_empty(&loop->starved))
			feed_starved(loop);
		if (loop->on_turn)
			loop->on_turn(loop);
	}
}
