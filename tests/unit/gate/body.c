// SPDX-License-Identifier: Apache-2.0
// A body as it is taken off a connection, cut in every way, and when it counts as complete.
#include "gate/body.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "loopback.h"
#include "tap.h"

/* One body being read: its connection, and the bytes that came out. */
struct reading {
	struct sl_conn conn;
	struct sl_body body;
	unsigned closed;
	int peer;
	char got[512];
	size_t got_len;
	unsigned most_runs;
};

static void on_closed(struct sl_conn *c)
{
	sl_container_of(c, struct reading, conn)->closed++;
}

static void begin(struct reading *r, struct sl_loop *loop, enum sl_body_kind kind, uint64_t len)
{
	struct sl_head head = { .body = kind, .body_len = len };
	int fds[2];

	loopback_pair(fds);
	memset(r, 0, sizeof(*r));
	sl_conn_init(&r->conn, loop, fds[0]);
	r->conn.reader = sl_fiber_self(loop);
	r->conn.on_closed = on_closed;
	r->peer = fds[1];
	sl_body_init(&r->body, &r->conn, &head);
}

static void end(struct reading *r)
{
	sl_conn_close(&r->conn);
	loopback_until(r->conn.loop, &r->closed, 1);
	close(r->peer);
}

/* What sl_body_take() ends with: 0, -EAGAIN or an error. */
static int take_all(struct reading *r)
{
	struct iovec iov[SL_BODY_RUNS];
	size_t bytes;
	int ret;

	while ((ret = sl_body_take(&r->body, iov, &bytes)) > 0) {
		size_t sum = 0;

		r->most_runs = (unsigned)ret > r->most_runs ? (unsigned)ret : r->most_runs;
		for (int i = 0; i < ret; i++) {
			sum += iov[i].iov_len;
			if (r->got_len + iov[i].iov_len > sizeof(r->got))
				return -E2BIG;
			memcpy(r->got + r->got_len, iov[i].iov_base, iov[i].iov_len);
			r->got_len += iov[i].iov_len;
		}
		if (sum != bytes)
			return -EINVAL;
	}
	return ret;
}

/* All of it, waiting as a relay would. */
static int read_all(struct reading *r)
{
	int ret;

	while ((ret = take_all(r)) == -EAGAIN) {
		ret = sl_conn_wait_data(&r->conn, r->conn.loop->now_ns + 50 * SL_MS);
		if (ret == -ETIMEDOUT)
			return -EAGAIN;
	}
	return ret;
}

static int feed(struct reading *r, const char *p, size_t len)
{
	loopback_write(r->peer, p, len);
	return sl_conn_wait_data(&r->conn, r->conn.loop->now_ns + 5 * SL_SEC) < 0 ? -EIO
										  : take_all(r);
}

static const struct {
	const char *name, *wire, *body, *behind;
	enum sl_body_kind kind;
	uint64_t len;
	bool is_closed; /* by the peer, behind it */
	int ret;
} bodies[] = {
	{ "no body", "", "", "", SL_BODY_NONE, 0, false, 0 },
	{ "a length", "hello", "hello", "", SL_BODY_LENGTH, 5, false, 0 },
	{ "a length and the next request", "helloGET /", "hello", "GET /", SL_BODY_LENGTH, 5, false,
	  0 },
	{ "a length, a byte short", "hell", "hell", "", SL_BODY_LENGTH, 5, true, -EPIPE },
	{ "a length, still to come", "hell", "hell", "", SL_BODY_LENGTH, 5, false, -EAGAIN },
	{ "until the close", "hello", "hello", "", SL_BODY_UNTIL_CLOSE, 0, true, 0 },
	{ "until the close, nothing", "", "", "", SL_BODY_UNTIL_CLOSE, 0, true, 0 },
	{ "until a close that has not come", "hello", "hello", "", SL_BODY_UNTIL_CLOSE, 0, false,
	  -EAGAIN },
	{ "chunks", "5\r\nhello\r\n1\r\n!\r\n0\r\n", "hello!", "", SL_BODY_CHUNKED, 0, false, 0 },
	{ "chunks with extensions", "2;a=b\r\nhe\r\n3;q=\"\\\"\"\r\nllo\r\n000\r\n", "hello", "",
	  SL_BODY_CHUNKED, 0, false, 0 },
	{ "chunks and trailers", "5\r\nhello\r\n0\r\nA: b\r\n\r\n", "hello", "A: b\r\n\r\n",
	  SL_BODY_CHUNKED, 0, false, 0 },
	{ "no chunk but the last", "0\r\n\r\nGET", "", "\r\nGET", SL_BODY_CHUNKED, 0, false, 0 },
	{ "more chunks than are taken at once",
	  "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n1\r\nd\r\n1\r\ne\r\n1\r\nf\r\n1\r\ng\r\n1\r\nh\r\n"
	  "1\r\ni\r\n1\r\nj\r\n1\r\nk\r\n1\r\nl\r\n1\r\nm\r\n1\r\nn\r\n0\r\n",
	  "abcdefghijklmn", "", SL_BODY_CHUNKED, 0, false, 0 },
	{ "chunks that end too early", "5\r\nhello\r\n", "hello", "", SL_BODY_CHUNKED, 0, true,
	  -EPIPE },
	{ "a chunk that ends too early", "5\r\nhel", "hel", "", SL_BODY_CHUNKED, 0, true, -EPIPE },
	{ "a size that is none", "x\r\n", "", NULL, SL_BODY_CHUNKED, 0, false, -EBADMSG },
	{ "a chunk that is longer than it says", "5\r\nhelloo\r\n0\r\n", NULL, NULL,
	  SL_BODY_CHUNKED, 0, false, -EBADMSG },
};

