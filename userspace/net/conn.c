// SPDX-License-Identifier: Apache-2.0
// One stream socket as a fiber sees it.
#include "net/conn.h"

#include <assert.h>
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	QUEUE_MAX =
		4, /* buffers that may pile up behind a busy fiber before the receive is ended */
	LINGER_BYTES = 1 << 20,
	BATCH_MIN = 4, /* completions in a turn: from here on sends leave together */
};

static void notify(struct sl_conn *c)
{
	if (c->reader)
		sl_fiber_wake(c->loop, c->reader);
	else if (c->on_event)
		c->on_event(c);
}

static void enqueue(struct sl_conn *c, uint16_t id, uint32_t len)
{
	sl_bufs_take(c->rx_bufs, id, len);
	if (c->rx_first == SL_BUF_NONE)
		c->rx_first = id;
	else
		c->rx_bufs->next[c->rx_last] = id;
	c->rx_last = id;
	c->rx_queued++;
}

/* Only small buffers are held; the same number in the other group is another buffer. */
static bool is_held(const struct sl_conn *c, uint16_t id)
{
	return id == c->rx_held && c->rx_bufs == &c->loop->small;
}

static void drop_first(struct sl_conn *c)
{
	uint16_t id = c->rx_first;

	c->rx_first = c->rx_bufs->next[id];
	c->rx_skip = 0;
	c->rx_queued--;
	if (!is_held(c, id))
		sl_bufs_put(c->rx_bufs, id);
}

static void drop_all(struct sl_conn *c)
{
	sl_conn_release(c);
	while (c->rx_first != SL_BUF_NONE)
		drop_first(c);
}

bool sl_conn_can_hold(const struct sl_conn *c)
{
	return sl_layer_shows(c->layer) || c->rx_bufs == &c->loop->small;
}

void sl_conn_hold(struct sl_conn *c)
{
	if (sl_layer_shows(c->layer)) {
		assert(!c->layer->held && c->layer->plain);
		c->layer->held = c->layer->plain;
		return;
	}
	assert(c->rx_held == SL_BUF_NONE && c->rx_first != SL_BUF_NONE);
	assert(c->rx_bufs == &c->loop->small);
	c->rx_held = c->rx_first;
}

void sl_conn_release(struct sl_conn *c)
{
	uint16_t id = c->rx_held;
	/* Buffers are consumed in order, so a held one is either first or gone from the queue. */
	bool is_queued = is_held(c, c->rx_first);

	if (c->layer)
		sl_layer_release(c->layer);
	if (id == SL_BUF_NONE)
		return;
	c->rx_held = SL_BUF_NONE;
	if (!is_queued)
		sl_bufs_put(&c->loop->small, id);
}

static void cancel_receive(struct sl_conn *c)
{
	if (!c->armed || c->cancelling)
		return;
	c->cancelling = true;
	sl_ring_cancel(c->loop, &c->rx_op);
}

static void on_retry(struct sl_starved *s)
{
	struct sl_conn *c = sl_container_of(s, struct sl_conn, starved);

	sl_conn_arm(c, SL_RECV_ONCE);
}

/* No buffer was free.  With more memory given, or from the small ones, try again at once; else when
 * one comes back.  It is not this connection's fault, so it is no error of it. */
static void on_starved(struct sl_conn *c)
{
	struct sl_bufs *small = &c->loop->small;
	bool is_dry = c->rx_bufs->out == c->rx_bufs->nr; /* others may have been here before us */

	if (!is_dry || sl_bufs_grow(c->rx_bufs) == 0) {
		sl_conn_arm(c, SL_RECV_ONCE);
	} else if (c->rx_bufs != small && c->rx_first == SL_BUF_NONE) {
		c->rx_next = small;
		sl_conn_arm(c, SL_RECV_ONCE);
	} else if (sl_list_is_alone(&c->starved.node)) {
		sl_loop_starve(c->loop, &c->starved);
	}
}

