// SPDX-License-Identifier: Apache-2.0
// Provided buffer rings (io_uring_register_buf_ring(3), Linux 5.19).
#include "core/bufs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void *map_pages(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static size_t ring_bytes(const struct sl_bufs *b)
{
	return b->entries * sizeof(struct io_uring_buf);
}

static void give(struct sl_bufs *b, uint16_t id)
{
	io_uring_buf_ring_add(b->br, sl_bufs_mem(b, id), b->size, id,
			      io_uring_buf_ring_mask(b->entries), 0);
	io_uring_buf_ring_advance(b->br, 1);
}

int sl_bufs_grow(struct sl_bufs *b)
{
	size_t bytes = (size_t)b->slab * b->size;
	char *slab;

	if (b->nr >= b->entries)
		return -ENOBUFS;
	if (!sl_budget_take(b->budget, bytes))
		return -ENOBUFS;
	slab = map_pages(bytes);
	if (!slab) {
		sl_budget_give(b->budget, bytes);
		return -ENOMEM;
	}
	b->slabs[b->nr / b->slab] = slab;
	for (unsigned i = 0; i < b->slab; i++)
		give(b, b->nr++);
	return 0;
}

static int register_ring(struct sl_bufs *b)
{
	struct io_uring_buf_reg reg = {
		.ring_addr = (uint64_t)(uintptr_t)b->br,
		.ring_entries = b->entries,
		.bgid = b->group,
	};
	int ret = io_uring_register_buf_ring(b->ring, &reg, 0);

	if (ret < 0)
		return ret;
	io_uring_buf_ring_init(b->br);
	return 0;
}

int sl_bufs_init(struct sl_bufs *b, struct io_uring *ring, struct sl_budget *budget, uint16_t group,
		 uint32_t size, uint16_t slab, uint16_t entries)
{
	int ret;

	*b = (struct sl_bufs){
		.ring = ring, .group = group, .entries = entries, .slab = slab, .size = size
	};
	b->br = map_pages(ring_bytes(b));
	b->slabs = calloc(entries / slab, sizeof(*b->slabs));
	b->next = calloc(entries, sizeof(*b->next));
	b->len = calloc(entries, sizeof(*b->len));
	if (!b->br || !b->slabs || !b->next || !b->len)
		ret = -ENOMEM;
	else
		ret = register_ring(b);
	if (ret == 0)
		ret = sl_bufs_grow(b);
	if (ret < 0)
		sl_bufs_fini(b);
	else
		b->budget =
			budget; /* the first slab is no request's: however small, the loop starts */
	return ret;
}

/* After the ring itself is gone: the kernel may write here until then. */
void sl_bufs_fini(struct sl_bufs *b)
{
	for (unsigned i = 0; b->slabs && i < b->entries / b->slab; i++)
		if (b->slabs[i])
			munmap(b->slabs[i], (size_t)b->slab * b->size);
	free(b->slabs);
	free(b->next);
	free(b->len);
	if (b->br)
		munmap(b->br, ring_bytes(b));
	memset(b, 0, sizeof(*b));
}

void sl_bufs_take(struct sl_bufs *b, uint16_t id, uint32_t len)
{
	b->out++;
	b->len[id] = len;
	b->next[id] = SL_BUF_NONE;
}

void sl_bufs_put(struct sl_bufs *b, uint16_t id)
{
	b->out--;
	give(b, id);
}
