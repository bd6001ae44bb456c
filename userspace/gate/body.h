/* SPDX-License-Identifier: Apache-2.0 */
/* A message body as it is read: framing is taken off here, and whether it is complete is known
 * here. */
#ifndef SL_GATE_BODY_H
#define SL_GATE_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "http1/chunk.h"
#include "http1/head.h"
#include "net/conn.h"

enum { SL_BODY_RUNS = 12 }; /* chunks passed on at once */

struct sl_body {
	struct sl_conn *conn;
	enum sl_body_kind kind;
	uint64_t left; /* of SL_BODY_LENGTH */
	struct sl_chunked chunked;
	size_t in_use;	  /* bytes of the queue that the last runs lie in */
	uint64_t seen;	  /* body bytes handed out so far */
	bool is_complete; /* the last byte was handed out; for chunked: the last chunk, trailers
			     follow */
	bool has_trailers_left;
};

void sl_body_init(struct sl_body *b, struct sl_conn *conn, const struct sl_head *head);

/*
 * The next run of body bytes that is already here, without waiting and without framing: up to
 * SL_BODY_RUNS pieces of one buffer, valid until the next call.  Number of pieces; 0: the body is
 * complete; -EAGAIN: wait for data on conn; -EBADMSG: broken chunks; -EPIPE: the stream ended too
 * early; another negative errno.
 */
int sl_body_take(struct sl_body *b, struct iovec iov[SL_BODY_RUNS], size_t *ret_bytes);
/* The pieces of the last sl_body_take() are used up. */
void sl_body_consume(struct sl_body *b);
/* n bytes went by without being seen here (splice). */
void sl_body_skip(struct sl_body *b, uint64_t n);

#endif
