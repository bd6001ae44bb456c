/* SPDX-License-Identifier: Apache-2.0 */
/* Who is let in, and whom it costs what fails: the workers' side of kern/guard.h. */
#ifndef SL_GATE_ADMIT_H
#define SL_GATE_ADMIT_H

#include <stdbool.h>

#include "gate/exchange.h"
#include "kern/guard.h"
#include "net/addr.h"

/* A connection that has just been accepted: false when its peer is not let in, which is counted;
 * then fd is on its way to be closed, with a reset if the list says "reject".  *ret_peer is its
 * address, or empty (len 0) if that was not asked for. */
bool sl_admit_connection(struct sl_acceptor *a, int fd, struct sl_addr *ret_peer);

/* The client that a PROXY header names.  When it is false, closing is the caller's. */
bool sl_admit_proxied(struct sl_client *c);

/* The client of a request, that of a connection or whom a trusted proxy names: NULL, or why it is
 * not let in, a word for the log.  Then a connection of its own is to be closed. */
const char *sl_admit_request(struct sl_exchange *x);

/* The exchange failed (x->offence says how): counts that, and punishes whom it is to be counted
 * against when it is time.  Then x->is_punished, and the connection is to be closed. */
void sl_admit_failed(struct sl_exchange *x);

/* The same for a client that was refused a handshake: `offence` says how, a word of up to 15
 * letters.  True when it is punished from now on. */
bool sl_admit_refused(struct sl_client *c, const char *offence);

#endif
