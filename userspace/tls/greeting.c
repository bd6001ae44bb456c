// SPDX-License-Identifier: Apache-2.0
// Gets a ClientHello out of a connection's queue.
#include "tls/greeting.h"

#include <errno.h>

static int wait_more(struct sl_conn *c, uint64_t deadline_ns)
{
	int ret = sl_conn_wait_data(c, deadline_ns);

	return ret > 0 ? 0 : ret < 0 ? ret : -EPIPE;
}

static int read_message(struct sl_tls_greeting *g, struct sl_str record)
{
	return sl_tls_hello_read(
		(struct sl_str){ record.ptr + SL_TLS_RECORD_HEAD, record.len - SL_TLS_RECORD_HEAD },
		&g->hello);
}

/* Larger than a buffer of the queue, or sent bit by bit, which could fill the queue with next to
 * nothing. */
static int collect(struct sl_tls_pieces *p, struct sl_conn *c, uint64_t deadline_ns)
{
	int ret = 0;

	while (ret == 0) {
		size_t taken;

		ret = wait_more(c, deadline_ns);
		if (ret < 0)
			return ret;
		ret = sl_tls_pieces_take(p, sl_conn_raw_peek(c), &taken);
		sl_conn_raw_consume(c, taken);
	}
	return ret < 0 ? ret : 0;
}

static int wait_in_pieces(struct sl_tls_greeting *g, struct sl_conn *c,
			  struct sl_tls_blocks *blocks, uint64_t deadline_ns)
{
	struct sl_tls_pieces p = { .len = 0 };
	char *block = sl_tls_block_get(blocks);
	int ret;

	_Static_assert((int)SL_TLS_HELLO_ROOM <= (int)SL_TLS_BLOCK_BYTES, "a block has room");
	if (!block)
		return -ENOMEM;
	p.to = (unsigned char *)block;
	ret = collect(&p, c, deadline_ns);
	if (ret == 0)
		ret = read_message(g, (struct sl_str){ block, p.len });
	if (ret < 0) {
		sl_tls_block_put(blocks, block);
		return ret;
	}
	g->block = block;
	g->len = p.len;
	return 0;
}

int sl_tls_greeting_wait(struct sl_tls_greeting *ret_greeting, struct sl_conn *c,
			 struct sl_tls_blocks *blocks, uint64_t deadline_ns)
{
	struct sl_str in = sl_conn_raw_peek(c);
	size_t whole = sl_tls_hello_whole(in);

	ret_greeting->block = NULL;
	if (whole)
		return read_message(ret_greeting, (struct sl_str){ in.ptr, whole });
	return wait_in_pieces(ret_greeting, c, blocks, deadline_ns);
}
