/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions that targets have given us, to go on with: those of one target, on one worker. */
#ifndef SL_TLS_SESSIONS_H
#define SL_TLS_SESSIONS_H

#include <openssl/ssl.h>
#include <time.h>

/* As many as are worth keeping: a target gives two of TLS 1.3 at a time, mostly. */
enum { SL_TLS_SESSIONS_KEPT = 4 };
/* Then the target has to prove anew who it is. */
enum { SL_TLS_SESSION_SECONDS = 7200 };

struct sl_tls_sessions {
	SSL_SESSION *kept[SL_TLS_SESSIONS_KEPT]; /* the newest last */
	unsigned nr;
};

/* Takes the session over; the oldest goes when there are too many.  One of TLS 1.2 is good for many
 * connections, and replaces all others. */
void sl_tls_sessions_put(struct sl_tls_sessions *s, SSL_SESSION *session);
/* One to go on with, the caller's to free, or NULL.  One of TLS 1.3 is not given twice (RFC 8446
 * C.4).  None is that is too old, or whose certificate has expired since. */
SSL_SESSION *sl_tls_sessions_take(struct sl_tls_sessions *s, time_t now);
/* All of them; `to` has none. */
void sl_tls_sessions_move(struct sl_tls_sessions *to, struct sl_tls_sessions *from);
void sl_tls_sessions_clear(struct sl_tls_sessions *s);

#endif
