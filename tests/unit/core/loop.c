// SPDX-License-Identifier: Apache-2.0
// The ring's narrow face on real sockets: what comes, what is cut off, and who may wake the loop.
#include "core/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "loopback.h"
#include "tap.h"

/* An operation and all that was said about it. */
struct heard {
	struct sl_op op;
	unsigned nr;
	int res, results[64];
	bool more;
	uint16_t buf;
};

static void on_heard(struct sl_op *op, int res, uint32_t flags)
{
	struct heard *h = sl_container_of(op, struct heard, op);

	h->results[h->nr++ % 64] = h->res = res;
	h->more = flags & IORING_CQE_F_MORE;
	h->buf = flags & IORING_CQE_F_BUFFER ? (uint16_t)(flags >> IORING_CQE_BUFFER_SHIFT)
					     : SL_BUF_NONE;
}

static struct heard silence(void)
{
	return (struct heard){ .op.done = on_heard };
}

static void put_back(struct sl_bufs *b, const struct heard *h)
{
	sl_bufs_take(b, h->buf, (uint32_t)h->res);
	sl_bufs_put(b, h->buf);
}

static void receive_once(struct sl_loop *loop, enum sl_recv_how how, const char *name)
{
	struct heard h = silence();
	int fds[2];

	loopback_pair(fds);
	sl_ring_recv(loop, &h.op, fds[0], &loop->small, how);
	loopback_turns(loop, 2);
	is_int(h.nr, 0, "%s: waits while nothing comes", name);
	loopback_write(fds[1], "hello", 5);
	loopback_until(loop, &h.nr, 1);
	ok(h.res == 5 && !h.more && h.buf != SL_BUF_NONE &&
		   memcmp(sl_bufs_mem(&loop->small, h.buf), "hello", 5) == 0,
	   "%s: takes what comes, in a buffer that the kernel chose", name);
	put_back(&loop->small, &h);
	loopback_write(fds[1], "more", 4);
	loopback_turns(loop, 2);
	is_int(h.nr, 1, "%s: and no more than once", name);
	sl_ring_recv(loop, &h.op, fds[0], &loop->small, how);
	close(fds[1]);
	loopback_until(loop, &h.nr, 2);
	is_int(h.res, 4, "%s: what lay there is not lost", name);
	put_back(&loop->small, &h);
	sl_ring_recv(loop, &h.op, fds[0], &loop->small, how);
	loopback_until(loop, &h.nr, 3);
	is_int(h.res, 0, "%s: then the end", name);
	close(fds[0]);
}

static void receive_multishot(struct sl_loop *loop)
{
	struct heard h = silence();
	int fds[2];

	loopback_pair(fds);
	sl_ring_recv(loop, &h.op, fds[0], &loop->small, SL_RECV_MULTISHOT);
	for (unsigned i = 1; i <= 3; i++) {
		loopback_write(fds[1], "abc", i);
		loopback_until(loop, &h.nr, i);
		ok(h.res == (int)i && h.more, "multishot: write %u is heard, and it stays", i);
		put_back(&loop->small, &h);
	}
	sl_ring_cancel(loop, &h.op);
	loopback_until(loop, &h.nr, 4);
	ok(h.res == -ECANCELED && !h.more, "multishot: cancelled, it says so and ends");
	close(fds[0]);
	close(fds[1]);
}

