/* SPDX-License-Identifier: Apache-2.0 */
/* One worker's loop: its ring, its buffers, its timers and its fibers.  Knows no protocol. */
#ifndef SL_CORE_LOOP_H
#define SL_CORE_LOOP_H

#include <liburing.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "core/bufs.h"
#include "core/fiber.h"
#include "core/pipes.h"
#include "core/timer.h"

/* One operation in the kernel's hands.  It lives inside the object that started it, and the object
 * outlives its last completion (the one without IORING_CQE_F_MORE). */
struct sl_op {
	void (*done)(struct sl_op *op, int res, uint32_t flags);
};

/* Somebody who found no buffer, and wants to try again when there is one. */
struct sl_starved {
	struct sl_list node;
	void (*retry)(struct sl_starved *s);
};

struct sl_mail;

struct sl_loop {
	struct io_uring ring;
	struct sl_bufs small, large;  /* provided buffers: heads and small bodies; streams */
	struct sl_budget budget;      /* stacks, and what requests hold */
	struct sl_budget bufs_budget; /* receive buffers: once taken they stay */
	struct sl_pipes pipes;
	struct sl_list starved; /* of sl_starved */
	struct sl_wheel wheel;
	struct sl_fibers fibers;
	uint64_t now_ns; /* CLOCK_MONOTONIC, read once a turn */
	unsigned worker;
	void (*on_turn)(struct sl_loop *loop); /* after the completions of each turn; may be NULL */
	bool is_stopping;
	unsigned batch; /* completions of this turn: how busy we are */
	uint64_t turns;
	_Atomic(struct sl_mail *) inbox;
	struct sl_op wake_op;
	int wake_fd; /* eventfd: other threads write to it */
	uint64_t wake_count;
	struct sl_op ignore_op;
	int restrict_error; /* why is_restricted could not be had; 0: it could, or was not asked */
};

struct sl_loop_conf {
	unsigned worker;
	/* Half for receive buffers, half for stacks and what requests hold; 0: no limit. */
	size_t memory_bytes;
	bool is_restricted; /* the ring takes the operations below and no others */
};

/* 0, or a negative errno with *ret_missing naming what the kernel lacks ("" when it is not about
 * that). Call it on the thread that will run the loop: the ring belongs to it. */
int sl_loop_init(struct sl_loop *loop, const struct sl_loop_conf *conf, const char **ret_missing);
void sl_loop_fini(struct sl_loop *loop);
/* As in sl_loop_conf; what is held beyond a lower limit is held until it is given back. */
void sl_loop_set_memory(struct sl_loop *loop, size_t memory_bytes);
/* Until sl_loop_stop(). */
void sl_loop_run(struct sl_loop *loop);
void sl_loop_stop(struct sl_loop *loop);
/* Retries s, which is in no list, after a turn that leaves small buffers free. */
void sl_loop_starve(struct sl_loop *loop, struct sl_starved *s);
/* From any thread: makes the loop take a turn. */
void sl_loop_kick(struct sl_loop *loop);

/* The ring's narrow face.  Each takes an op that completes once, but for the multishot ones. */
void sl_ring_accept(struct sl_loop *loop, struct sl_op *op, int fd); /* multishot */
enum sl_recv_how {
	SL_RECV_ONCE,
	SL_RECV_ONCE_LATER /* data is not expected at once */,
	SL_RECV_MULTISHOT
};
void sl_ring_recv(struct sl_loop *loop, struct sl_op *op, int fd, struct sl_bufs *from,
		  enum sl_recv_how how);
/* res may be short: without MSG_WAITALL progress is seen (and kTLS refuses it). */
void sl_ring_send(struct sl_loop *loop, struct sl_op *op, int fd, const void *mem, size_t len);
/* All of it with MSG_MORE, then close(2), as one chain: TCP puts the FIN on the last segment.  The
 * close is done if and only if res is len. */
void sl_ring_send_last(struct sl_loop *loop, struct sl_op *op, int fd, const void *mem, size_t len);
void sl_ring_sendmsg(struct sl_loop *loop, struct sl_op *op, int fd, const struct msghdr *msg);
void sl_ring_connect(struct sl_loop *loop, struct sl_op *op, int fd, const struct sockaddr *addr,
		     socklen_t len);
void sl_ring_poll(struct sl_loop *loop, struct sl_op *op, int fd, unsigned events);
void sl_ring_write(struct sl_loop *loop, struct sl_op *op, int fd, const void *mem, size_t len);
/* Fire and forget. */
void sl_ring_close(struct sl_loop *loop, int fd);
void sl_ring_cancel(struct sl_loop *loop, struct sl_op *op);

/* One operation that the current fiber waits for; lives on its stack. */
struct sl_wait {
	struct sl_op op;
	struct sl_loop *loop;
	struct sl_fiber *fiber;
	int res;
	bool is_done;
};
void sl_wait_init(struct sl_wait *w, struct sl_loop *loop);
/* Until the operation is over, whatever happens: on the deadline or a cancel it is cancelled and
 * waited for. Returns its result, or -ETIMEDOUT / -ECANCELED when it was cut off. */
int sl_wait_for(struct sl_wait *w, uint64_t deadline_ns);

/* Sleeps; 0 or -ECANCELED. */
int sl_fiber_sleep(struct sl_loop *loop, uint64_t until_ns);

#endif
