/* SPDX-License-Identifier: Apache-2.0 */
/* Hands a connection's records over to the kernel (kTLS), and speaks through it afterwards. */
#ifndef SL_TLS_HANDOVER_H
#define SL_TLS_HANDOVER_H

#include "tls/records.h"

/* Of struct sl_layer_ops: from now on the kernel seals. */
int sl_tls_pass_out(struct sl_conn *c, uint64_t deadline_ns);
void sl_tls_on_odd(struct sl_conn *c, int error);

/* Right after the handshake, before the layer is on the connection: the kernel seals and opens, and
 * OpenSSL's part is freed.  What came with the end of the handshake is opened here, in its fiber.
 * 0; or a negative errno, with t->why_userspace, and the connection is to be closed. */
int sl_tls_pass_all(struct sl_tls *t, uint64_t deadline_ns);

void sl_tls_early_free(struct sl_tls *t); /* harmless when there is none */

/* OpenSSL has opened something since the kernel seals: what it has to say to that itself, an alert
 * or new keys, is dropped, and said by the kernel as far as it can be. */
void sl_tls_say_instead(struct sl_tls *t);
/* close_notify, once.  may_wait: in a fiber, for a second at most. */
void sl_tls_end_by_kernel(struct sl_tls *t, bool may_wait);

#endif
