// SPDX-License-Identifier: Apache-2.0
// A connection as its fiber sees it: bytes in order, ends, resets, and pressure from both sides.
#include "net/conn.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "loopback.h"
#include "tap.h"

struct link {
	struct sl_conn conn;
	unsigned closed, events;
	int peer;
};

static void on_closed(struct sl_conn *c)
{
	sl_container_of(c, struct link, conn)->closed++;
}

static void on_event(struct sl_conn *c)
{
	sl_container_of(c, struct link, conn)->events++;
}

static void open_on(struct link *l, struct sl_loop *loop, const int fds[2])
{
	memset(l, 0, sizeof(*l));
	sl_conn_init(&l->conn, loop, fds[0]);
	l->conn.reader = sl_fiber_self(loop);
	l->conn.on_closed = on_closed;
	l->conn.on_event = on_event;
	l->peer = fds[1];
}

static void open_link(struct link *l, struct sl_loop *loop)
{
	int fds[2];

	loopback_pair(fds);
	open_on(l, loop, fds);
}

static void open_tcp(struct link *l, struct sl_loop *loop)
{
	int fds[2];

	loopback_tcp(fds);
	open_on(l, loop, fds);
}

static bool close_link(struct link *l)
{
	struct sl_loop *loop = l->conn.loop;

	sl_conn_close(&l->conn);
	loopback_until(loop, &l->closed, 1);
	loopback_turns(loop, 2);
	if (l->peer >= 0)
		close(l->peer);
	return l->closed == 1 && loop->small.out == 0 && loop->large.out == 0;
}

static void say(struct link *l, const char *text)
{
	loopback_write(l->peer, text, strlen(text));
}

static uint64_t soon(struct sl_loop *loop)
{
	return loop->now_ns + 5 * SL_SEC;
}

static void peek_and_consume(struct sl_loop *loop)
{
	struct link l;

	open_link(&l, loop);
	is_int((int64_t)sl_conn_peek(&l.conn).len, 0, "at first nothing is queued");
	is_int(sl_conn_wait_data(&l.conn, loop->now_ns + SL_MS), -ETIMEDOUT,
	       "a wait ends at its deadline");
	say(&l, "hello world");
	is_int(sl_conn_wait_data(&l.conn, soon(loop)), 1, "then bytes come");
	is_str(sl_conn_peek(&l.conn), "hello world", "and are seen");
	sl_conn_consume(&l.conn, 6);
	is_str(sl_conn_peek(&l.conn), "world", "what is consumed is gone");
	is_int(sl_conn_wait_data(&l.conn, 0), 1, "what is left is not waited for");
	sl_conn_consume(&l.conn, 5);
	is_int((int64_t)sl_conn_peek(&l.conn).len, 0, "all consumed: nothing is queued");
	is_int(loop->small.out, 0, "and the buffer is the kernel's again");
	ok(close_link(&l), "closed while a receive may be armed: told once, no buffer kept");
}

static void held(struct sl_loop *loop)
{
	struct sl_str head;
	struct link l;

	open_link(&l, loop);
	say(&l, "head");
	sl_conn_wait_data(&l.conn, soon(loop));
	head = sl_conn_peek(&l.conn);
	sl_conn_hold(&l.conn);
	sl_conn_consume(&l.conn, 4);
	is_int(loop->small.out, 1, "a held buffer is kept though it is consumed");
	say(&l, "body");
	sl_conn_wait_data(&l.conn, soon(loop));
	is_str(sl_conn_peek(&l.conn), "body", "what follows comes in another");
	is_str(head, "head", "and leaves it alone");
	sl_conn_release(&l.conn);
	is_int(loop->small.out, 1, "released, it is given back");
	sl_conn_release(&l.conn);
	is_int(loop->small.out, 1, "once");
	sl_conn_hold(&l.conn);
	sl_conn_release(&l.conn);
	is_str(sl_conn_peek(&l.conn), "body", "released before it is consumed: still queued");
	sl_conn_hold(&l.conn);
	ok(close_link(&l), "a close gives back what is held and what is queued");
}

