/* SPDX-License-Identifier: Apache-2.0 */
/* The handshake of a connection, on either side of it; afterwards it is on the connection. */
#ifndef SL_TLS_HANDSHAKE_H
#define SL_TLS_HANDSHAKE_H

#include "tls/origin.h"
#include "tls/records.h"
#include "tls/server.h"

enum sl_tls_end {
	SL_TLS_DONE,
	/* For what its hello says; nothing was spent on these. */
	SL_TLS_MALFORMED,   /* it is none */
	SL_TLS_BAD_VERSION, /* none of ours */
	SL_TLS_BAD_NAME,    /* tls.unknown_names */
	SL_TLS_BAD_JA4,	    /* tls.deny_ja4 */
	SL_TLS_REFUSED,	    /* OpenSSL cannot go on with it */
	SL_TLS_LEFT,	    /* the client did, or its connection broke */
	SL_TLS_TOO_SLOW,    /* the deadline */
	SL_TLS_NO_MEMORY,   /* limits.memory, or the heap */
	SL_TLS_CANCELLED,
	SL_TLS_NO_KERNEL, /* it is to seal and open, and cannot: `why` has the reason */
};

/* What a handshake is done with. */
struct sl_tls_door {
	struct sl_tls_server *server;
	struct sl_tls_blocks *blocks;
	uint64_t deadline_ns;
	bool notes_ja4; /* even if nobody is refused by it */
};

/* The server's side of a handshake, in the fiber that is the reader.  Takes a reference of the
 * server for as long as it lasts.  With SL_TLS_DONE *ret_tls is on the connection, and goes by
 * sl_tls_free() after it was closed.  Who is refused was told by an alert, and `why` has words for
 * it. */
enum sl_tls_end sl_tls_accept(struct sl_conn *c, const struct sl_tls_door *door,
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

/* At the end of each turn of the loop, on its thread: calls those whose step is due in the next. */
void sl_tls_turn(struct sl_tls_blocks *blocks, struct sl_loop *loop);

#endif
