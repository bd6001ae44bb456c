/* SPDX-License-Identifier: Apache-2.0 */
/* Consumers by their names, and by the names that they log in with. */
#ifndef SL_POLICY_ROSTER_H
#define SL_POLICY_ROSTER_H

#include "policy/consumer.h"
#include "policy/lookup.h"

struct sl_roster {
	const struct sl_consumer *consumers;
	struct sl_lookup *names;
	/* Of all consumers' logins, in the order of the names. */
	struct sl_lookup *logins;
	const struct sl_login **login;
	const struct sl_consumer **owner;
	unsigned logins_nr;
};

/* Of consumers that outlive it, each name once.  NULL: no memory, or no randomness; or, with
 * *ret_twice set to the second of two logins with the same name, none was made. */
struct sl_roster *sl_roster_new(struct sl_arena *arena, const struct sl_consumer *consumers,
				unsigned nr, const struct sl_login **ret_twice);
/* NULL: there is none. */
const struct sl_consumer *sl_roster_find(const struct sl_roster *roster, struct sl_str name);
/* The login and whose it is; false, with both set to NULL: there is none. */
bool sl_roster_find_login(const struct sl_roster *roster, struct sl_str name,
			  const struct sl_login **ret_login,
			  const struct sl_consumer **ret_consumer);

#endif
