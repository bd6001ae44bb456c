/* SPDX-License-Identifier: Apache-2.0 */
/* What upstreams are told of a client's certificate. */
#ifndef SL_GATE_CERTIFICATE_H
#define SL_GATE_CERTIFICATE_H

#include "gate/exchange.h"

/* Whether a field's name begins with X-Client-Cert-, with '_' for '-' as CGI reads it, too: only we
 * say such a thing. */
bool sl_certificate_is_field(struct sl_str name);

/* The lines that tell of it, each with its end; empty: the listener has no client_headers.
 * Borrowed from the connection. */
struct sl_str sl_certificate_fields(const struct sl_exchange *x);

#endif
