/* SPDX-License-Identifier: Apache-2.0 */
/* A policy: one thing that a route asks of a request before it is served.  Each kind is a file with
 * one table; it sees the request and its own settings, never another policy. */
#ifndef SL_POLICY_POLICY_H
#define SL_POLICY_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/out.h"
#include "http/uri.h"
#include "http1/head.h"
#include "net/addr.h"
#include "policy/consumer.h"
#include "policy/credit.h"
#include "policy/ledger.h"
#include "policy/windows.h"
#include "route/table.h"

struct sl_content_digest;
struct sl_digest;
struct sl_hmac_keys;
struct sl_loop;
struct sl_passwords;
struct sl_verdicts;
struct sl_keyring;
struct sl_keystore;
struct sl_roster;
struct sl_seats;
struct sl_seen;
struct sl_tls_client;
struct sl_tokens;

enum {
	SL_POLICY_SEATS_MAX = 4, /* that a request sits on */
	SL_POLICIES_MAX = 16,	 /* that a route asks */
	SL_POLICY_FIELDS_MAX = 2048,
};

/* What a limit or a quota took for this request, and gives back if a policy behind it refuses. */
struct sl_charge {
	struct sl_account account;	 /* of a limit */
	const struct sl_gcra_rate *rate; /* NULL: it was none by GCRA */
	const struct sl_window *window;	 /* of one by a sliding window; else NULL */
	struct sl_window_use window_use;
	uint64_t subject; /* of that, or of a quota */
	struct sl_use use;
	_Atomic uint64_t *seat; /* of a request that is served now; else NULL */
	uint64_t n;
};

/* A request as policies see it, and what they leave for those behind them. */
struct sl_policy_call {
	/* A policy may take a credential out of these: it is for us, and goes no further. */
	struct sl_head *req;
	struct sl_uri *uri;
	const struct sl_route_match *match;
	const struct sl_ip *client;		 /* behind trusted proxies */
	bool is_secure;				 /* it came by TLS, to us or to a trusted proxy */
	const struct sl_tls_client *certificate; /* NULL: the connection showed none */
	struct sl_arena *arena;			 /* of the request */
	uint64_t now_ns;			 /* CLOCK_MONOTONIC */
	uint64_t wall_s;			 /* since 1970 */
	/* What the worker lends. */
	struct sl_loop *loop;
	struct sl_digest *digest;
	struct sl_verdicts *verdicts;
	struct sl_passwords *passwords; /* may be NULL while no consumer has one */
	struct sl_credits *credits;
	struct sl_seats *seats;
	struct sl_windows *windows;
	struct sl_ledger *ledger;      /* NULL: no route has a quota */
	const struct sl_keyring *keys; /* of the configuration */
	const struct sl_roster *roster;
	const struct sl_hmac_keys *hmac_keys;
	struct sl_seen *seen;		/* signatures */
	const struct sl_keystore *kept; /* keys that come and go */
	struct sl_tokens *tokens;
	/* What earlier policies have found out. */
	const struct sl_consumer *consumer; /* NULL: nobody has said who it is */
	const struct sl_api_key *key;	    /* by which the consumer is known, or NULL */
	bool is_anonymous;		    /* the consumer stands for nobody in particular */
	bool takes_token;		    /* there was none, and one would have been good */
	bool has_token;			    /* a good one, of a consumer or not */
	struct sl_str scopes, token_groups; /* with it: words with a space between */
	struct sl_str claims;		    /* of it, that conditions name: expr/claims.h */
	bool has_signed;		    /* a good signature was shown, for the first time: */
	uint64_t signature;		    /* its hash */
	struct sl_content_digest *content;  /* that the body has to have, or NULL */
	/* Field lines for the answer, whatever it will be; no memory until there is one. */
	struct sl_out fields;
	struct sl_str answer_fields; /* lines of a refusal that are made for it, in the arena */
	bool owns_cors;		     /* what the upstream says of CORS does not count */
	uint64_t body_limit;	     /* bytes; 0: no other than of all requests */
	struct sl_charge charges[SL_POLICIES_MAX];
	unsigned charges_nr;
};

/* What a client is told that may not go on.  It lasts as long as the program, or the configuration
 * that the request began with; `error` and `offence` as long as the program.  One with a status
 * below 400 is an answer without a body. */
struct sl_refusal {
	uint16_t status;
	const char *error;   /* the word in the access log */
	const char *detail;  /* a sentence for the client, which tells no secret */
	const char *offence; /* what it counts as (kernel.punish), or NULL */
	struct sl_str fields;
};

struct sl_policy_kind {
	const char *name; /* its key */
	bool identifies;  /* it finds out who the consumer is */
	bool asks_who;	  /* it makes no sense before one that does */
	/* NULL: the request goes on.  Allocates from call->arena only.  A kind without it is asked
	 * nothing: it is part of the route. */
	const struct sl_refusal *(*run)(const void *conf, struct sl_policy_call *call);
};

/* Every kind: X(name) has its settings in struct sl_NAME and its table in sl_policy_NAME. */
/* clang-format off */
#define SL_POLICIES(X) \
	X(key_auth) \
	X(basic_auth) \
	X(jwt) \
	X(oidc) \
	X(mtls) \
	X(hmac) \
	X(require) \
	X(rate_limit) \
	X(quota) \
	X(concurrency_limit) \
	X(any_of) \
	X(anonymous) \
	X(ip_access) \
	X(cors) \
	X(body_limit) \
	X(redirect_https) \
	X(headers) \
	X(request_id) \
	X(maintenance)
/* clang-format on */

#define SL_POLICY_DECLARE(name)                                                                    \
	struct sl_##name;                                                                          \
	extern const struct sl_policy_kind sl_policy_##name;
SL_POLICIES(SL_POLICY_DECLARE)
#undef SL_POLICY_DECLARE

/* One policy as it is written: `use`, or exactly one of the others. */
struct sl_policy {
	const char *use; /* the name of a list of policies that stands here; NULL: none */
#define SL_POLICY_MEMBER(name) struct sl_##name *name;
	SL_POLICIES(SL_POLICY_MEMBER)
#undef SL_POLICY_MEMBER
	/* Made of them. */
	const struct sl_policy_kind *kind;
	const void *conf;
	bool identifies; /* it, or each of its alternatives, finds out who the consumer is */
};

/* Policies under a name, for routes that use them. */
struct sl_policy_list {
	const char *name;
	struct sl_policy *policies;
	unsigned policies_nr;
};

/* One after the other, until one refuses: NULL when all let the request go on.  A request that is
 * refused costs no credit. */
const struct sl_refusal *sl_policies_run(const struct sl_policy *const *policies, unsigned nr,
					 struct sl_policy_call *call);

/* Charges from this one on are given back. */
void sl_policies_give_back(struct sl_policy_call *call, unsigned from);

/* Room for a line of the answer: false when the request has no memory left. */
bool sl_policy_want_fields(struct sl_policy_call *call);

extern const struct sl_refusal sl_refusal_no_memory;

#endif
