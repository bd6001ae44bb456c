/* SPDX-License-Identifier: Apache-2.0 */
/* Moves bytes from socket to socket through a pipe, without copying them to userspace (splice(2)).
 */
#ifndef SL_NET_SPLICE_H
#define SL_NET_SPLICE_H

#include <stdint.h>

#include "net/conn.h"

/* Below this it costs more than it saves (measured: 64 KiB through warm buffers is as cheap). */
enum { SL_SPLICE_MIN = 64 * 1024 };

/*
 * Moves len bytes.  Nothing may be queued or armed on `from`, which has no layer; and
 * sl_conn_pass_out() was called for `to`.  Each wait for either side ends after
 * its timeout, or at deadline_ns.  *ret_moved: bytes that reached `to`, also after an error. 0;
 * -EPIPE when `from` ended too early; -ETIMEDOUT; -ECANCELED; -ENOSYS when no pipe is to be had,
 * with nothing moved; or the socket's error.  *ret_to_failed: it was the sending side.
 */
int sl_splice(struct sl_conn *from, struct sl_conn *to, uint64_t len, uint64_t receive_timeout_ns,
	      uint64_t send_timeout_ns, uint64_t deadline_ns, uint64_t *ret_moved,
	      bool *ret_to_failed);

#endif
