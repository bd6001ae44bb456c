/* SPDX-License-Identifier: Apache-2.0 */
/* What upstreams are told of a client's certificate. */
#ifndef SL_GATE_CERTIFICATE_H
#define SL_GATE_CERTIFICATE_H

#include "gate/exchange.h"

/* The lines that tell of it, each with its end; empty: the listener has no client_headers.
 * Borrowed from the connection. */
struct sl_str sl_certificate_fields(const struct sl_exchange *x);

#endif
