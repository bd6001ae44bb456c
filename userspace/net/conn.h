/* SPDX-License-Identifier: Apache-2.0 */
/* One stream socket as a fiber sees it: receive, send, splice, close; each call that waits has a
 * deadline. */
#ifndef SL_NET_CONN_H
#define SL_NET_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/str.h"
#include "core/loop.h"
#include "net/layer.h"

/*
 * Bytes that arrive go into provided buffers, queued here until somebody takes them.  An idle
 * connection is this struct, an armed receive, and nothing else.
 *
 *   armed        a receive is in the kernel's hands
 *   multishot    and stays there after data came
 *   closing      sl_conn_close() was called; the last completion reports on_closed
 */
struct sl_conn {
	struct sl_loop *loop;
	struct sl_fiber *reader; /* woken by what arrives; NULL: on_event is called instead */
	void (*on_event)(struct sl_conn *c);  /* data, end or error while nobody reads */
	void (*on_closed)(struct sl_conn *c); /* the kernel is done with it: free it now */
	struct sl_op rx_op;
	struct sl_starved starved; /* waits for a buffer */
	struct sl_bufs
		*rx_bufs; /* the group that the queued buffers and the armed receive are of */
	struct sl_bufs *rx_next; /* and the one to change to when the queue is empty */
	uint32_t rx_skip;	 /* bytes of the first queued buffer that are used up */
	uint16_t rx_first, rx_last, rx_held;
	uint16_t rx_queued;
	int16_t rx_error; /* negative errno */
	bool armed, multishot, cancelling, eof, closing;
	int fd;
	struct sl_layer *layer; /* opens and seals what goes by; NULL: bytes are as they come */
	uint64_t until_ns;	/* no send goes on after this, however slowly the peer takes it */
};

/* Takes over fd, a non-blocking one: splice(2) goes by that, while the ring waits all the same. */
void sl_conn_init(struct sl_conn *c, struct sl_loop *loop, int fd);
/* Frees the queue, ends the receive, closes the descriptor; on_closed comes later, or before it
 * returns. */
void sl_conn_close(struct sl_conn *c);

/* Arms a receive unless one is armed. */
void sl_conn_arm(struct sl_conn *c, enum sl_recv_how how);

/* Is something queued? */
static inline bool sl_conn_has_data(const struct sl_conn *c)
{
	if (sl_layer_shows(c->layer))
		return c->layer->at < c->layer->end;
	return c->rx_first != SL_BUF_NONE;
}

/* What is queued, without waiting; empty when nothing is.  Valid until consumed or closed. */
struct sl_str sl_conn_peek(const struct sl_conn *c);
/* Waits until something is queued.  1; 0 at the end of the stream; a negative errno. */
int sl_conn_wait_data(struct sl_conn *c, uint64_t deadline_ns);
/* Gives the first n bytes of what sl_conn_peek() showed back. */
void sl_conn_consume(struct sl_conn *c, size_t n);
/* May the first queued buffer be held?  Large ones are worth more to the next stream. */
bool sl_conn_can_hold(const struct sl_conn *c);
/* Keeps the first queued buffer (one that can be held) valid, though it may be consumed, until
 * sl_conn_release(). */
void sl_conn_hold(struct sl_conn *c);
void sl_conn_release(struct sl_conn *c); /* harmless when nothing is held */
/* Receives through loop->large (or loop->small again) as soon as what is queued has been consumed.
 */
void sl_conn_use_bufs(struct sl_conn *c, struct sl_bufs *bufs);

/* All of it.  The deadline is for the first byte; each part that the peer takes gives it as much
 * time again.  0 or a negative errno. */
int sl_conn_send(struct sl_conn *c, const void *mem, size_t len, uint64_t deadline_ns);
/* The peer has sent more than was taken: closing now would be a reset, which takes away what we
 * have sent and it has not read yet. */
bool sl_conn_has_unread(const struct sl_conn *c);
/* The same for the last bytes of a connection that nothing is armed on: closes it with them if it
 * can. What is still to be done is sl_conn_close(), as ever. */
int sl_conn_send_last(struct sl_conn *c, const void *mem, size_t len, uint64_t deadline_ns);
int sl_conn_sendv(struct sl_conn *c, struct iovec *iov, unsigned nr, uint64_t deadline_ns);
/* Readies it for bytes that nobody looks at: what is written to its descriptor from here on is sent
 * as it has to be.  0; -EOPNOTSUPP: they have to go by sl_conn_send(); or another negative errno,
 * with which the connection is of no use any more. */
int sl_conn_pass_out(struct sl_conn *c, uint64_t deadline_ns);
/* Takes the receive back: when it returns 0 none is armed, and what has come is queued.  In the
 * reader's fiber.  0, -ETIMEDOUT or -ECANCELED. */
int sl_conn_disarm(struct sl_conn *c, uint64_t deadline_ns);
/* 0 or a negative errno. */
int sl_conn_connect(struct sl_conn *c, const struct sockaddr *addr, socklen_t len,
		    uint64_t deadline_ns);

/* The last byte is sent: says so to the peer. */
void sl_conn_shutdown_write(struct sl_conn *c);
/* Before an orderly close: what has to be said by a layer is, though the socket may be full, for a
 * second at most. */
void sl_conn_say_end(struct sl_conn *c);
/* Makes the close a reset, so that what was sent cannot be taken for complete. */
void sl_conn_abort_on_close(struct sl_conn *c);
/* Sends FIN, then throws away what the peer still sends, for at most a second: closing with unread
 * bytes would be a reset, which can destroy our last answer on its way (RFC 9112 9.6). */
void sl_conn_linger(struct sl_conn *c);

#endif
