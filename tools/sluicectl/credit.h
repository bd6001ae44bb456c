/* SPDX-License-Identifier: Apache-2.0 */
/* What a client has used up of its limits, out of the kernel's cells. */
#ifndef SL_SLUICECTL_CREDIT_H
#define SL_SLUICECTL_CREDIT_H

#include "ctl.h"
#include "kern/limit.h"
#include "sluice/client.h"

struct credit {
	bool is_limited;
	double per_s, burst; /* the limit */
	double left;	     /* how many the client could take at once now */
	double used;	     /* 0 to 1: how much of the burst is used up */
	double ahead_ms;     /* until all of it is there again */
};

/* Of each kind, by enum sl_limit_kind.  Another client with the same set and tag (one of 2^18 in
 * the set) cannot be told from this one. */
void credit_read(const struct sl_gate *gate, const struct sl_address *client, uint64_t now_ns,
		 struct credit ret_credit[SL_CREDITS]);
/* The client has its whole credit again: how many words it had.  Negative errno. */
int credit_clear(const struct sl_gate *gate, const struct sl_address *client);
/* Those kinds that are limited, as an array or a line each. */
json_t *credit_json(const struct credit credit[SL_CREDITS]);
void credit_print(const struct credit credit[SL_CREDITS]);

/* False: it is not punished now; *ret_punishment is what there still is of an older one, or
 * zero. */
bool credit_find_punishment(const struct sl_gate *gate, const struct sl_address *client,
			    uint64_t now_ns, struct sl_punishment *ret_punishment);

#endif
