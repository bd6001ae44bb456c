/* SPDX-License-Identifier: Apache-2.0 */
/* A client's hello while it stands at the door: with the connection, and not yet with OpenSSL. */
#ifndef SL_TLS_GREETING_H
#define SL_TLS_GREETING_H

#include "net/conn.h"
#include "tls/blocks.h"
#include "tls/hello.h"

struct sl_tls_greeting {
	struct sl_tls_hello hello; /* points to where its bytes are */
	/* The record, where it came in pieces, which are consumed: a block of blocks, for who takes
	 * it over.  NULL: it is at the beginning of the connection's queue, where it stays. */
	char *block;
	uint32_t len;
};

/* Waits for it, in the fiber that is the reader.  0; -EBADMSG or -EMSGSIZE when what comes is no
 * hello; -ENOMEM; -EPIPE at the end of the stream; else as sl_conn_wait_data(). */
int sl_tls_greeting_wait(struct sl_tls_greeting *ret_greeting, struct sl_conn *c,
			 struct sl_tls_blocks *blocks, uint64_t deadline_ns);

#endif
