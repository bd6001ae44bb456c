// SPDX-License-Identifier: Apache-2.0
// The ring's narrow face: each operation that the gateway asks of the kernel, and how a fiber waits
// for one.
#include <assert.h>
#include <errno.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "core/loop.h"

/* A full queue is handed in at once: 1024 operations in one turn is a burst, not a fault. */
static struct io_uring_sqe *get_sqe(struct sl_loop *loop, struct sl_op *op)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&loop->ring);

	while (!sqe) {
		io_uring_submit(&loop->ring);
		sqe = io_uring_get_sqe(&loop->ring);
	}
	io_uring_sqe_set_data(sqe, op);
	return sqe;
}

/* Non-blocking ones, for splice(2); the ring's operations wait whatever the descriptor is. */
void sl_ring_accept(struct sl_loop *loop, struct sl_op *op, int fd)
{
	struct io_uring_sqe *sqe = get_sqe(loop, op);

	io_uring_prep_multishot_accept(sqe, fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

void sl_ring_recv(struct sl_loop *loop, struct sl_op *op, int fd, struct sl_bufs *from,
		  enum sl_recv_how how)
{
	struct io_uring_sqe *sqe = get_sqe(loop, op);

	io_uring_prep_recv(sqe, fd, NULL, 0, 0);
	if (how == SL_RECV_MULTISHOT)
		sqe->ioprio |= IORING_RECV_MULTISHOT;
	if (how != SL_RECV_ONCE)
		sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
	io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
	sqe->buf_group = from->group;
}

void sl_ring_send(struct sl_loop *loop, struct sl_op *op, int fd, const void *mem, size_t len)
{
	struct io_uring_sqe *sqe = get_sqe(loop, op);

	io_uring_prep_send(sqe, fd, mem, len, MSG_NOSIGNAL);
}

void sl_ring_send_last(struct sl_loop *loop, struct sl_op *op, int fd, const void *mem, size_t len)
{
	struct io_uring_sqe *sqe;

	/* A chain must not be torn by a full queue. */
	if (io_uring_sq_space_left(&loop->ring) < 2)
		io_uring_submit(&loop->ring);
	sqe = get_sqe(loop, op);
	io_uring_prep_send(sqe, fd, mem, len, MSG_NOSIGNAL | MSG_WAITALL | MSG_MORE);
	io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
	sl_ring_close(loop, fd);
}

void sl_ring_sendmsg(struct sl_loop *loop, struct sl_op *op, int fd, const struct msghdr *msg)
{
	struct io_uring_sqe *sqe = get_sqe(loop, op);

	io_uring_prep_sendmsg(sqe, fd, msg, MSG_NOSIGNAL);
}

void sl_ring_connect(struct sl_loop *loop, struct sl_op *op, int fd, const struct sockaddr *addr,
		     socklen_t len)
{
	struct io_uring_sqe *sqe = get_sqe(loop, op);

	io_uring_prep_connect(sqe, fd, addr, len);
}

void sl_ring_poll(struct sl_loop *loop, struct sl_op *op, int fd, unsigned events)
{
	struct io_uring_sqe *sqe = get_sqe(loop, op);

	io_uring_prep_poll_add(sqe, fd, events);
}

void sl_ring_write(struct sl_loop *loop, struct sl_op *op, int fd, const void *mem, size_t len)
{
	struct io_uring_sqe *sqe = get_sqe(loop, op);

	io_uring_prep_write(sqe, fd, mem, (unsigned)len, (uint64_t)-1);
}

void sl_ring_close(struct sl_loop *loop, int fd)
{
	struct io_uring_sqe *sqe = get_sqe(loop, &loop->ignore_op);

	io_uring_prep_close(sqe, fd);
}

void sl_ring_cancel(struct sl_loop *loop, struct sl_op *op)
{
	struct io_uring_sqe *sqe = get_sqe(loop, &loop->ignore_op);

	io_uring_prep_cancel(sqe, op, 0);
}

static void on_waited(struct sl_op *op, int res, uint32_t flags)
{
	struct sl_wait *w = sl_container_of(op, struct sl_wait, op);

	w->res = res;
	w->is_done = true;
	sl_fiber_wake(w->loop, w->fiber);
}

void sl_wait_init(struct sl_wait *w, struct sl_loop *loop)
{
	*w = (struct sl_wait){ .op.done = on_waited, .loop = loop, .fiber = sl_fiber_self(loop) };
	assert(w->fiber);
}

static int reason_to_stop(const struct sl_wait *w, uint64_t deadline_ns)
{
	if (sl_fiber_is_cancelled(w->fiber))
		return -ECANCELED;
	return w->loop->now_ns >= deadline_ns ? -ETIMEDOUT : 0;
}

int sl_wait_for(struct sl_wait *w, uint64_t deadline_ns)
{
	int why = 0;

	while (!w->is_done) {
		int now = why ? why : reason_to_stop(w, deadline_ns);

		if (now && !why)
			sl_ring_cancel(w->loop, &w->op);
		why = now;
		sl_fiber_park(w->loop, why ? SL_NEVER : deadline_ns);
	}
	return why && w->res == -ECANCELED ? why : w->res;
}

int sl_fiber_sleep(struct sl_loop *loop, uint64_t until_ns)
{
	struct sl_fiber *f = sl_fiber_self(loop);

	while (loop->now_ns < until_ns) {
		if (sl_fiber_is_cancelled(f))
			return -ECANCELED;
		sl_fiber_park(loop, until_ns);
	}
	return 0;
}