static void on_received(struct sl_op *op, int res, uint32_t flags)
{
	struct sl_conn *c = sl_container_of(op, struct sl_conn, rx_op);
	bool has_news = true;

	if (!(flags & IORING_CQE_F_MORE))
		c->armed = c->cancelling = false;
	if (res > 0)
		enqueue(c, (uint16_t)(flags >> IORING_CQE_BUFFER_SHIFT), (uint32_t)res);
	if (c->closing) {
		drop_all(c);
		if (!c->armed)
			c->on_closed(c);
		return;
	}
	if (res == -ENOBUFS) {
		on_starved(c);
		return;
	}
	if (__builtin_expect(c->layer != NULL, 0)) {
		has_news = sl_layer_received(c, res);
	} else if (res == 0) {
		c->eof = true;
	} else if (res < 0 && res != -ECANCELED) {
		c->rx_error = (int16_t)res;
	}
	if (c->rx_queued >= QUEUE_MAX)
		cancel_receive(c);
	if (has_news)
		notify(c);
}

void sl_conn_init(struct sl_conn *c, struct sl_loop *loop, int fd)
{
	*c = (struct sl_conn){
		.loop = loop,
		.rx_op.done = on_received,
		.rx_bufs = &loop->small,
		.rx_next = &loop->small,
		.rx_first = SL_BUF_NONE,
		.rx_last = SL_BUF_NONE,
		.rx_held = SL_BUF_NONE,
		.fd = fd,
		.until_ns = SL_NEVER,
		.starved.retry = on_retry,
	};
	sl_list_init(&c->starved.node);
}

void sl_conn_close(struct sl_conn *c)
{
	assert(!c->closing);
	c->closing = true;
	c->reader = NULL;
	if (c->layer)
		sl_layer_close(c);
	drop_all(c);
	sl_list_del(&c->starved.node);
	cancel_receive(c);
	if (c->fd >= 0)
		sl_ring_close(c->loop, c->fd);
	c->fd = -1;
	if (!c->armed)
		c->on_closed(c);
}

void sl_conn_arm(struct sl_conn *c, enum sl_recv_how how)
{
	if (c->armed || c->eof || c->rx_error)
		return;
	if (c->rx_first == SL_BUF_NONE)
		c->rx_bufs = c->rx_next;
	c->armed = true;
	c->multishot = how == SL_RECV_MULTISHOT;
	sl_ring_recv(c->loop, &c->rx_op, c->fd, c->rx_bufs, how);
}

struct sl_str sl_conn_raw_peek(const struct sl_conn *c)
{
	if (c->rx_first == SL_BUF_NONE)
		return (struct sl_str){ NULL, 0 };
	return (struct sl_str){ sl_bufs_mem(c->rx_bufs, c->rx_first) + c->rx_skip,
				c->rx_bufs->len[c->rx_first] - c->rx_skip };
}

struct sl_str sl_conn_peek(const struct sl_conn *c)
{
	return sl_layer_shows(c->layer) ? sl_layer_peek(c->layer) : sl_conn_raw_peek(c);
}

int sl_conn_wait_data(struct sl_conn *c, uint64_t deadline_ns)
{
	while (!sl_conn_has_data(c)) {
		if (c->rx_error)
			return c->rx_error;
		if (c->eof)
			return 0;
		if (sl_fiber_is_cancelled(c->reader))
			return -ECANCELED;
		if (c->loop->now_ns >= deadline_ns)
			return -ETIMEDOUT;
		sl_conn_arm(c, SL_RECV_ONCE);
		sl_fiber_park(c->loop, deadline_ns);
	}
	return 1;
}

void sl_conn_raw_consume(struct sl_conn *c, size_t n)
{
	assert(c->rx_first != SL_BUF_NONE && n <= c->rx_bufs->len[c->rx_first] - c->rx_skip);
	c->rx_skip += (uint32_t)n;
	if (c->rx_skip == c->rx_bufs->len[c->rx_first])
		drop_first(c);
}

void sl_conn_consume(struct sl_conn *c, size_t n)
{
	if (sl_layer_shows(c->layer))
		sl_layer_consume(c, n);
	else
		sl_conn_raw_consume(c, n);
}

