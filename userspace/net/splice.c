// SPDX-License-Identifier: Apache-2.0
// Moves bytes from socket to socket through a pipe.  splice(2) is called directly: in the ring it
// would always go through a helper thread.
#include "net/splice.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"

enum {
	LOW_WATER_BYTES =
		128 * 1024, /* measured at 1 MB: a quarter less CPU than waking for every segment */
	YIELD_BYTES = 512 * 1024,
	LOW_WATER_WAIT_MS = 50, /* a slow sender is passed on as it comes after this */
};

struct splice {
	struct sl_conn *from, *to;
	struct sl_pipe pipe;
	uint64_t left; /* to be read from `from` */
	uint64_t receive_timeout_ns, send_timeout_ns, deadline_ns;
	size_t since_yield;
	int low_water;
	bool is_slow;
	bool to_failed;
};

static void set_low_water(struct splice *s, uint64_t bytes)
{
	int value = bytes < LOW_WATER_BYTES ? (int)bytes : LOW_WATER_BYTES;

	if (value < 1)
		value = 1;
	if (value == s->low_water)
		return;
	s->low_water = value;
	setsockopt(s->from->fd, SOL_SOCKET, SO_RCVLOWAT, &value, sizeof(value));
}

/* What was held back to be joined with more goes out now (tcp(7), TCP_NODELAY). */
static void uncork(struct splice *s)
{
	int on = 1;

	setsockopt(s->to->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static ssize_t move(int from_fd, int to_fd, size_t len, unsigned flags)
{
	ssize_t n =
		splice(from_fd, NULL, to_fd, NULL, len, SPLICE_F_NONBLOCK | SPLICE_F_MOVE | flags);

	return n < 0 ? -errno : n;
}

/* Positive: progress; -EAGAIN: nothing there. */
static ssize_t fill(struct splice *s)
{
	size_t room = s->pipe.size - s->pipe.filled;
	ssize_t n;

	if (s->left == 0 || room == 0)
		return -EAGAIN;
	n = move(s->from->fd, s->pipe.write_fd, s->left < room ? (size_t)s->left : room, 0);
	if (n == 0)
		return -EPIPE;
	if (n > 0) {
		s->left -= (uint64_t)n;
		s->pipe.filled += (size_t)n;
	}
	return n;
}

static ssize_t drain(struct splice *s)
{
	/* Joining segments is only right while more is known to come soon; the last bytes never
	 * wait.  What kTLS holds back for a fuller record, nothing but more bytes gets out. */
	unsigned more = s->left > 0 && !s->is_slow && !s->to->layer ? SPLICE_F_MORE : 0;
	ssize_t n;

	if (s->pipe.filled == 0)
		return -EAGAIN;
	n = move(s->pipe.read_fd, s->to->fd, s->pipe.filled, more);
	if (n > 0)
		s->pipe.filled -= (size_t)n;
	else if (n != -EAGAIN)
		s->to_failed = true;
	return n;
}

static int wait_ready(struct splice *s, int fd, unsigned events, uint64_t deadline_ns)
{
	struct sl_wait w;
	int ret;

	sl_wait_init(&w, s->from->loop);
	sl_ring_poll(s->from->loop, &w.op, fd, events);
	ret = sl_wait_for(&w, deadline_ns);
	return ret < 0 ? ret : 0;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static int wait_input(struct splice *s)
{
	struct sl_loop *loop = s->from->loop;
	uint64_t deadline_ns =
		earlier(sl_deadline(loop->now_ns, s->receive_timeout_ns), s->deadline_ns);
	uint64_t soon_ns = loop->now_ns + LOW_WATER_WAIT_MS * SL_MS;
	int ret;

	if (!s->is_slow && soon_ns < deadline_ns) {
		set_low_water(s, s->left);
		ret = wait_ready(s, s->from->fd, POLLIN, soon_ns);
		if (ret != -ETIMEDOUT)
			return ret;
		s->is_slow = true;
		set_low_water(s, 1);
		uncork(s);
		return 0; /* look at what has come meanwhile */
	}
	return wait_ready(s, s->from->fd, POLLIN, deadline_ns);
}

static int wait_output(struct splice *s)
{
	struct sl_loop *loop = s->from->loop;
	int ret =
		wait_ready(s, s->to->fd, POLLOUT,
			   earlier(sl_deadline(loop->now_ns, s->send_timeout_ns), s->deadline_ns));

	s->to_failed = ret < 0;
	return ret;
}

/* While both sides keep up there is nothing to wait for, but others wait for us. */
static int give_way(struct splice *s, size_t moved)
{
	struct sl_loop *loop = s->from->loop;

	s->since_yield += moved;
	if (s->since_yield < YIELD_BYTES)
		return 0;
	s->since_yield = 0;
	sl_fiber_yield(loop);
	if (sl_fiber_is_cancelled(sl_fiber_self(loop)))
		return -ECANCELED;
	return loop->now_ns >= s->deadline_ns ? -ETIMEDOUT : 0;
}

static int run(struct splice *s)
{
	while (s->left > 0 || s->pipe.filled > 0) {
		ssize_t in = fill(s);
		ssize_t out = drain(s);
		int ret = 0;

		if (out < 0 && out != -EAGAIN)
			return (int)out;
		if (in < 0 && in != -EAGAIN && s->pipe.filled == 0)
			return (int)in;
		if (in > 0 || out > 0) {
			ret = give_way(s, in > 0 ? (size_t)in : 0);
			if (ret < 0)
				return ret;
			continue;
		}
		ret = s->pipe.filled > 0 ? wait_output(s) : wait_input(s);
		if (ret < 0)
			return ret;
	}
	return 0;
}

int sl_splice(struct sl_conn *from, struct sl_conn *to, uint64_t len, uint64_t receive_timeout_ns,
	      uint64_t send_timeout_ns, uint64_t deadline_ns, uint64_t *ret_moved,
	      bool *ret_to_failed)
{
	struct splice s = {
		.from = from,
		.to = to,
		.left = len,
		.receive_timeout_ns = receive_timeout_ns,
		.send_timeout_ns = send_timeout_ns,
		.deadline_ns = deadline_ns,
		.low_water = 1,
	};
	int ret;

	*ret_moved = 0;
	*ret_to_failed = false;
	if (sl_pipes_get(&from->loop->pipes, &s.pipe) < 0)
		return -ENOSYS;
	ret = run(&s);
	set_low_water(&s, 1);
	*ret_moved = len - s.left - s.pipe.filled;
	*ret_to_failed = s.to_failed;
	sl_pipes_put(&from->loop->pipes, &s.pipe);
	return ret;
}
