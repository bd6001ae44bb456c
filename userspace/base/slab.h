/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of one size, reused: connections come and go without the heap seeing it.  One thread
 * only. */
#ifndef SL_BASE_SLAB_H
#define SL_BASE_SLAB_H

#include <stddef.h>

struct sl_slab_block;

struct sl_slab {
	size_t size;
	void *free;
	struct sl_slab_block *blocks;
};

void sl_slab_init(struct sl_slab *s, size_t object_size);
void sl_slab_fini(struct sl_slab *s); /* frees all objects, given back or not */
/* Not cleared; NULL when out of memory. */
void *sl_slab_get(struct sl_slab *s);
void sl_slab_put(struct sl_slab *s, void *object); /* NULL is fine */

#endif
