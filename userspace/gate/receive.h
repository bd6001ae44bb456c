/* SPDX-License-Identifier: Apache-2.0 */
/* Receives a message head or a trailer section, in one piece or in many. */
#ifndef SL_GATE_RECEIVE_H
#define SL_GATE_RECEIVE_H

#include "base/arena.h"
#include "http1/head.h"
#include "net/conn.h"

enum sl_head_kind { SL_HEAD_REQUEST, SL_HEAD_RESPONSE, SL_HEAD_TRAILERS };

/*
 * Waits for a complete head and parses it.  What it points to stays valid until
 * sl_conn_release(conn), or, when it came in pieces, as long as the arena.  request_method is for
 * SL_HEAD_RESPONSE. Length of the head; -EBADMSG with head->error; -EPIPE when the stream ended
 * within it, -ENODATA before its first byte; -ETIMEDOUT, -ECANCELED, -ENOMEM, or the socket's
 * error.
 */
int sl_head_receive(struct sl_conn *conn, enum sl_head_kind kind, struct sl_head *head,
		    const struct sl_head_limits *limits, enum sl_method request_method,
		    struct sl_arena *arena, uint64_t deadline_ns);

#endif
