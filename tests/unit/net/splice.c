// SPDX-License-Identifier: Apache-2.0
// Bytes from socket to socket through a pipe: all of them, or exactly how many.
#include "net/splice.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "loopback.h"
#include "tap.h"

enum { MEGABYTE = 1 << 20 };

/* Who writes into `from`, and who reads out of `to`: a fiber each. */
struct party {
	struct sl_loop *loop;
	int fd;
	uint64_t at, end; /* bytes moved, and to be moved */
	size_t step;
	bool in_order, closes;
	unsigned has_ended;
};

struct route {
	struct sl_conn from, to;
	struct party writer, reader;
	unsigned closed;
};

static void on_closed(struct sl_conn *c)
{
}

static bool wait_for(struct party *p, unsigned events)
{
	struct sl_wait w;

	sl_wait_init(&w, p->loop);
	sl_ring_poll(p->loop, &w.op, p->fd, events);
	return sl_wait_for(&w, p->loop->now_ns + 5 * SL_SEC) > 0;
}

static void write_all(void *arg)
{
	static char mem[65536]; /* too much for a fiber's stack; each uses it without waiting */
	struct party *p = arg;

	while (p->at < p->end && wait_for(p, POLLOUT)) {
		size_t n = p->end - p->at < p->step ? (size_t)(p->end - p->at) : p->step;

		for (size_t i = 0; i < n; i++)
			mem[i] = (char)loopback_byte(p->at + i);
		n = loopback_write(p->fd, mem, n);
		if (n == 0)
			break;
		p->at += n;
	}
	if (p->closes)
		shutdown(p->fd, SHUT_WR);
	p->has_ended++;
}

static void read_all(void *arg)
{
	static char mem[65536]; /* too much for a fiber's stack; each uses it without waiting */
	struct party *p = arg;

	p->in_order = true;
	while (p->at < p->end && wait_for(p, POLLIN)) {
		size_t n = loopback_read(p->fd, mem, p->step);

		if (n == 0)
			break;
		for (size_t i = 0; i < n; i++)
			p->in_order &= (uint8_t)mem[i] == loopback_byte(p->at + i);
		p->at += n;
	}
	p->has_ended++;
}

static struct sl_conn conn_on(struct sl_loop *loop, int fd)
{
	struct sl_conn c;

	sl_conn_init(&c, loop, fd);
	c.reader = sl_fiber_self(loop);
	c.on_closed = on_closed;
	return c;
}

static void open_route(struct route *r, struct sl_loop *loop, bool is_tcp, uint64_t bytes)
{
	int in[2], out[2];

	memset(r, 0, sizeof(*r));
	(is_tcp ? loopback_tcp : loopback_pair)(in);
	(is_tcp ? loopback_tcp : loopback_pair)(out);
	r->from = conn_on(loop, in[0]);
	r->to = conn_on(loop, out[0]);
	r->writer = (struct party){ .loop = loop, .fd = in[1], .end = bytes, .step = 65536 };
	r->reader = (struct party){ .loop = loop, .fd = out[1], .end = bytes, .step = 65536 };
}

static void start_parties(struct route *r)
{
	sl_fiber_spawn(r->writer.loop, write_all, &r->writer, NULL);
	sl_fiber_spawn(r->reader.loop, read_all, &r->reader, NULL);
}

/* Both parties have ended: `to` is closed, so that its reader sees the end. */
static void close_route(struct route *r)
{
	struct sl_loop *loop = r->writer.loop;

	if (r->to.fd >= 0)
		shutdown(r->to.fd, SHUT_RDWR);
	shutdown(r->from.fd, SHUT_RDWR);
	loopback_until(loop, &r->writer.has_ended, 1);
	loopback_until(loop, &r->reader.has_ended, 1);
	sl_conn_close(&r->from);
	sl_conn_close(&r->to);
	close(r->writer.fd);
	close(r->reader.fd);
}

