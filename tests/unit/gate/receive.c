// SPDX-License-Identifier: Apache-2.0
// Heads as they come: in one piece, in pieces of every size, too large, too late, or not at all.
#include "gate/receive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "loopback.h"
#include "tap.h"

static const struct sl_head_limits limits = { .line_bytes = 1000,
					      .head_bytes = 6000,
					      .fields = 32 };

static const char request[] = "POST /a?b=c HTTP/1.1\r\nHost: example.com\r\nX-Long: "
			      "0123456789abcdef0123456789abcdef\r\nContent-Length: 3\r\n\r\n";
static const char response[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nServer: x\r\n\r\n";
static const char trailers[] = "A: b\r\nCheck: sum\r\n\r\n";

struct reading {
	struct sl_conn conn;
	struct sl_arena arena;
	struct sl_head head;
	struct sl_field fields[32];
	char first[512];
	unsigned closed;
	int peer;
};

static void on_closed(struct sl_conn *c)
{
	sl_container_of(c, struct reading, conn)->closed++;
}

static void begin(struct reading *r, struct sl_loop *loop)
{
	int fds[2];

	memset(r, 0, sizeof(*r));
	loopback_pair(fds);
	sl_conn_init(&r->conn, loop, fds[0]);
	r->conn.reader = sl_fiber_self(loop);
	r->conn.on_closed = on_closed;
	r->peer = fds[1];
	r->head.fields = r->fields;
	sl_arena_init(&r->arena, r->first, sizeof(r->first), 1 << 20);
}

static int receive(struct reading *r, enum sl_head_kind kind)
{
	return sl_head_receive(&r->conn, kind, &r->head, &limits, SL_METHOD_GET, &r->arena,
			       r->conn.loop->now_ns + 5 * SL_SEC);
}

static void end(struct reading *r)
{
	sl_conn_release(&r->conn);
	sl_conn_close(&r->conn);
	loopback_until(r->conn.loop, &r->closed, 1);
	sl_arena_fini(&r->arena);
	close(r->peer);
}

static bool is_queued(struct reading *r, const char *text)
{
	return sl_conn_wait_data(&r->conn, r->conn.loop->now_ns + SL_SEC) == 1 &&
	       sl_str_eq(sl_conn_peek(&r->conn), sl_str_of(text));
}

static bool is_request(const struct reading *r)
{
	return sl_str_eq(r->head.target, SL_S("/a?b=c")) && r->head.fields_nr == 3 &&
	       sl_str_eq(r->head.host, SL_S("example.com")) && r->head.body_len == 3;
}

static void in_one_piece(struct sl_loop *loop)
{
	struct reading r;

	begin(&r, loop);
	loopback_write(r.peer, request, strlen(request));
	loopback_write(r.peer, "abc", 3);
	is_int(receive(&r, SL_HEAD_REQUEST), (int64_t)strlen(request), "a request in one piece");
	ok(is_request(&r) && r.arena.heap_bytes == 0, "is read where it lies");
	ok(is_queued(&r, "abc"), "what is behind it stays queued");
	sl_conn_consume(&r.conn, 3);
	ok(is_request(&r) && loop->small.out == 1, "and the head is held, though all is consumed");
	sl_conn_release(&r.conn);
	loopback_write(r.peer, request, strlen(request));
	is_int(receive(&r, SL_HEAD_REQUEST), (int64_t)strlen(request), "and so is the next one");
	end(&r);

	begin(&r, loop);
	loopback_write(r.peer, response, strlen(response));
	is_int(receive(&r, SL_HEAD_RESPONSE), (int64_t)strlen(response), "a response");
	ok(r.head.status == 200 && r.head.body == SL_BODY_LENGTH, "is read");
	end(&r);
}

struct drip {
	struct sl_loop *loop;
	const char *wire;
	size_t len, step;
	int fd;
	unsigned has_ended;
};

static void write_pieces(void *arg)
{
	struct drip *d = arg;

	for (size_t at = 0; at < d->len; at += d->step) {
		size_t n = d->len - at < d->step ? d->len - at : d->step;

		loopback_write(d->fd, d->wire + at, n);
		loopback_turns(d->loop, 2);
	}
	d->has_ended++;
}

/* wire: the head and "abc" behind it. */
static bool holds_in_pieces(struct sl_loop *loop, enum sl_head_kind kind, const char *wire,
			    size_t head_len, size_t step)
{
	struct drip d = { .loop = loop, .wire = wire, .len = strlen(wire), .step = step };
	struct reading r;
	bool held;

	begin(&r, loop);
	d.fd = r.peer;
	sl_fiber_spawn(loop, write_pieces, &d, NULL);
	held = receive(&r, kind) == (int)head_len;
	loopback_until(loop, &d.has_ended, 1);
	if (kind == SL_HEAD_REQUEST)
		held &= is_request(&r);
	if (kind == SL_HEAD_TRAILERS)
		held &= r.head.fields_nr == 2;
	for (size_t seen = 0; held && seen < 3;) {
		struct sl_str in;

		held = sl_conn_wait_data(&r.conn, loop->now_ns + SL_SEC) == 1;
		in = sl_conn_peek(&r.conn);
		held &= in.len + seen <= 3 && memcmp(in.ptr, &"abc"[seen], in.len) == 0;
		seen += in.len;
		sl_conn_consume(&r.conn, in.len);
	}
	end(&r);
	return held;
}

static void in_pieces(struct sl_loop *loop)
{
	static const struct {
		const char *name, *head;
		enum sl_head_kind kind;
	} heads[] = {
		{ "a request", request, SL_HEAD_REQUEST },
		{ "a response", response, SL_HEAD_RESPONSE },
		{ "trailers", trailers, SL_HEAD_TRAILERS },
	};

	for (unsigned i = 0; i < 3; i++) {
		size_t len = strlen(heads[i].head), step;
		char wire[256];

		memcpy(wire, heads[i].head, len);
		memcpy(wire + len, "abc", 4);
		for (step = 1; step <= len + 3; step++)
			if (!holds_in_pieces(loop, heads[i].kind, wire, len, step))
				break;
		is_int((int64_t)step, (int64_t)len + 4, "%s in pieces of every size",
		       heads[i].name);
	}
}

/* In large buffers nothing is held: it is copied. */
static void from_large_buffers(struct sl_loop *loop)
{
	struct reading r;

	begin(&r, loop);
	sl_conn_use_bufs(&r.conn, &loop->large);
	loopback_write(r.peer, request, strlen(request));
	is_int(receive(&r, SL_HEAD_REQUEST), (int64_t)strlen(request),
	       "a request in a large buffer");
	ok(is_request(&r) && loop->large.out == 0, "is copied, and the buffer given back");
	end(&r);
}

static void empty_trailers(struct sl_loop *loop)
{
	struct reading r;

	begin(&r, loop);
	loopback_write(r.peer, "\r\nGET", 5);
	is_int(receive(&r, SL_HEAD_TRAILERS), 2, "no trailers but their empty line");
	ok(r.head.fields_nr == 0 && is_queued(&r, "GET"), "and what follows stays queued");
	end(&r);
}

static void ends(struct sl_loop *loop)
{
	struct reading r;

	begin(&r, loop);
	shutdown(r.peer, SHUT_WR);
	is_int(receive(&r, SL_HEAD_REQUEST), -ENODATA, "the end before the first byte");
	end(&r);
	begin(&r, loop);
	loopback_write(r.peer, request, 40);
	shutdown(r.peer, SHUT_WR);
	is_int(receive(&r, SL_HEAD_REQUEST), -EPIPE, "the end within");
	end(&r);
	begin(&r, loop);
	is_int(sl_head_receive(&r.conn, SL_HEAD_REQUEST, &r.head, &limits, SL_METHOD_GET, &r.arena,
			       loop->now_ns + SL_MS),
	       -ETIMEDOUT, "nothing in time");
	loopback_write(r.peer, request, 40);
	is_int(sl_head_receive(&r.conn, SL_HEAD_REQUEST, &r.head, &limits, SL_METHOD_GET, &r.arena,
			       loop->now_ns + SL_MS),
	       -ETIMEDOUT, "not all in time");
	end(&r);
	begin(&r, loop);
	sl_arena_fini(&r.arena);
	sl_arena_init(&r.arena, NULL, 0, 100);
	loopback_write(r.peer, request, 40);
	is_int(receive(&r, SL_HEAD_REQUEST), -ENOMEM, "pieces, and no memory to join them");
	end(&r);
}

static void refused(struct sl_loop *loop, const char *start, char fill, size_t len, unsigned status,
		    const char *name)
{
	char *wire = malloc(len);
	struct drip d = { .loop = loop, .wire = wire, .len = len, .step = 1000 };
	struct reading r;

	if (!wire)
		return;
	memset(wire, fill, len);
	memcpy(wire, start, strlen(start));
	begin(&r, loop);
	d.fd = r.peer;
	sl_fiber_spawn(loop, write_pieces, &d, NULL);
	is_int(receive(&r, SL_HEAD_REQUEST), -EBADMSG, "%s: refused", name);
	is_int(r.head.error_status, status, "%s: %u", name, status);
	ok(r.arena.heap_bytes < 4 * limits.head_bytes, "%s: for no more memory than a head takes",
	   name);
	loopback_until(loop, &d.has_ended, 1);
	end(&r);
	free(wire);
}

static void facts(struct sl_loop *loop)
{
	in_one_piece(loop);
	in_pieces(loop);
	from_large_buffers(loop);
	empty_trailers(loop);
	ends(loop);
	refused(loop, "GET /", 'a', 3000, 414, "a start line without end");
	refused(loop, "GET / HTTP/1.1\r\nHost: a\r\nB: ", 'b', 20000, 431, "a field without end");
	refused(loop, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 'x', 2000, 400, "a bad head");
	is_int(loop->small.out, 0, "no buffer is missing");
}

int main(void)
{
	loopback_run(facts, 0);
	return done_testing();
}