/* The switch comes while small buffers are queued and a multishot receive fills more of them. */
static void small_to_large(struct sl_loop *loop)
{
	static char mem[100000];
	uint64_t at = 0, sent = 0;
	bool in_order = true, were_large = false;
	struct link l;

	for (size_t i = 0; i < sizeof(mem); i++)
		mem[i] = (char)loopback_byte(i);
	open_link(&l, loop);
	sl_conn_arm(&l.conn, SL_RECV_MULTISHOT);
	sent = loopback_write(l.peer, mem, 9000);
	loopback_turns(loop, 3);
	ok(l.conn.rx_queued > 1, "several small buffers are queued");
	sl_conn_use_bufs(&l.conn, &loop->large);
	while (at < sizeof(mem) && sl_conn_wait_data(&l.conn, soon(loop)) > 0) {
		struct sl_str in = sl_conn_peek(&l.conn);

		for (size_t i = 0; i < in.len; i++)
			in_order &= (uint8_t)in.ptr[i] == loopback_byte(at + i);
		were_large |= in.len > loop->small.size;
		at += in.len;
		sl_conn_consume(&l.conn, in.len);
		sent += loopback_write(l.peer, mem + sent, sizeof(mem) - sent);
	}
	ok(in_order && at == sizeof(mem), "all bytes come in order");
	ok(were_large, "and the later ones in large buffers");
	sl_conn_use_bufs(&l.conn, &loop->small);
	say(&l, "small");
	sl_conn_wait_data(&l.conn, soon(loop));
	ok(l.conn.rx_bufs == &loop->small, "and back to small ones");
	ok(close_link(&l), "nothing is kept");
}

static void ends(struct sl_loop *loop)
{
	struct link l;

	open_link(&l, loop);
	say(&l, "last");
	shutdown(l.peer, SHUT_WR);
	is_int(sl_conn_wait_data(&l.conn, soon(loop)), 1,
	       "what came before the end is heard first");
	sl_conn_consume(&l.conn, 4);
	is_int(sl_conn_wait_data(&l.conn, soon(loop)), 0, "then the end");
	is_int(sl_conn_wait_data(&l.conn, soon(loop)), 0, "and it stays the end");
	is_int(sl_conn_send(&l.conn, "bye", 3, soon(loop)), 0, "the other way is still open");
	ok(close_link(&l) && l.events == 0, "closed; a fiber that reads hears no events");
}

