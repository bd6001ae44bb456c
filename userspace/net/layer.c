// SPDX-License-Identifier: Apache-2.0
// What a layer has opened, and how a connection's calls come to it.
#include "net/layer.h"

#include <assert.h>
#include <errno.h>

#include "net/conn.h"

/* A block that is held stays; one that is used up need not. */
static void drop_plain(struct sl_layer *l)
{
	if (l->plain != l->held)
		l->ops->put_block(l, l->plain);
	l->plain = NULL;
	l->at = l->end = 0;
}

struct sl_str sl_layer_peek(const struct sl_layer *l)
{
	return (struct sl_str){ l->plain + l->at, l->end - l->at };
}

void sl_layer_consume(struct sl_conn *c, size_t n)
{
	struct sl_layer *l = c->layer;

	assert(n <= l->end - l->at);
	l->at += (uint32_t)n;
	if (l->at < l->end)
		return;
	drop_plain(l);
	l->ops->open(c); /* what is there is shown without another wait */
}

void sl_layer_release(struct sl_layer *l)
{
	if (l->held && l->held != l->plain)
		l->ops->put_block(l, l->held);
	l->held = NULL;
}

/* What the kernel has opened: an end without the word for it is none. */
static bool received_opened(struct sl_conn *c, int res)
{
	if (res == 0)
		c->rx_error = -ECONNRESET;
	else if (res < 0 && res != -ECANCELED)
		c->layer->ops->on_odd(c, res);
	return true;
}

bool sl_layer_received(struct sl_conn *c, int res)
{
	struct sl_layer *l = c->layer;

	if (l->passes_in)
		return received_opened(c, res);
	if (res == 0)
		l->eof = true;
	else if (res < 0 && res != -ECANCELED)
		l->rx_error = (int16_t)res;
	if (l->at == l->end && !c->eof && !c->rx_error)
		l->ops->open(c);
	return l->at < l->end || c->eof || c->rx_error || !c->armed;
}

void sl_layer_close(struct sl_conn *c)
{
	struct sl_layer *l = c->layer;

	if (!l->is_aborted && c->fd >= 0)
		l->ops->say_end(c, false);
	sl_layer_release(l);
	if (l->plain)
		drop_plain(l);
	c->layer = NULL;
}

/* What the socket has said so far is the layer's to judge. */
void sl_conn_put_layer(struct sl_conn *c, struct sl_layer *l)
{
	assert(!c->layer && c->rx_held == SL_BUF_NONE);
	c->layer = l;
	if (l->passes_in)
		return;
	l->eof = c->eof;
	l->rx_error = c->rx_error;
	c->eof = false;
	c->rx_error = 0;
	l->ops->open(c);
}
