// SPDX-License-Identifier: Apache-2.0
// A worker's memory for records.
#include "tls/blocks.h"

#include "tls/records.h"

void sl_tls_blocks_init(struct sl_tls_blocks *b, struct sl_budget *budget)
{
	sl_slab_init(&b->blocks, SL_TLS_BLOCK_BYTES);
	sl_slab_init(&b->connections, sizeof(struct sl_tls));
	b->budget = budget;
	sl_list_init(&b->waiting);
	b->steps = 0;
}

void sl_tls_blocks_fini(struct sl_tls_blocks *b)
{
	sl_slab_fini(&b->blocks);
	sl_slab_fini(&b->connections);
}

char *sl_tls_block_get(struct sl_tls_blocks *b)
{
	char *block;

	if (!sl_budget_take(b->budget, SL_TLS_BLOCK_BYTES))
		return NULL;
	block = sl_slab_get(&b->blocks);
	if (!block)
		sl_budget_give(b->budget, SL_TLS_BLOCK_BYTES);
	return block;
}

void sl_tls_block_put(struct sl_tls_blocks *b, char *block)
{
	if (!block)
		return;
	sl_slab_put(&b->blocks, block);
	sl_budget_give(b->budget, SL_TLS_BLOCK_BYTES);
}