static const struct {
	const char *name;
	bool is_tcp;
	uint64_t bytes;
	size_t write_step, read_step;
	int room; /* of the receiving socket; 0: as it is */
} runs[] = {
	{ "a byte", true, 1, 1, 1, 0 },
	{ "a megabyte, unix", false, MEGABYTE, 65536, 65536, 0 },
	{ "a megabyte, TCP", true, MEGABYTE, 65536, 65536, 0 },
	{ "a megabyte and a byte, TCP", true, MEGABYTE + 1, 65536, 65536, 0 },
	{ "a slow reader, unix", false, MEGABYTE, 65536, 1500, 4096 },
	{ "a slow reader, TCP", true, MEGABYTE, 65536, 1500, 4096 },
	{ "a slow writer, unix", false, MEGABYTE, 700, 65536, 0 },
	{ "a slow writer, TCP", true, MEGABYTE, 700, 65536, 0 },
	{ "both slow, TCP", true, MEGABYTE, 700, 700, 4096 },
};

static void all_of_it(struct sl_loop *loop)
{
	for (unsigned i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		uint64_t moved = 0;
		bool to_failed = true;
		struct route r;
		int ret;

		open_route(&r, loop, runs[i].is_tcp, runs[i].bytes);
		if (runs[i].room)
			setsockopt(r.to.fd, SOL_SOCKET, SO_SNDBUF, &runs[i].room, sizeof(int));
		r.writer.step = runs[i].write_step;
		r.reader.step = runs[i].read_step;
		start_parties(&r);
		ret = sl_splice(&r.from, &r.to, runs[i].bytes, 5 * SL_SEC, 5 * SL_SEC, SL_NEVER,
				&moved, &to_failed);
		loopback_until(loop, &r.reader.has_ended, 1);
		ok(ret == 0 && moved == runs[i].bytes && !to_failed, "%s: all are moved",
		   runs[i].name);
		ok(r.reader.at == runs[i].bytes && r.reader.in_order, "%s: and read, in order",
		   runs[i].name);
		close_route(&r);
	}
}

static void no_more_than_asked(struct sl_loop *loop)
{
	uint64_t moved;
	bool to_failed;
	struct route r;

	open_route(&r, loop, true, 100000);
	r.reader.end = 70000;
	start_parties(&r);
	is_int(sl_splice(&r.from, &r.to, 70000, SL_SEC, SL_SEC, SL_NEVER, &moved, &to_failed), 0,
	       "70000 of 100000 bytes");
	is_int((int64_t)moved, 70000, "are moved");
	is_int(sl_conn_wait_data(&r.from, loop->now_ns + 5 * SL_SEC), 1, "what follows is left");
	ok((uint8_t)sl_conn_peek(&r.from).ptr[0] == loopback_byte(70000), "from its first byte on");
	close_route(&r);
}

static void early_end(struct sl_loop *loop)
{
	uint64_t moved;
	bool to_failed = true;
	struct route r;

	open_route(&r, loop, true, 300000);
	r.writer.closes = true;
	start_parties(&r);
	is_int(sl_splice(&r.from, &r.to, 300001, SL_SEC, SL_SEC, SL_NEVER, &moved, &to_failed),
	       -EPIPE, "a sender that ends a byte too early: -EPIPE");
	ok(moved == 300000 && !to_failed, "with what came moved, and the sender to blame");
	loopback_until(loop, &r.reader.has_ended, 1);
	ok(r.reader.at == 300000 && r.reader.in_order, "and read");
	close_route(&r);
}

static void silent_sender(struct sl_loop *loop)
{
	uint64_t moved, start_ns;
	bool to_failed = true;
	struct route r;

	open_route(&r, loop, true, 200000);
	start_parties(&r);
	start_ns = loop->now_ns;
	is_int(sl_splice(&r.from, &r.to, 300000, 20 * SL_MS, SL_SEC, SL_NEVER, &moved, &to_failed),
	       -ETIMEDOUT, "a sender that falls silent: -ETIMEDOUT");
	ok(loop->now_ns >= start_ns + 20 * SL_MS, "not before its time");
	ok(moved == 200000 && !to_failed, "with what came moved, and the sender to blame");
	close_route(&r);

	open_route(&r, loop, true, 0);
	is_int(sl_splice(&r.from, &r.to, MEGABYTE, 0, 0, loop->now_ns + 20 * SL_MS, &moved,
			 &to_failed),
	       -ETIMEDOUT, "without timeouts, the deadline of all ends it");
	is_int((int64_t)moved, 0, "with nothing moved");
	r.writer.has_ended = r.reader.has_ended = 1;
	close_route(&r);
}

