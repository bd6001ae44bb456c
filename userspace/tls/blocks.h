/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's memory for records: a block holds one, opened or sealed; idle connections have none.
 */
#ifndef SL_TLS_BLOCKS_H
#define SL_TLS_BLOCKS_H

#include <stdint.h>

#include "base/budget.h"
#include "base/list.h"
#include "base/slab.h"

enum {
	SL_TLS_PLAIN_MAX = 16384, /* RFC 8446 5.1 */
	/* What sealing adds, and what OpenSSL may have to say besides: an alert, a KeyUpdate. */
	SL_TLS_BLOCK_BYTES = SL_TLS_PLAIN_MAX + 512,
	/* What OpenSSL keeps of an idle connection, about (measured: README.md). */
	SL_TLS_CHARGE = 16 * 1024,
};

struct sl_tls_blocks {
	struct sl_slab blocks;
	struct sl_slab connections;
	struct sl_budget *budget;
	struct sl_list waiting; /* handshakes, for the turn of the loop that is theirs */
	unsigned steps;		/* of handshakes, in this turn */
};

/* All that is taken is drawn from the budget. */
void sl_tls_blocks_init(struct sl_tls_blocks *b, struct sl_budget *budget);
void sl_tls_blocks_fini(struct sl_tls_blocks *b);
char *sl_tls_block_get(struct sl_tls_blocks *b);	     /* NULL: out of memory */
void sl_tls_block_put(struct sl_tls_blocks *b, char *block); /* NULL is fine */

#endif
