/* SPDX-License-Identifier: Apache-2.0 */
/* What may stand between a connection's socket and its reader: it opens what comes and seals what
 * goes.  TLS records are the one there is. */
#ifndef SL_NET_LAYER_H
#define SL_NET_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/str.h"

struct sl_conn;
struct sl_layer;

struct sl_layer_ops {
	/* Opens what is queued until something opened is there (layer->plain), or says by c->eof or
	 * c->rx_error that nothing more will be.  Never waits. */
	void (*open)(struct sl_conn *c);
	/* Seals and sends all of it; with is_last it is the end of the stream, which is said too,
	 * and nothing is armed or unread: the descriptor may be closed with it.  0 or a negative
	 * errno. */
	int (*sendv)(struct sl_conn *c, struct iovec *iov, unsigned nr, uint64_t deadline_ns,
		     bool is_last);
	/* Tells the peer that nothing more comes, unless it was told.  may_wait: in a fiber, and
	 * for a second at most; else as far as the socket takes it at once. */
	void (*say_end)(struct sl_conn *c, bool may_wait);
	/* A block that plain was, or held. */
	void (*put_block)(struct sl_layer *l, char *block);
	/* For bytes that nobody looks at (splice): from here on what is sent need not be sealed by
	 * the layer, as the kernel does it.  In a fiber.  0 with passes_out set; -EOPNOTSUPP: it
	 * goes on as it was; another negative errno: the connection is of no use any more. */
	int (*pass_out)(struct sl_conn *c, uint64_t deadline_ns);
	/* With passes_in: a receive ended with this negative errno.  Says by c->eof or c->rx_error
	 * what it means, or nothing: then it is armed again. */
	void (*on_odd)(struct sl_conn *c, int error);
};

/*
 * With a layer the connection's queue holds bytes as the socket gave them, and this holds what is
 * opened of them, a block at a time; an idle connection has none.  The layer is its owner's, who
 * frees it when the connection is closed.
 *
 * Where the kernel does the layer's work, bytes pass: with passes_out those that are sent, with
 * passes_in those that come, once what was opened before is used up.
 */
struct sl_layer {
	const struct sl_layer_ops *ops;
	char *plain;	  /* NULL: no block */
	uint32_t at, end; /* what of it is not consumed yet */
	char *held;	  /* by sl_conn_hold(); may be plain */
	int16_t rx_error; /* of the socket */
	bool eof;	  /* the socket's, which need not be the stream's */
	bool is_aborted;  /* what comes next is a reset: no orderly end is said */
	bool passes_out, passes_in;
};

/* Is what its reader sees what the layer has opened? */
static inline bool sl_layer_shows(const struct sl_layer *l)
{
	return __builtin_expect(l != NULL, 0) && (!l->passes_in || l->plain);
}

/* Is what is sent sealed by the layer? */
static inline bool sl_layer_seals(const struct sl_layer *l)
{
	return __builtin_expect(l != NULL, 0) && !l->passes_out;
}

/* From here on all that is queued and comes is opened by the layer. */
void sl_conn_put_layer(struct sl_conn *c, struct sl_layer *l);

/* ---- for layers: the connection underneath ---- */

struct sl_str sl_conn_raw_peek(const struct sl_conn *c);
void sl_conn_raw_consume(struct sl_conn *c, size_t n);
int sl_conn_raw_send(struct sl_conn *c, const void *mem, size_t len, uint64_t deadline_ns);
int sl_conn_raw_send_last(struct sl_conn *c, const void *mem, size_t len, uint64_t deadline_ns);

/* ---- for the connection ---- */

struct sl_str sl_layer_peek(const struct sl_layer *l);
void sl_layer_consume(struct sl_conn *c, size_t n);
void sl_layer_release(struct sl_layer *l);
/* The socket has given something: bytes that are queued, or with res <= 0 its end.  True when the
 * reader has something to look at. */
bool sl_layer_received(struct sl_conn *c, int res);
/* The connection is being closed. */
void sl_layer_close(struct sl_conn *c);

#endif