void sl_conn_use_bufs(struct sl_conn *c, struct sl_bufs *bufs)
{
	c->rx_next = bufs;
	/* A one-shot receive is left to end by itself: what it takes is what was asked for. */
	if (c->rx_bufs != bufs && c->multishot)
		cancel_receive(c);
}

/* A full socket takes a part: each part starts the time anew. */
static uint64_t next_deadline(const struct sl_conn *c, uint64_t patience_ns)
{
	uint64_t next =
		patience_ns == SL_NEVER ? SL_NEVER : sl_deadline(c->loop->now_ns, patience_ns);

	return next < c->until_ns ? next : c->until_ns;
}

static uint64_t patience_until(const struct sl_conn *c, uint64_t deadline_ns)
{
	if (deadline_ns == SL_NEVER)
		return SL_NEVER;
	return deadline_ns > c->loop->now_ns ? deadline_ns - c->loop->now_ns : 1;
}

/* Nearly always the socket has room, and the call is over at once: through the ring the same send
 * would cost a completion and another turn of the loop (measured at half load: a tenth of the
 * request).  Under load that turn comes anyway, and sends that leave together wake the peers less
 * often (measured: 1 % of a small request on a quiet machine, up to 9 % on a busy one). */
static bool sends_at_once(const struct sl_conn *c)
{
	return c->loop->batch < BATCH_MIN;
}

