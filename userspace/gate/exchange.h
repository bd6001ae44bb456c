/* SPDX-License-Identifier: Apache-2.0 */
/* One request and its answer: what every step of it knows. */
#ifndef SL_GATE_EXCHANGE_H
#define SL_GATE_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "gate/body.h"
#include "gate/client.h"
#include "gate/meters.h"
#include "gate/rules.h"
#include "http1/head.h"
#include "upstream/pool.h"

enum { SL_REQUEST_ID_MAX = 128 };

struct sl_exchange {
	struct sl_worker *worker;
	struct sl_client *client;
	struct sl_view *view;	      /* the one it began with */
	const struct sl_rules *rules; /* of that view */
	struct sl_arena arena;

	struct sl_head req;
	size_t req_len; /* bytes of the request's head */
	struct sl_body req_body;
	struct sl_uri asked; /* as uri, before a rewrite: for the log */
	struct sl_uri uri;   /* normalised: what is judged is what is sent */
	struct sl_route_match match;
	struct sl_str id;
	struct sl_ip client_ip;	   /* behind trusted proxies */
	struct sl_str client_text; /* the same as text: it is written up to three times */
	uint8_t seats_nr;
	bool is_peer_trusted;
	bool is_anonymous; /* the consumer stands for nobody in particular */
	bool has_token;	   /* a good one, whoever's: it is not nobody */
	bool owns_cors;	   /* what the upstream says of CORS does not count */

	const struct sl_consumer *consumer;	      /* NULL: nobody that is known */
	const struct sl_api_key *key;		      /* that it was known by, or NULL */
	struct sl_str policy_fields;		      /* lines of the answer that policies made */
	struct sl_str refusal_fields;		      /* and of a refusal */
	_Atomic uint64_t *seats[SL_POLICY_SEATS_MAX]; /* that are left when it ends */
	struct sl_content_digest *content;	      /* that the body has to have, or NULL */
	uint64_t body_limit;			      /* of the request, in bytes; 0: none */

	struct sl_peer *peer; /* the connection to the upstream, while there is one */
	struct sl_head resp;
	const char *upstream_name;
	struct sl_str set_cookie; /* a line of the answer that binds the session; mostly empty */

	uint64_t start_ns, deadline_ns;
	uint64_t upstream_start_ns, upstream_ns;
	uint64_t bytes_received, bytes_sent; /* of bodies */
	uint16_t status;		     /* answered; 0 while nothing was */
	bool is_cut;			     /* the answer stops in the middle */
	bool must_close;     /* the client's connection cannot carry another request */
	const char *error;   /* for the log: a word that never changes */
	const char *detail;  /* how, if there is more to say: told with error only */
	const char *offence; /* the client's failure, if this was one: a word; mostly NULL */
	bool is_punished;    /* for it */
	bool is_kept_out;    /* a list or a punishment denies the client */
	char id_mem[33];
	char client_mem[INET6_ADDRSTRLEN];
	_Alignas(16) char first_block[16384];
};

/* Serves one request on the client's connection, whose reader is the current fiber.  True when the
 * connection can carry another. */
bool sl_exchange_run(struct sl_client *c);

/* The earlier of a deadline from now and that of the whole exchange. */
uint64_t sl_exchange_deadline(const struct sl_exchange *x, uint64_t timeout_ns);
/* This worker's cells of a target of x->view. */
uint64_t *sl_exchange_target_cells(const struct sl_exchange *x, const struct sl_target *t);
struct sl_head_limits sl_exchange_head_limits(const struct sl_exchange *x);
/* The request as routes see it, once its head is parsed and its target normalised; without the
 * scratch for expressions. */
struct sl_route_request sl_exchange_route_request(const struct sl_exchange *x);

#endif
