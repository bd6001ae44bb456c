/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS handshake of a client's connection, where its listener asks for one. */
#ifndef SL_GATE_SECURE_H
#define SL_GATE_SECURE_H

#include "gate/client.h"

/* In the client's fiber.  0 when requests can follow: there is no handshake to be made, nothing has
 * come yet to make it with, or it is done and c->tls is set.  A negative errno when the connection
 * is to be closed; it is counted, and whoever can be told was told. */
int sl_secure_client(struct sl_client *c);

/* As sl_conn_pass_out(), before a body goes to one side of an exchange of this client; what came of
 * it is counted. */
int sl_secure_pass_out(struct sl_client *c, struct sl_conn *to, uint64_t deadline_ns);

#endif
