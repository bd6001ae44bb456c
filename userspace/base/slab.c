// SPDX-License-Identifier: Apache-2.0
// Objects of one size, carved out of blocks and kept on a free list.
#include "base/slab.h"

#include <stdlib.h>

enum { OBJECTS_PER_BLOCK = 64, ALIGN = 16 };

struct sl_slab_block {
	struct sl_slab_block *next;
	_Alignas(ALIGN) char data[];
};

void sl_slab_init(struct sl_slab *s, size_t object_size)
{
	size_t size = object_size < sizeof(void *) ? sizeof(void *) : object_size;

	*s = (struct sl_slab){ .size = (size + ALIGN - 1) / ALIGN * ALIGN };
}

void sl_slab_fini(struct sl_slab *s)
{
	struct sl_slab_block *next;

	for (struct sl_slab_block *b = s->blocks; b; b = next) {
		next = b->next;
		free(b);
	}
	*s = (struct sl_slab){ .size = s->size };
}

static int add_block(struct sl_slab *s)
{
	struct sl_slab_block *b = malloc(sizeof(*b) + OBJECTS_PER_BLOCK * s->size);

	if (!b)
		return -1;
	b->next = s->blocks;
	s->blocks = b;
	for (int i = OBJECTS_PER_BLOCK - 1; i >= 0; i--)
		sl_slab_put(s, b->data + (size_t)i * s->size);
	return 0;
}

void *sl_slab_get(struct sl_slab *s)
{
	void *object;

	if (!s->free && add_block(s) < 0)
		return NULL;
	object = s->free;
	s->free = *(void **)object;
	return object;
}

void sl_slab_put(struct sl_slab *s, void *object)
{
	if (!object)
		return;
	*(void **)object = s->free;
	s->free = object;
}
