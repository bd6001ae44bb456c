/* SPDX-License-Identifier: Apache-2.0 */
/* Consumers by their names, and by the names that they log in with. */
#ifndef SL_POLICY_ROSTER_H
#define SL_POLICY_ROSTER_H

#include "policy/consumer.h"
#include "policy/lookup.h"

enum sl_certificate_kind {
	SL_CERTIFICATE_SHA256,
	SL_CERTIFICATE_SAN,
	SL_CERTIFICATE_SUBJECT,
	SL_CERTIFICATE_KINDS,
};

/* Certificates of all consumers that are known by the same kind of name; names NULL: there are
 * none. */
struct sl_certificates {
	struct sl_lookup *names;
	const struct sl_consumer_certificate **certificate;
	const struct sl_consumer **owner;
};

/* The second of two that nobody could tell apart. */
struct sl_roster_twice {
	const struct sl_login *login;
	const struct sl_consumer_certificate *certificate;
};

struct sl_roster {
	const struct sl_consumer *consumers;
	struct sl_lookup *names;
	/* Of all consumers' logins, in the order of the names. */
	struct sl_lookup *logins;
	const struct sl_login **login;
	const struct sl_consumer **owner;
	unsigned logins_nr;
	struct sl_certificates certificates[SL_CERTIFICATE_KINDS];
};

/* Of consumers that outlive it, each name once.  NULL: no memory, or no randomness; or, with one of
 * *ret_twice set, none was made. */
struct sl_roster *sl_roster_new(struct sl_arena *arena, const struct sl_consumer *consumers,
				unsigned nr, struct sl_roster_twice *ret_twice);
/* NULL: there is none. */
const struct sl_consumer *sl_roster_find(const struct sl_roster *roster, struct sl_str name);
/* The login and whose it is; false, with both set to NULL: there is none. */
bool sl_roster_find_login(const struct sl_roster *roster, struct sl_str name,
			  const struct sl_login **ret_login,
			  const struct sl_consumer **ret_consumer);
/* Whose certificates have it; NULL: nobody's, or it is empty. */
const struct sl_consumer *sl_roster_find_certificate(const struct sl_roster *roster,
						     enum sl_certificate_kind kind,
						     struct sl_str value);

#endif
