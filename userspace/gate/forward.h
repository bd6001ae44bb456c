/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the heads that leave us: the request as the upstream gets it, the response as the client
 * does. */
#ifndef SL_GATE_FORWARD_H
#define SL_GATE_FORWARD_H

#include <stdbool.h>

#include "base/out.h"
#include "gate/exchange.h"
#include "gate/relay.h"

/* Decides x->client_ip and x->is_peer_trusted from the connection and, if its peer is a trusted
 * proxy, from X-Forwarded-For (the last address that is not a trusted proxy's). */
void sl_forward_find_client(struct sl_exchange *x);

/* A request id: the peer's X-Request-Id if it is trusted, else a new one. */
void sl_forward_find_id(struct sl_exchange *x);

/* Whether a field of the request goes upstream as it came. */
bool sl_forward_is_passed_on(const struct sl_exchange *x, const struct sl_field *f);

/* The same for a field of a trailer section, of the request or of its answer.  What a route sets or
 * removes does not come in behind the body either. */
bool sl_forward_is_trailer(const struct sl_exchange *x, bool is_request, const struct sl_field *f);

/* What a route's changes add to a head at the most: set aside room for it beyond the head's own. */
size_t sl_forward_extra_len(const struct sl_exchange *x, const struct sl_header_edit *edit);

/* Every byte comes from what the parser accounted for, or from us: nothing else is copied (RFC
 * 9110 7.6). */
void sl_forward_request(struct sl_exchange *x, struct sl_out *o);

/* How the body that goes with it is framed for this client. */
enum sl_framing sl_forward_framing(const struct sl_exchange *x);
void sl_forward_response(struct sl_exchange *x, struct sl_out *o);
/* A 1xx (RFC 9110 15.2), without what the route removes or sets.  101 is an answer: it has what the
 * route sets and adds, too. */
void sl_forward_interim(struct sl_exchange *x, struct sl_out *o);

/* An upgrade that we pass on: to "websocket", and nothing else.  A client that could name "h2c"
 * would speak to the upstream past every check made here. */
bool sl_forward_is_tunnel(const struct sl_exchange *x);

#endif
