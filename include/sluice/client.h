/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Who is one client to limits and punishments, and where its credit is: for all who charge it. */
#ifndef SLUICE_CLIENT_H
#define SLUICE_CLIENT_H

#include "sluice/abi.h"

/* The prefix that is one client. */
SL_INLINE struct sl_address sl_client_of(const struct sl_control *c, __u64 hi, __u64 lo)
{
	struct sl_address client = { .hi = hi & c->client6 };

	if (sl_is_mapped4(hi, lo))
		client.lo = 0xffffull << 32 | (lo & c->client4);
	return client;
}

/* Its lower bits choose the set (& cells_mask): all of a client's words are in one cache line. */
SL_INLINE __u64 sl_client_hash(const struct sl_control *c, const struct sl_address *client)
{
	return sl_mix64(sl_mix64(client->hi ^ c->secret[0]) ^ client->lo ^ c->secret[1]);
}

/* Its word there. */
SL_INLINE __u64 sl_credit_tag(__u64 hash, __u32 kind)
{
	return hash >> 46 << 2 | kind;
}

#endif