static void cut_off(struct sl_loop *loop)
{
	uint64_t start_ns = loop->now_ns;
	struct sl_wait w;
	int fds[2];
	int ret;

	loopback_pair(fds);
	sl_wait_init(&w, loop);
	sl_ring_poll(loop, &w.op, fds[0], POLLIN);
	is_int(sl_wait_for(&w, start_ns + SL_MS), -ETIMEDOUT, "a wait ends at its deadline");
	ok(loop->now_ns >= start_ns + SL_MS, "and not before");

	loopback_write(fds[1], "x", 1);
	sl_wait_init(&w, loop);
	sl_ring_poll(loop, &w.op, fds[0], POLLIN);
	ret = sl_wait_for(&w, loop->now_ns + SL_SEC);
	ok(ret > 0 && ret & POLLIN, "what is ready in time is the answer");

	close(fds[1]);
	sl_wait_init(&w, loop);
	sl_ring_send(loop, &w.op, fds[0], "x", 1);
	is_int(sl_wait_for(&w, SL_NEVER), -EPIPE, "a failure is the answer too, and no signal");
	close(fds[0]);
}

struct waiter {
	struct sl_loop *loop;
	int fd, ret, sleep_ret;
	unsigned has_ended;
};

static void wait_for_input(void *arg)
{
	struct waiter *wr = arg;
	struct sl_wait w;

	sl_wait_init(&w, wr->loop);
	sl_ring_poll(wr->loop, &w.op, wr->fd, POLLIN);
	wr->ret = sl_wait_for(&w, SL_NEVER);
	wr->sleep_ret = sl_fiber_sleep(wr->loop, wr->loop->now_ns + SL_SEC);
	wr->has_ended++;
}

static void cancelled(struct sl_loop *loop)
{
	struct waiter wr = { .loop = loop, .ret = 1 };
	struct sl_fiber *f;
	int fds[2];

	loopback_pair(fds);
	wr.fd = fds[0];
	sl_fiber_spawn(loop, wait_for_input, &wr, &f);
	loopback_turns(loop, 2);
	sl_fiber_wake(loop, f);
	loopback_turns(loop, 2);
	is_int(wr.ret, 1, "woken for no reason, a wait goes on");
	sl_fiber_cancel(loop, f);
	ok(loopback_until(loop, &wr.has_ended, 1), "a cancelled fiber comes to its end");
	is_int(wr.ret, -ECANCELED, "what it waited for was cut off");
	is_int(wr.sleep_ret, -ECANCELED, "and it does not fall asleep again");
	close(fds[0]);
	close(fds[1]);
}

static void send_parts(struct sl_loop *loop)
{
	static char big[1 << 20], mem[1 << 20];
	size_t got = 0, sent = 0, most = 0;
	int fds[2], room = 8192;

	loopback_tcp(fds);
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)loopback_byte(i);
	while (sent < sizeof(big)) {
		struct heard h = silence();

		sl_ring_send(loop, &h.op, fds[0], big + sent, sizeof(big) - sent);
		for (unsigned i = 0; i < 100000 && h.nr == 0; i++) {
			got += loopback_read(fds[1], mem + got, sizeof(mem) - got);
			loopback_turns(loop, 1);
		}
		if (h.nr != 1 || h.res <= 0)
			break;
		sent += (size_t)h.res;
		most = (size_t)h.res > most ? (size_t)h.res : most;
	}
	for (unsigned i = 0; i < 100000 && got < sent; i++) {
		got += loopback_read(fds[1], mem + got, sizeof(mem) - got);
		loopback_turns(loop, 1);
	}
	ok(most < sizeof(big), "a send into a socket with little room is short, and says so");
	ok(got == sizeof(big) && memcmp(big, mem, got) == 0, "and so many bytes went, in order");
	close(fds[0]);
	close(fds[1]);
}

static void accept_and_connect(struct sl_loop *loop)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int door = socket(AF_INET, SOCK_STREAM, 0);
	struct heard h = silence();
	socklen_t len = sizeof(addr);

	if (bind(door, (struct sockaddr *)&addr, len) < 0 || listen(door, 8) < 0 ||
	    getsockname(door, (struct sockaddr *)&addr, &len) < 0)
		return;
	sl_ring_accept(loop, &h.op, door);
	for (unsigned i = 1; i <= 3; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		struct sl_wait w;

		sl_wait_init(&w, loop);
		sl_ring_connect(loop, &w.op, fd, (struct sockaddr *)&addr, len);
		is_int(sl_wait_for(&w, SL_NEVER), 0, "connection %u is made", i);
		loopback_until(loop, &h.nr, i);
		ok(h.res >= 0 && h.more, "and accepted, by one accept for all");
		sl_ring_close(loop, h.res);
		sl_ring_close(loop, fd);
	}
	loopback_turns(loop, 2);
	ok(fcntl(h.res, F_GETFD) < 0, "a close needs no waiting");
	sl_ring_cancel(loop, &h.op);
	loopback_until(loop, &h.nr, 4);
	close(door);
}

