// SPDX-License-Identifier: Apache-2.0
// Provided buffers: they run out, grow, run out for good, and come back.
#include "core/bufs.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/loop.h"
#include "loopback.h"
#include "tap.h"

enum { GROUP = 7, BYTES = 64, SLAB = 2, ENTRIES = 4 };

struct one {
	struct sl_op op;
	int res;
	uint32_t flags;
	unsigned nr;
};

static void on_received(struct sl_op *op, int res, uint32_t flags)
{
	struct one *o = sl_container_of(op, struct one, op);

	o->res = res;
	o->flags = flags;
	o->nr++;
}

/* Receives once and keeps the buffer: how many bytes are in it, or a negative errno. */
static int receive(struct sl_loop *loop, struct sl_bufs *b, int fd, uint16_t *ret_id)
{
	struct one o = { .op.done = on_received };

	sl_ring_recv(loop, &o.op, fd, b, SL_RECV_ONCE);
	loopback_until(loop, &o.nr, 1);
	if (o.res < 0)
		return o.res;
	*ret_id = (uint16_t)(o.flags >> IORING_CQE_BUFFER_SHIFT);
	sl_bufs_take(b, *ret_id, (uint32_t)o.res);
	return o.res;
}

static bool holds(const struct sl_bufs *b, uint16_t id, unsigned nth)
{
	const char *mem = sl_bufs_mem(b, id);

	for (unsigned i = 0; i < BYTES; i++)
		if ((uint8_t)mem[i] != loopback_byte((uint64_t)nth * BYTES + i))
			return false;
	return true;
}

static void send_buffers(int fd, unsigned from, unsigned nr)
{
	char mem[(ENTRIES + 1) * BYTES];

	for (unsigned i = 0; i < nr * BYTES; i++)
		mem[i] = (char)loopback_byte((uint64_t)from * BYTES + i);
	loopback_write(fd, mem, (size_t)nr * BYTES);
}

static void run_dry(struct sl_loop *loop, struct sl_bufs *b, int fd, int peer)
{
	uint16_t ids[ENTRIES], id;

	send_buffers(peer, 0, ENTRIES + 1);
	for (unsigned i = 0; i < ENTRIES; i++) {
		if (i == SLAB) {
			is_int(receive(loop, b, fd, &id), -ENOBUFS,
			       "with all buffers out: -ENOBUFS");
			is_int(sl_bufs_grow(b), 0, "then a slab more is given");
		}
		is_int(receive(loop, b, fd, &ids[i]), BYTES, "buffer %u is filled", i);
	}
	is_int(receive(loop, b, fd, &id), -ENOBUFS, "with all that may be out: -ENOBUFS");
	is_int(sl_bufs_grow(b), -ENOBUFS, "and no more are given");
	is_int(b->out, ENTRIES, "all are in our hands");
	for (unsigned i = 0; i < ENTRIES; i++)
		ok(holds(b, ids[i], i), "buffer %u holds its bytes still", i);
	sl_bufs_put(b, ids[1]);
	is_int(receive(loop, b, fd, &id), BYTES, "one put back is used again");
	ok(id == ids[1] && holds(b, id, ENTRIES), "that very one, and what waited was not lost");
	sl_bufs_put(b, id);
	sl_bufs_put(b, ids[0]);
	sl_bufs_put(b, ids[2]);
	sl_bufs_put(b, ids[3]);
	is_int(b->out, 0, "put back, all are the kernel's");
	for (unsigned i = 0; i < 3 * ENTRIES; i++) {
		send_buffers(peer, 0, 1);
		if (receive(loop, b, fd, &id) == BYTES)
			sl_bufs_put(b, id);
	}
	is_int(b->out, 0, "and the ring goes round and round");
}

static void exhaustion(struct sl_loop *loop)
{
	struct sl_bufs b;
	int fds[2];

	loopback_pair(fds);
	is_int(sl_bufs_init(&b, &loop->ring, NULL, GROUP, BYTES, SLAB, ENTRIES), 0,
	       "a ring of %u buffers, %u at first", ENTRIES, SLAB);
	is_int(b.nr, SLAB, "has one slab");
	run_dry(loop, &b, fds[0], fds[1]);
	close(fds[0]);
	close(fds[1]);
	loopback_turns(loop, 2);
	io_uring_unregister_buf_ring(&loop->ring, GROUP);
	sl_bufs_fini(&b);
	sl_bufs_fini(&b);
	ok(!b.br && !b.slabs, "it ends once, and ending it again is harmless");
}

static void budget(struct sl_loop *loop)
{
	struct sl_budget budget = { .limit = SLAB * BYTES };
	struct sl_bufs b;

	is_int(sl_bufs_init(&b, &loop->ring, &budget, GROUP, BYTES, SLAB, 4 * SLAB), 0,
	       "a ring within a budget");
	is_int((int64_t)budget.used, 0, "what it has at first is not drawn from that");
	is_int(sl_bufs_grow(&b), 0, "the next slab is, and given");
	is_int((int64_t)budget.used, SLAB * BYTES, "and counted");
	is_int(sl_bufs_grow(&b), -ENOBUFS, "beyond the budget: none");
	is_int(b.nr, 2 * SLAB, "and none is made");
	sl_budget_give(&budget, SLAB * BYTES);
	is_int(sl_bufs_grow(&b), 0, "with room in the budget again: one more");
	io_uring_unregister_buf_ring(&loop->ring, GROUP);
	sl_bufs_fini(&b);
}

static void refused(struct sl_loop *loop)
{
	struct sl_bufs b;

	ok(sl_bufs_init(&b, &loop->ring, NULL, 0, BYTES, SLAB, ENTRIES) < 0,
	   "a group number that is taken is refused");
	ok(!b.br && !b.slabs && !b.next && !b.len, "and nothing is left of it");
}

static void facts(struct sl_loop *loop)
{
	exhaustion(loop);
	budget(loop);
	refused(loop);
}

int main(void)
{
	loopback_run(facts, 0);
	return done_testing();
}
