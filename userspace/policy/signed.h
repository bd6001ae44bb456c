/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP message signatures (RFC 9421): what a request says that it has signed, and the text that was
 * signed. */
#ifndef SL_POLICY_SIGNED_H
#define SL_POLICY_SIGNED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "http1/head.h"

enum { SL_SIGNED_COMPONENTS_MAX = 32 };

/* A member of Signature-Input.  Texts are as they are written, without quotes; ptr NULL: it is not
 * there. */
struct sl_signed {
	struct sl_str params; /* all of it: the value of "@signature-params" */
	struct sl_str components[SL_SIGNED_COMPONENTS_MAX];
	unsigned components_nr;
	bool is_odd; /* a component, or how it is to be read, is none that we know */
	bool has_created, has_expires;
	uint64_t created_s, expires_s; /* since 1970 */
	struct sl_str keyid, nonce, alg, tag;
};

/* Reads the value of a member, strictly: as RFC 8941 4.1 writes it, so that the text is the one
 * that was signed.  False: it is malformed, has a parameter twice, or more components than that. */
bool sl_signed_read(struct sl_str value, struct sl_signed *ret_signed);

/* A component that may be asked for: NULL, or what is wrong with its name. */
const char *sl_signed_check_component(struct sl_str name);

/* A request as its signer saw it.  The target is the one on the wire: what is judged later is made
 * of it. */
struct sl_signed_request {
	const struct sl_head *head;
	bool is_secure; /* https */
	struct sl_arena *arena;
};

/* Is the component signed, by itself or in another one?  What the request does not have, a query or
 * a body and so its digest, need not be. */
bool sl_signed_has(const struct sl_signed *s, const struct sl_head *head, struct sl_str component);

/* The signature base (RFC 9421 2.5), in the arena.  0; -ENOENT: a component is not in the request;
 * -ENOMEM. */
int sl_signed_base(const struct sl_signed *s, const struct sl_signed_request *req,
		   struct sl_str *ret_base);

/* All lines of that name, joined (RFC 9421 2.1): 1; 0: there is none; -ENOMEM. */
int sl_signed_field(const struct sl_signed_request *req, struct sl_str name,
		    struct sl_str *ret_value);

#endif
