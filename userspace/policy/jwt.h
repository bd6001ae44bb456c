/* SPDX-License-Identifier: Apache-2.0 */
/* Policy jwt: the client shows a token that somebody whom we trust has signed. */
#ifndef SL_POLICY_JWT_H
#define SL_POLICY_JWT_H

#include "expr/expr.h"
#include "jose/verify.h"
#include "policy/policy.h"

struct sl_keyset;

/* A key set that is loaded; policies that name the same file share it. */
struct sl_jwks_file {
	const char *path;	  /* NULL: it comes from a URL */
	struct sl_keyset *source; /* of that; set NULL: nothing has come yet */
	struct sl_jwks *set;
	uint64_t print; /* of the file when it was read, see tls/files.h */
	struct sl_jwks_file *next;
};

struct sl_jwt {
	const char *jwks_file, *jwks_url; /* one of them; of policy oidc none */
	const char *ca;			  /* of the server of keys; NULL: the system's */
	const char *oidc_issuer;	  /* of policy oidc */
	/* Where a token is looked for; one that is empty is not looked at. */
	struct sl_str header; /* in Authorization, and if it is there in others, behind "Bearer" */
	struct sl_str query;  /* a parameter's name, as it is written */
	struct sl_str cookie;
	struct sl_str *issuers, *audiences, *required;
	unsigned issuers_nr, audiences_nr, required_nr;
	uint32_t algs; /* SL_JWT_BIT */
	struct sl_str type;
	uint64_t leeway_ns, max_age_ns;
	struct sl_str
		consumer_claim; /* its value is a consumer's name; empty: nobody is looked for */
	struct sl_str groups_claim; /* a string or an array of them */
	bool optional;		    /* without a token on as nobody; a wrong one is still refused */
	bool consumer_optional;	    /* a good token of no consumer goes on */
	bool certificate_bound;	    /* RFC 8705: a token that is not bound is refused */
	bool hide_credentials;	    /* of the header; others are taken out always */
	/* Made of them. */
	struct sl_jwt_rules rules;
	const struct sl_jwks *keys;	     /* NULL: there are none yet */
	struct sl_keyset *source;	     /* NULL: they are in a file */
	const struct sl_expr_claims *claims; /* that conditions name */
	uint64_t id; /* random: another one after each reload, for tokens that are remembered */
};

extern const struct sl_policy_kind sl_policy_jwt;

/* Policy oidc: the same, with the keys that an issuer publishes by OpenID Connect Discovery. */
struct sl_oidc {
	struct sl_jwt jwt;
};

extern const struct sl_policy_kind sl_policy_oidc;

#endif
