/* SPDX-License-Identifier: Apache-2.0 */
/* Provided buffers: the kernel picks one when bytes arrive, so a connection that waits holds none.
 */
#ifndef SL_CORE_BUFS_H
#define SL_CORE_BUFS_H

#include <liburing.h>
#include <stdint.h>

#include "base/budget.h"

enum { SL_BUF_NONE = 0xffff };

/* The ring is a queue: it walks through all of its memory, so it starts small enough for the L2
 * cache (measured: 16 x 64 KiB instead of 512 x 64 KiB takes 24 % off a 100 KB body) and grows when
 * it runs dry. */
struct sl_bufs {
	struct io_uring *ring;
	struct sl_budget *budget;
	struct io_uring_buf_ring *br;
	uint16_t group;
	uint16_t entries; /* a power of two; the most there can be */
	uint16_t slab;	  /* how many more at a time */
	uint16_t nr;	  /* there are */
	uint16_t out;	  /* in our hands */
	uint32_t size;	  /* bytes each */
	char **slabs;	  /* entries / slab of them */
	uint16_t *next;	  /* links of the lists that connections keep */
	uint32_t *len;	  /* bytes received, while in our hands */
};

/* Slabs but the first are drawn from budget (may be NULL).  0 or a negative errno. */
int sl_bufs_init(struct sl_bufs *b, struct io_uring *ring, struct sl_budget *budget, uint16_t group,
		 uint32_t size, uint16_t slab, uint16_t entries);
void sl_bufs_fini(struct sl_bufs *b);
/* After -ENOBUFS: adds a slab.  -ENOBUFS when there are as many as there may be. */
int sl_bufs_grow(struct sl_bufs *b);

static inline char *sl_bufs_mem(const struct sl_bufs *b, uint16_t id)
{
	return b->slabs[id / b->slab] + (size_t)(id % b->slab) * b->size;
}

/* The kernel filled this one: it is ours until put back. */
void sl_bufs_take(struct sl_bufs *b, uint16_t id, uint32_t len);
void sl_bufs_put(struct sl_bufs *b, uint16_t id);

#endif