static bool is_right(struct reading *r, unsigned i, int ret)
{
	bool is_body = !bodies[i].body || (r->got_len == strlen(bodies[i].body) &&
					   memcmp(r->got, bodies[i].body, r->got_len) == 0);
	bool is_behind = true;

	if (bodies[i].behind && *bodies[i].behind)
		is_behind = sl_conn_wait_data(&r->conn, r->conn.loop->now_ns + SL_SEC) == 1 &&
			    sl_str_starts(sl_str_of(bodies[i].behind), sl_conn_peek(&r->conn));
	return ret == bodies[i].ret && is_body && is_behind && r->body.is_complete == (ret == 0) &&
	       (ret != 0 || r->body.seen == r->got_len) && r->most_runs <= SL_BODY_RUNS;
}

static void in_one_piece(struct sl_loop *loop)
{
	for (unsigned i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct reading r;

		begin(&r, loop, bodies[i].kind, bodies[i].len);
		loopback_write(r.peer, bodies[i].wire, strlen(bodies[i].wire));
		if (bodies[i].is_closed)
			shutdown(r.peer, SHUT_WR);
		ok(is_right(&r, i, read_all(&r)), "%s", bodies[i].name);
		end(&r);
	}
}

/* Cut at two places, each piece in a receive buffer of its own. */
static bool holds_cut(struct sl_loop *loop, unsigned i, size_t a, size_t b)
{
	const char *wire = bodies[i].wire;
	size_t cuts[] = { 0, a, b, strlen(wire) };
	struct reading r;
	int ret = -EAGAIN;
	bool held;

	begin(&r, loop, bodies[i].kind, bodies[i].len);
	for (unsigned k = 0; k < 3 && ret == -EAGAIN; k++)
		if (cuts[k + 1] > cuts[k])
			ret = feed(&r, wire + cuts[k], cuts[k + 1] - cuts[k]);
	if (bodies[i].is_closed && ret == -EAGAIN) {
		shutdown(r.peer, SHUT_WR);
		sl_conn_wait_data(&r.conn, loop->now_ns + SL_SEC);
		ret = take_all(&r);
	}
	/* What lies behind the body may not have been sent: that it is untouched was seen above. */
	held = ret == bodies[i].ret &&
	       (!bodies[i].body || (r.got_len == strlen(bodies[i].body) &&
				    memcmp(r.got, bodies[i].body, r.got_len) == 0));
	end(&r);
	return held;
}

static void in_pieces(struct sl_loop *loop)
{
	for (unsigned i = 1; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		size_t len = strlen(bodies[i].wire), a = 0, b;
		bool held = true;

		for (a = 1; a < len && held; a++)
			for (b = a; b < len && held; b += 1 + len / 40)
				held = holds_cut(loop, i, a, b);
		ok(held, "%s, cut at any two places (%zu bytes)", bodies[i].name, len);
	}
}

static void lost(struct sl_loop *loop)
{
	struct linger now = { 1, 0 };
	struct sl_head head = { .body = SL_BODY_UNTIL_CLOSE };
	struct reading r;
	int fds[2];

	begin(&r, loop, SL_BODY_UNTIL_CLOSE, 0);
	end(&r);
	loopback_tcp(fds);
	sl_conn_init(&r.conn, loop, fds[0]);
	r.conn.reader = sl_fiber_self(loop);
	r.conn.on_closed = on_closed;
	r.peer = fds[1];
	sl_body_init(&r.body, &r.conn, &head);
	loopback_write(r.peer, "half", 4);
	sl_conn_wait_data(&r.conn, loop->now_ns + SL_SEC);
	is_int(take_all(&r), -EAGAIN, "half of a body without length is there");
	setsockopt(r.peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(r.peer);
	is_int(read_all(&r), -ECONNRESET, "a reset is not its end");
	ok(!r.body.is_complete, "and it is not complete");
	sl_conn_close(&r.conn);
}

static void skipped(struct sl_loop *loop)
{
	struct reading r;

	begin(&r, loop, SL_BODY_LENGTH, 10);
	is_int(feed(&r, "abcd", 4), -EAGAIN, "four bytes of ten");
	sl_body_skip(&r.body, 5);
	ok(!r.body.is_complete && r.body.seen == 9, "and five that went by");
	sl_body_skip(&r.body, 1);
	ok(r.body.is_complete && take_all(&r) == 0, "and the last: complete");
	end(&r);
}

static void facts(struct sl_loop *loop)
{
	in_one_piece(loop);
	in_pieces(loop);
	lost(loop);
	skipped(loop);
	is_int(loop->small.out, 0, "no buffer is missing");
}

int main(void)
{
	loopback_run(facts, 0);
	return done_testing();
}