static void reset(struct sl_loop *loop)
{
	struct linger now = { 1, 0 };
	struct link l;

	open_tcp(&l, loop);
	say(&l, "last");
	sl_conn_arm(&l.conn, SL_RECV_MULTISHOT);
	loopback_turns(loop, 3);
	setsockopt(l.peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(l.peer);
	l.peer = -1;
	loopback_turns(loop, 3);
	is_int(sl_conn_wait_data(&l.conn, soon(loop)), 1,
	       "what came before a reset is heard first");
	sl_conn_consume(&l.conn, 4);
	is_int(sl_conn_wait_data(&l.conn, soon(loop)), -ECONNRESET, "then the reset");
	ok(close_link(&l), "closed");

	open_tcp(&l, loop);
	sl_conn_abort_on_close(&l.conn);
	sl_conn_close(&l.conn);
	loopback_until(loop, &l.closed, 1);
	loopback_turns(loop, 3);
	ok(recv(l.peer, &now, 1, MSG_DONTWAIT) < 0 && errno == ECONNRESET,
	   "a close that must not look complete is a reset");
	close(l.peer);
}

static void unattended(struct sl_loop *loop)
{
	struct link l;

	open_link(&l, loop);
	l.conn.reader = NULL;
	sl_conn_arm(&l.conn, SL_RECV_MULTISHOT);
	say(&l, "a");
	ok(loopback_until(loop, &l.events, 1), "with nobody reading, data is an event");
	close(l.peer);
	l.peer = -1;
	ok(loopback_until(loop, &l.events, 2) && l.conn.eof, "and so is the end");
	ok(close_link(&l), "closed with bytes queued: nothing is kept");

	open_link(&l, loop);
	sl_conn_close(&l.conn);
	is_int(l.closed, 1, "without a receive armed, a close is over at once");
	close(l.peer);

	open_link(&l, loop);
	sl_conn_arm(&l.conn, SL_RECV_ONCE);
	loopback_turns(loop, 1);
	say(&l, "just now");
	sl_conn_close(&l.conn);
	is_int(l.closed, 0, "with one armed it is not: the kernel may still write");
	loopback_until(loop, &l.closed, 1);
	loopback_turns(loop, 3);
	ok(l.closed == 1 && loop->small.out == 0,
	   "then it is told once, and what came is given back");
	close(l.peer);
}

/* A fiber that is busy does not make memory grow: the peer is made to wait instead. */
static void pressure(struct sl_loop *loop)
{
	uint64_t sent = 0, at = 0;
	unsigned most = 0;
	bool in_order = true;
	char mem[1000];
	struct link l;
	size_t n;

	open_link(&l, loop);
	sl_conn_arm(&l.conn, SL_RECV_MULTISHOT);
	for (unsigned quiet = 0; quiet < 5; quiet = n ? 0 : quiet + 1) {
		for (unsigned i = 0; i < sizeof(mem); i++)
			mem[i] = (char)loopback_byte(sent + i);
		n = loopback_write(l.peer, mem, sizeof(mem));
		sent += n;
		loopback_turns(loop, 1);
		most = l.conn.rx_queued > most ? l.conn.rx_queued : most;
		if (sent > 100 << 20)
			break;
	}
	ok(sent < 4 << 20, "while nobody consumes, the peer is stopped (after %u KB)",
	   (unsigned)(sent / 1000));
	ok(most <= 40 && !l.conn.armed, "with few buffers queued (%u), and no receive armed", most);
	shutdown(l.peer, SHUT_WR);
	while (sl_conn_wait_data(&l.conn, soon(loop)) > 0) {
		struct sl_str in = sl_conn_peek(&l.conn);

		for (size_t i = 0; i < in.len; i++)
			in_order &= (uint8_t)in.ptr[i] == loopback_byte(at + i);
		at += in.len;
		sl_conn_consume(&l.conn, in.len);
	}
	ok(in_order && at == sent, "and all that it sent is heard in the end, in order");
	ok(close_link(&l), "nothing is kept");
}

/* ---- sending ---- */

struct slow_reader {
	struct sl_loop *loop;
	int fd;
	uint64_t got;
	bool in_order;
	unsigned has_ended;
};

static void read_slowly(void *arg)
{
	struct slow_reader *r = arg;
	char mem[3000];
	size_t n = 1, i;

	r->in_order = true;
	while (n > 0) {
		struct sl_wait w;

		sl_wait_init(&w, r->loop);
		sl_ring_poll(r->loop, &w.op, r->fd, POLLIN);
		sl_wait_for(&w, SL_NEVER);
		n = loopback_read(r->fd, mem, sizeof(mem));
		for (i = 0; i < n; i++)
			r->in_order &= (uint8_t)mem[i] == loopback_byte(r->got + i);
		r->got += n;
	}
	r->has_ended++;
}

static void send_slowly(struct sl_loop *loop, bool is_tcp)
{
	static char mem[500001];
	struct slow_reader r = { .loop = loop };
	struct iovec iov[] = {
		{ NULL, 0 }, { mem, 1 }, { mem + 1, 300000 }, { NULL, 0 }, { mem + 300001, 200000 },
	};
	struct link l;

	for (size_t i = 0; i < sizeof(mem); i++)
		mem[i] = (char)loopback_byte(i);
	(is_tcp ? open_tcp : open_link)(&l, loop);
	r.fd = l.peer;
	sl_fiber_spawn(loop, read_slowly, &r, NULL);
	is_int(sl_conn_sendv(&l.conn, iov, 5, soon(loop)), 0, "pieces, some empty, are sent");
	is_int(sl_conn_sendv(&l.conn, iov, 0, soon(loop)), 0, "and so are none");
	sl_conn_shutdown_write(&l.conn);
	loopback_until(loop, &r.has_ended, 1);
	ok(r.got == sizeof(mem) && r.in_order, "a slow reader gets all of them, in order (%s)",
	   is_tcp ? "TCP" : "unix");
	ok(close_link(&l), "closed");
}

static void send_to_nobody(struct sl_loop *loop)
{
	static char mem[8 << 20];
	struct link l;

	open_link(&l, loop);
	is_int(sl_conn_send(&l.conn, mem, sizeof(mem), loop->now_ns + SL_MS), -ETIMEDOUT,
	       "a peer that takes nothing: a send ends at its deadline");
	close(l.peer);
	l.peer = -1;
	is_int(sl_conn_send(&l.conn, mem, 1, soon(loop)), -EPIPE, "a peer that is gone: -EPIPE");
	ok(close_link(&l), "closed");
}

static void linger(struct sl_loop *loop)
{
	static char mem[64 << 10];
	size_t sent;
	struct link l;

	open_link(&l, loop);
	sent = loopback_write(l.peer, mem, sizeof(mem));
	shutdown(l.peer, SHUT_WR);
	sl_conn_linger(&l.conn);
	ok(sent > 0 && l.conn.eof, "lingering reads away what still comes, until the end");
	is_int(recv(l.peer, mem, 1, MSG_DONTWAIT), 0, "and says first that no more is sent");
	ok(close_link(&l), "closed");
}

static void facts(struct sl_loop *loop)
{
	peek_and_consume(loop);
	held(loop);
	small_to_large(loop);
	ends(loop);
	reset(loop);
	unattended(loop);
	pressure(loop);
	send_slowly(loop, false);
	send_slowly(loop, true);
	send_to_nobody(loop);
	linger(loop);
}

/* ---- without memory ---- */

struct hog {
	struct sl_loop *loop;
	uint16_t last;
	struct sl_op op;
	unsigned nr;
	bool is_over;
};

static void on_hogged(struct sl_op *op, int res, uint32_t flags)
{
	struct hog *h = sl_container_of(op, struct hog, op);

	if (res > 0) {
		h->last = (uint16_t)(flags >> IORING_CQE_BUFFER_SHIFT);
		sl_bufs_take(&h->loop->small, h->last, (uint32_t)res);
		h->nr++;
	}
	h->is_over = res <= 0;
}

/* Takes buffers and gives none back. */
static void take_all(struct hog *h, int fds[2])
{
	static char mem[4096];

	loopback_pair(fds);
	sl_ring_recv(h->loop, &h->op, fds[0], &h->loop->small, SL_RECV_MULTISHOT);
	for (unsigned i = 0; i < 10000 && !h->is_over; i++) {
		loopback_write(fds[1], mem, sizeof(mem));
		loopback_turns(h->loop, 1);
	}
}

static void starved(struct sl_loop *loop)
{
	struct hog h = { .op.done = on_hogged, .loop = loop };
	struct link l;
	int fds[2];

	take_all(&h, fds);
	open_link(&l, loop);
	say(&l, "hello");
	is_int(sl_conn_wait_data(&l.conn, loop->now_ns + 50 * SL_MS), -ETIMEDOUT,
	       "with all %u buffers out and no memory for more it waits", h.nr);
	sl_bufs_put(&loop->small, h.last);
	is_int(sl_conn_wait_data(&l.conn, soon(loop)), 1, "until one comes back");
	is_str(sl_conn_peek(&l.conn), "hello", "and has lost nothing");
	close_link(&l); /* its answer counts the hog's buffers too */
	is_int((int64_t)l.closed, 1, "closed, and told once");
	close(fds[0]);
	close(fds[1]);
}

/* The same, with memory: a connection does not notice. */
static void fed(struct sl_loop *loop)
{
	struct hog h = { .op.done = on_hogged, .loop = loop };
	struct link l;
	int fds[2];

	take_all(&h, fds);
	open_link(&l, loop);
	say(&l, "hello");
	is_int(sl_conn_wait_data(&l.conn, soon(loop)), 1, "with memory, more buffers are made");
	is_str(sl_conn_peek(&l.conn), "hello", "and nobody notices");
	close_link(&l);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	loopback_run(facts, 0);
	loopback_run(starved, 64 * 1024);
	loopback_run(fed, 0);
	return done_testing();
}