static void deaf_reader(struct sl_loop *loop)
{
	uint64_t moved;
	bool to_failed = false;
	struct route r;

	open_route(&r, loop, true, 32 * MEGABYTE);
	sl_fiber_spawn(loop, write_all, &r.writer, NULL);
	is_int(sl_splice(&r.from, &r.to, r.writer.end, SL_SEC, 20 * SL_MS, SL_NEVER, &moved,
			 &to_failed),
	       -ETIMEDOUT, "a reader that takes nothing: -ETIMEDOUT");
	ok(to_failed && moved > 0 && moved < r.writer.end, "and the reader is to blame");
	shutdown(r.to.fd, SHUT_WR);
	sl_fiber_spawn(loop, read_all, &r.reader, NULL);
	loopback_until(loop, &r.reader.has_ended, 1);
	ok(r.reader.at == moved && r.reader.in_order, "what it was told was moved is what it has");
	close_route(&r);
}

static void reader_gone(struct sl_loop *loop)
{
	uint64_t moved;
	bool to_failed = false;
	struct route r;
	int ret;

	open_route(&r, loop, true, 4 * MEGABYTE);
	shutdown(r.to.fd, SHUT_WR);
	sl_fiber_spawn(loop, write_all, &r.writer, NULL);
	ret = sl_splice(&r.from, &r.to, r.writer.end, SL_SEC, SL_SEC, SL_NEVER, &moved, &to_failed);
	ok(ret < 0 && to_failed, "a reader that is gone is to blame");
	r.reader.has_ended = 1;
	close_route(&r);
}

struct victim {
	struct route *r;
	int ret;
	unsigned has_ended;
};

static void splice_for_ever(void *arg)
{
	struct victim *v = arg;
	uint64_t moved;
	bool to_failed;

	v->r->from.reader = v->r->to.reader = sl_fiber_self(v->r->from.loop);
	v->ret = sl_splice(&v->r->from, &v->r->to, MEGABYTE, 0, 0, SL_NEVER, &moved, &to_failed);
	v->has_ended++;
}

static void cancelled(struct sl_loop *loop)
{
	struct victim v = { 0 };
	struct sl_fiber *f;
	struct route r;

	open_route(&r, loop, true, 0);
	v.r = &r;
	sl_fiber_spawn(loop, splice_for_ever, &v, &f);
	loopback_turns(loop, 2);
	sl_fiber_cancel(loop, f);
	loopback_until(loop, &v.has_ended, 1);
	is_int(v.ret, -ECANCELED, "a cancelled fiber's splice: -ECANCELED");
	r.writer.has_ended = r.reader.has_ended = 1;
	close_route(&r);
}

static void without_descriptors(struct sl_loop *loop)
{
	struct rlimit old, low;
	uint64_t moved = 1;
	bool to_failed;
	struct route r;
	int ret;

	open_route(&r, loop, true, 100000);
	sl_pipes_fini(&loop->pipes);
	getrlimit(RLIMIT_NOFILE, &old);
	low = (struct rlimit){ 3, old.rlim_max };
	setrlimit(RLIMIT_NOFILE, &low);
	ret = sl_splice(&r.from, &r.to, 100000, SL_SEC, SL_SEC, SL_NEVER, &moved, &to_failed);
	setrlimit(RLIMIT_NOFILE, &old);
	is_int(ret, -ENOSYS, "no descriptor for a pipe: -ENOSYS");
	is_int((int64_t)moved, 0, "with nothing moved: the caller can copy");
	r.writer.has_ended = r.reader.has_ended = 1;
	close_route(&r);
}

static void facts(struct sl_loop *loop)
{
	all_of_it(loop);
	no_more_than_asked(loop);
	early_end(loop);
	silent_sender(loop);
	deaf_reader(loop);
	reader_gone(loop);
	cancelled(loop);
	ok(loop->pipes.nr > 0 && loop->pipes.nr <= SL_PIPES_KEPT, "empty pipes are kept");
	for (unsigned i = 0; i < loop->pipes.nr; i++) {
		char byte;

		ok(read(loop->pipes.kept[i].read_fd, &byte, 1) < 0 && errno == EAGAIN,
		   "and kept pipe %u is empty", i);
	}
	without_descriptors(loop);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN); /* as the daemon does: splice(2) has no MSG_NOSIGNAL */
	loopback_run(facts, 0);
	return done_testing();
}
