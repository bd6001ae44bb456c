/* SPDX-License-Identifier: Apache-2.0 */
/* Moves a body from one connection to another, as it comes, with its framing made anew. */
#ifndef SL_GATE_RELAY_H
#define SL_GATE_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/out.h"
#include "gate/body.h"
#include "gate/exchange.h"

enum sl_framing { SL_FRAMING_LENGTH, SL_FRAMING_CHUNKED, SL_FRAMING_UNTIL_CLOSE };

struct sl_relay {
	struct sl_exchange *x;
	struct sl_body *from;
	struct sl_conn *to;
	enum sl_framing framing;
	struct sl_out *head;	     /* sent in front of the first bytes; emptied then */
	uint64_t receive_timeout_ns; /* without a byte */
	uint64_t send_timeout_ns;
	uint32_t rate_bytes;		  /* a second, at the least; 0: any */
	uint64_t limit_bytes;		  /* of the body; 0: none */
	struct sl_content_digest *digest; /* that it has to have; NULL: any */
	/* Stop, with -EALREADY, when this one has something to say (an early answer); may be NULL.
	 */
	struct sl_conn *watch;
	bool is_last;	     /* nothing comes after it on `to` */
	uint64_t *count;     /* body bytes moved are added here */
	bool has_sent;	     /* some of it has left */
	bool has_no_pipe;    /* splicing was tried, and there was none */
	bool is_to_blame_to; /* after a failure: the sending side failed, not the receiving one */
};

/* 0 when the body, its trailers and the head before it are sent; -EFBIG beyond limit_bytes;
 * -EKEYREJECTED, before the last byte has left, when its digest is another one;
 * -EALREADY; -ETIMEDOUT; -EPIPE when `from` ended too early; -EBADMSG; or the socket's error. */
int sl_relay_run(struct sl_relay *r);

#endif