static void write_to_a_pipe(struct sl_loop *loop)
{
	struct heard h = silence();
	char mem[8];
	int fds[2];

	if (pipe(fds) < 0)
		return;
	sl_ring_write(loop, &h.op, fds[1], "hello", 5);
	loopback_until(loop, &h.nr, 1);
	ok(h.res == 5 && read(fds[0], mem, sizeof(mem)) == 5, "a write reaches its file");
	close(fds[0]);
	close(fds[1]);
}

/* More operations in one turn than the submission queue has room for. */
static void burst(struct sl_loop *loop)
{
	static struct heard many[3000];
	unsigned heard = 0;

	for (unsigned i = 0; i < 3000; i++) {
		many[i] = silence();
		sl_ring_poll(loop, &many[i].op, loop->wake_fd, POLLOUT);
	}
	loopback_turns(loop, 3);
	for (unsigned i = 0; i < 3000; i++)
		heard += many[i].nr;
	is_int(heard, 3000, "3000 operations in one turn: each is answered");
}

static atomic_bool is_kicked;

static void *kick(void *arg)
{
	struct timespec moment = { .tv_nsec = 2000000 };

	nanosleep(&moment, NULL); /* so that the loop is asleep, most likely */
	atomic_store(&is_kicked, true);
	sl_loop_kick(arg);
	return NULL;
}

static struct sl_fiber *kicked_fiber;

static void on_turn(struct sl_loop *loop)
{
	if (atomic_load(&is_kicked) && kicked_fiber) {
		sl_fiber_wake(loop, kicked_fiber);
		kicked_fiber = NULL;
		sl_loop_kick(loop);
	}
}

static void kicked(struct sl_loop *loop)
{
	uint64_t start_ns = loop->now_ns;
	pthread_t thread;

	loop->on_turn = on_turn;
	kicked_fiber = sl_fiber_self(loop);
	if (pthread_create(&thread, NULL, kick, loop))
		return;
	sl_fiber_park(loop, start_ns + 10 * SL_SEC);
	pthread_join(thread, NULL);
	ok(atomic_load(&is_kicked) && loop->now_ns < start_ns + 5 * SL_SEC,
	   "another thread's kick makes a sleeping loop take a turn");
	loop->on_turn = NULL;
}

/* Where it sleeps a little each time it gets through 2400 turns of them (measured). */
static void look_and_go_on(struct sl_loop *loop)
{
	uint64_t end_ns = sl_now_ns() + 100 * SL_MS;
	unsigned turns = 0;

	for (; sl_now_ns() < end_ns && turns < 6000; turns++)
		sl_fiber_yield(loop);
	is_int(turns, 6000, "with a fiber that is ready no turn of the loop sleeps");
}

static void facts(struct sl_loop *loop)
{
	receive_once(loop, SL_RECV_ONCE, "once");
	receive_once(loop, SL_RECV_ONCE_LATER, "once, later");
	receive_multishot(loop);
	cut_off(loop);
	cancelled(loop);
	send_parts(loop);
	accept_and_connect(loop);
	write_to_a_pipe(loop);
	burst(loop);
	kicked(loop);
	look_and_go_on(loop);
	is_int(loop->small.out, 0, "no buffer is missing");
}

int main(void)
{
	loopback_run(facts, 0);
	return done_testing();
}
