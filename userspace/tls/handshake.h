/* SPDX-License-Identifier: Apache-2.0 */
/* The handshake of a connection, on either side of it; afterwards it is on the connection. */
#ifndef SL_TLS_HANDSHAKE_H
#define SL_TLS_HANDSHAKE_H

#include "tls/origin.h"
#include "tls/records.h"
#include "tls/server.h"

enum sl_tls_end {
	SL_TLS_DONE,
	SL_TLS_REFUSED,	  /* what came is no handshake that we can go on with */
	SL_TLS_LEFT,	  /* the client did, or its connection broke */
	SL_TLS_TOO_SLOW,  /* the deadline */
	SL_TLS_NO_MEMORY, /* limits.memory, or the heap */
	SL_TLS_CANCELLED,
	SL_TLS_NO_KERNEL, /* it is to seal and open, and cannot: `why` has the reason */
};

/* The server's side of a handshake, in the fiber that is the reader.  Takes a reference of the
 * server for as long as it lasts.  With SL_TLS_DONE *ret_tls is on the connection, and goes by
 * sl_tls_free() after it was closed.  With SL_TLS_REFUSED the client was told (an alert), and `why`
 * has OpenSSL's words for it. */
enum sl_tls_end sl_tls_accept(struct sl_conn *c, struct sl_tls_server *server,
			      struct sl_tls_blocks *blocks, uint64_t deadline_ns,
			      struct sl_tls **ret_tls, char why[SL_PEM_WHY_BYTES]);

/* Of a connection to a target; all of it outlives the handshake, and the sessions outlive the
 * connection. */
struct sl_tls_opening {
	const struct sl_tls_origin *origin;
	const struct sl_tls_target_name *name;
	struct sl_tls_sessions *sessions; /* to go on with one, and for those to come */
	struct sl_tls_blocks *blocks;
	uint64_t deadline_ns;
};

/* The client's side, likewise.  0 with *ret_tls; or a negative errno, or one of tls/error.h. */
int sl_tls_connect(struct sl_conn *c, const struct sl_tls_opening *how, struct sl_tls **ret_tls);

#endif