/* Bytes sent; 0: the ring has to wait for room. */
static ssize_t sent_now(ssize_t n)
{
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

int sl_conn_raw_send(struct sl_conn *c, const void *mem, size_t len, uint64_t deadline_ns)
{
	uint64_t patience_ns = patience_until(c, deadline_ns);
	ssize_t n = 0;
	const char *p = mem;

	if (sends_at_once(c))
		n = sent_now(send(c->fd, mem, len, MSG_DONTWAIT | MSG_NOSIGNAL));
	if (n < 0)
		return (int)n;
	p += n;
	len -= (size_t)n;
	while (len > 0) {
		struct sl_wait w;
		int ret;

		sl_wait_init(&w, c->loop);
		sl_ring_send(c->loop, &w.op, c->fd, p, len);
		ret = sl_wait_for(&w, deadline_ns);
		if (ret < 0)
			return ret;
		p += ret;
		len -= (size_t)ret;
		deadline_ns = next_deadline(c, patience_ns);
	}
	return 0;
}

/* The one piece, through the layer. */
static int seal_and_send(struct sl_conn *c, const void *mem, size_t len, uint64_t deadline_ns,
			 bool is_last)
{
	struct iovec iov = { (void *)mem, len };

	return c->layer->ops->sendv(c, &iov, 1, deadline_ns, is_last);
}

int sl_conn_send(struct sl_conn *c, const void *mem, size_t len, uint64_t deadline_ns)
{
	if (sl_layer_seals(c->layer))
		return seal_and_send(c, mem, len, deadline_ns, false);
	return sl_conn_raw_send(c, mem, len, deadline_ns);
}

bool sl_conn_has_unread(const struct sl_conn *c)
{
	int n = 0;

	return sl_conn_has_data(c) || c->rx_first != SL_BUF_NONE ||
	       (c->fd >= 0 && ioctl(c->fd, FIONREAD, &n) == 0 && n > 0);
}

int sl_conn_send_last(struct sl_conn *c, const void *mem, size_t len, uint64_t deadline_ns)
{
	/* The kernel's records end with one that says so, which no close sends by itself. */
	if (c->armed || sl_conn_has_unread(c) || (c->layer && c->layer->passes_out))
		return sl_conn_send(c, mem, len, deadline_ns);
	if (sl_layer_seals(c->layer))
		return seal_and_send(c, mem, len, deadline_ns, true);
	return sl_conn_raw_send_last(c, mem, len, deadline_ns);
}

int sl_conn_raw_send_last(struct sl_conn *c, const void *mem, size_t len, uint64_t deadline_ns)
{
	struct sl_wait w;
	int ret;

	sl_wait_init(&w, c->loop);
	sl_ring_send_last(c->loop, &w.op, c->fd, mem, len);
	ret = sl_wait_for(&w, deadline_ns);
	if (ret < 0)
		return ret;
	if ((size_t)ret < len)
		return sl_conn_raw_send(c, (const char *)mem + ret, len - (size_t)ret, deadline_ns);
	c->fd = -1; /* and whatever comes next on this number is not ours */
	c->eof = true;
	return 0;
}

static void skip_sent(struct iovec **iov, unsigned *nr, size_t sent)
{
	while (*nr && sent >= (*iov)->iov_len) {
		sent -= (*iov)->iov_len;
		++*iov;
		--*nr;
	}
	if (*nr) {
		(*iov)->iov_base = (char *)(*iov)->iov_base + sent;
		(*iov)->iov_len -= sent;
	}
}

int sl_conn_sendv(struct sl_conn *c, struct iovec *iov, unsigned nr, uint64_t deadline_ns)
{
	uint64_t patience_ns = patience_until(c, deadline_ns);
	struct msghdr first = { .msg_iov = iov, .msg_iovlen = nr };
	ssize_t n = 0;

	if (sl_layer_seals(c->layer))
		return c->layer->ops->sendv(c, iov, nr, deadline_ns, false);
	if (sends_at_once(c))
		n = sent_now(sendmsg(c->fd, &first, MSG_DONTWAIT | MSG_NOSIGNAL));
	if (n < 0)
		return (int)n;
	skip_sent(&iov, &nr, (size_t)n);
	while (nr > 0) {
		struct msghdr msg = { .msg_iov = iov, .msg_iovlen = nr };
		struct sl_wait w;
		int ret;

		sl_wait_init(&w, c->loop);
		sl_ring_sendmsg(c->loop, &w.op, c->fd, &msg);
		ret = sl_wait_for(&w, deadline_ns);
		if (ret < 0)
			return ret;
		skip_sent(&iov, &nr, (size_t)ret);
		deadline_ns = next_deadline(c, patience_ns);
	}
	return 0;
}

int sl_conn_pass_out(struct sl_conn *c, uint64_t deadline_ns)
{
	if (sl_layer_seals(c->layer))
		return c->layer->ops->pass_out(c, deadline_ns);
	return 0;
}

int sl_conn_disarm(struct sl_conn *c, uint64_t deadline_ns)
{
	while (c->armed) {
		if (sl_fiber_is_cancelled(c->reader))
			return -ECANCELED;
		if (c->loop->now_ns >= deadline_ns)
			return -ETIMEDOUT;
		cancel_receive(c);
		sl_fiber_park(c->loop, deadline_ns);
	}
	return 0;
}

int sl_conn_connect(struct sl_conn *c, const struct sockaddr *addr, socklen_t len,
		    uint64_t deadline_ns)
{
	struct sl_wait w;

	sl_wait_init(&w, c->loop);
	sl_ring_connect(c->loop, &w.op, c->fd, addr, len);
	return sl_wait_for(&w, deadline_ns);
}

void sl_conn_shutdown_write(struct sl_conn *c)
{
	if (c->layer)
		c->layer->ops->say_end(c, true);
	shutdown(c->fd, SHUT_WR);
}

void sl_conn_say_end(struct sl_conn *c)
{
	if (c->layer && !c->layer->is_aborted && c->fd >= 0)
		c->layer->ops->say_end(c, true);
}

void sl_conn_abort_on_close(struct sl_conn *c)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	if (c->layer)
		c->layer->is_aborted = true;
}

void sl_conn_linger(struct sl_conn *c)
{
	uint64_t deadline_ns = c->loop->now_ns + SL_SEC;
	size_t seen = 0;

	sl_conn_shutdown_write(c);
	while (seen < LINGER_BYTES && sl_conn_wait_data(c, deadline_ns) > 0) {
		size_t n = sl_conn_peek(c).len;

		seen += n;
		sl_conn_consume(c, n);
	}
}
