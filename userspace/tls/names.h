/* SPDX-License-Identifier: Apache-2.0 */
/* Which certificates are for which name. */
#ifndef SL_TLS_NAMES_H
#define SL_TLS_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "tls/pair.h"

enum { SL_TLS_NO_PAIR = 0xffff, SL_TLS_HOST_MAX = 253 };

/* What a name is served with: for each kind of key the number of a pair, or SL_TLS_NO_PAIR. */
struct sl_tls_choice {
	uint16_t pair[SL_TLS_KEY_KINDS];
};

struct sl_tls_name {
	char *host; /* in lower case; ".example.com" is "*.example.com" */
	size_t len;
	uint16_t pair;
	uint16_t kind;	 /* of its key */
	uint16_t choice; /* for the owner of the table; what sl_tls_names_find() gives */
};

struct sl_tls_names {
	struct sl_tls_name *name;
	unsigned nr, room;
};

void sl_tls_names_fini(struct sl_tls_names *t);
/* "*.example.com" stands for one label more.  What is no host name, as a certificate may hold
 * anything, is left out.  0 or -ENOMEM. */
int sl_tls_names_add(struct sl_tls_names *t, struct sl_str host, unsigned pair,
		     enum sl_tls_key_kind kind);
/* When all are there: calls back for each name with the first pair of each kind that it has, and
 * keeps what comes back, which must not be negative; else returns it. */
int sl_tls_names_settle(struct sl_tls_names *t,
			int (*choose)(void *arg, const struct sl_tls_choice *choice), void *arg);
/* What was kept for this name, in any case, or for the wildcard above it; -1: nothing. */
int sl_tls_names_find(const struct sl_tls_names *t, struct sl_str host);

#endif
