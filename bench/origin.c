// SPDX-License-Identifier: Apache-2.0
// The origin behind a gateway under test: one epoll thread, ready-made answers, keep-alive.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/out.h"
#include "base/str.h"
#include "lib/answer.h"
#include "lib/head.h"

#define IN_MAX 16384
#define ECHO_MAX (6 * IN_MAX + 256) /* a byte grows to six at most when it becomes JSON */
#define BATCH 256

enum conn_state { CONN_HEAD, CONN_BODY, CONN_DELAY, CONN_SEND };
enum step { STEP_ON, STEP_WAIT, STEP_CLOSE };

struct origin {
	int epoll, listener, signals;
	bool accepting, echo;
	uint64_t delay_ns;
	struct sl_list delayed; /* the delay is the same for all: first in is first due */
	const struct answer *answers;
};

struct conn {
	struct origin *origin;
	struct sl_list delayed;
	int fd;
	enum conn_state state;
	uint32_t events;
	bool readable, close_after;
	uint64_t body_left, due_ns;
	struct sl_str out; /* what is left to send; borrowed from an answer or from echo */
	char *echo;
	size_t in_len;
	char in[IN_MAX];
};

static void echo_body(struct sl_out *o, const struct request *req)
{
	struct sl_str left = req->fields, name, value;
	const char *comma = "\n";

	sl_out_lit(o, "{\n  \"method\": ");
	sl_out_json(o, req->method);
	sl_out_lit(o, ",\n  \"path\": ");
	sl_out_json(o, req->path);
	sl_out_lit(o, ",\n  \"headers\": {");
	while (bench_field_next(&left, &name, &value)) {
		sl_out_str(o, sl_str_of(comma));
		sl_out_lit(o, "    ");
		sl_out_json(o, name);
		sl_out_lit(o, ": ");
		sl_out_json(o, value);
		comma = ",\n";
	}
	sl_out_lit(o, "\n  }\n}\n");
}

/* The body is written after room for the head, whose length nobody knows before the body's. */
static int echo_build(struct conn *c, const struct request *req)
{
	struct sl_out body;
	char head[ANSWER_HEAD_MAX];
	size_t n;

	free(c->echo);
	c->echo = malloc(ANSWER_HEAD_MAX + ECHO_MAX);
	if (!c->echo)
		return -ENOMEM;
	sl_out_init(&body, c->echo + ANSWER_HEAD_MAX, ECHO_MAX);
	echo_body(&body, req);
	if (body.overflow)
		return -EMSGSIZE;
	n = bench_answer_head(head, "200 OK", c->close_after, sl_out_len(&body));
	memcpy(c->echo + ANSWER_HEAD_MAX - n, head, n);
	c->out.ptr = c->echo + ANSWER_HEAD_MAX - n;
	c->out.len = n + (sl_str_eq(req->method, SL_S("HEAD")) ? 0 : sl_out_len(&body));
	return 0;
}

static void conn_answer(struct conn *c, enum answer_id id, bool head_only)
{
	const struct answer *a = &c->origin->answers[id];

	c->out = a->whole[c->close_after];
	if (head_only)
		c->out.len = a->head_len[c->close_after];
}

static int conn_choose(struct conn *c, const struct request *req)
{
	c->close_after = req->close || req->chunked;
	c->body_left = req->chunked ? 0 : req->body_len;
	if (req->chunked) {
		conn_answer(c, ANSWER_411, false);
		return 0;
	}
	for (int id = 0; id <= ANSWER_SMALL; id++) {
		if (!sl_str_eq(req->path, c->origin->answers[id].path))
			continue;
		conn_answer(c, (enum answer_id)id, sl_str_eq(req->method, SL_S("HEAD")));
		return 0;
	}
	if (c->origin->echo)
		return echo_build(c, req);
	conn_answer(c, ANSWER_SMALL, sl_str_eq(req->method, SL_S("HEAD")));
	return 0;
}

/* Epoll says when there is more, so each event is good for one read: no read ends in EAGAIN. */
static enum step conn_recv(struct conn *c)
{
	ssize_t n;

	if (!c->readable)
		return STEP_WAIT;
	c->readable = false;
	n = recv(c->fd, c->in + c->in_len, IN_MAX - c->in_len, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? STEP_WAIT : STEP_CLOSE;
	c->in_len += (size_t)n;
	return n ? STEP_ON : STEP_CLOSE;
}

static void conn_consume(struct conn *c, size_t n)
{
	c->in_len -= n;
	if (c->in_len)
		memmove(c->in, c->in + n, c->in_len);
}

static enum step step_head(struct conn *c)
{
	struct request req;
	int ret = bench_request_parse((struct sl_str){ c->in, c->in_len }, IN_MAX, &req);

	if (ret == -EAGAIN)
		return conn_recv(c);
	if (ret < 0) {
		c->close_after = true;
		conn_answer(c, ANSWER_400, false);
		c->state = CONN_SEND;
		return STEP_ON;
	}
	if (conn_choose(c, &req) < 0)
		return STEP_CLOSE;
	conn_consume(c, req.head_len);
	c->state = CONN_BODY;
	return STEP_ON;
}

static enum step step_body(struct conn *c)
{
	size_t n = c->in_len < c->body_left ? c->in_len : (size_t)c->body_left;

	conn_consume(c, n);
	c->body_left -= n;
	if (c->body_left)
		return conn_recv(c);
	if (c->origin->delay_ns) {
		c->due_ns = sl_now_ns() + c->origin->delay_ns;
		sl_list_push_back(&c->origin->delayed, &c->delayed);
		c->state = CONN_DELAY;
		return STEP_WAIT;
	}
	c->state = CONN_SEND;
	return STEP_ON;
}

static enum step step_send(struct conn *c)
{
	ssize_t n = send(c->fd, c->out.ptr, c->out.len, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? STEP_WAIT : STEP_CLOSE;
	c->out.ptr += n;
	c->out.len -= (size_t)n;
	if (c->out.len)
		return STEP_WAIT;
	c->state = CONN_HEAD;
	return c->close_after ? STEP_CLOSE : STEP_ON;
}

static enum step conn_step(struct conn *c)
{
	switch (c->state) {
	case CONN_HEAD:
		return step_head(c);
	case CONN_BODY:
		return step_body(c);
	case CONN_DELAY:
		return STEP_WAIT;
	case CONN_SEND:
		return step_send(c);
	}
	return STEP_CLOSE;
}

static int watch(const struct origin *o, int op, int fd, uint32_t events, void *who)
{
	struct epoll_event ev = { .events = events, .data.ptr = who };

	return epoll_ctl(o->epoll, op, fd, &ev) < 0 ? -errno : 0;
}

static void origin_accepting(struct origin *o, bool on)
{
	if (o->accepting == on)
		return;
	o->accepting = on;
	watch(o, EPOLL_CTL_MOD, o->listener, on ? EPOLLIN : 0, &o->listener);
}

static void conn_free(struct conn *c)
{
	sl_list_del(&c->delayed);
	close(c->fd);
	origin_accepting(c->origin, true);
	free(c->echo);
	free(c);
}

static void conn_run(struct conn *c)
{
	static const uint32_t wanted[] = {
		[CONN_HEAD] = EPOLLIN,
		[CONN_BODY] = EPOLLIN,
		[CONN_DELAY] = 0,
		[CONN_SEND] = EPOLLOUT,
	};
	enum step step;

	do
		step = conn_step(c);
	while (step == STEP_ON);
	if (step == STEP_WAIT && c->events != wanted[c->state]) {
		c->events = wanted[c->state];
		if (watch(c->origin, EPOLL_CTL_MOD, c->fd, c->events, c) < 0)
			step = STEP_CLOSE;
	}
	if (step == STEP_CLOSE)
		conn_free(c);
}

static void on_conn(struct conn *c, uint32_t events)
{
	/* Hang-up while a delay runs: nobody is left to answer. */
	if (events & (EPOLLERR | EPOLLHUP) && c->state != CONN_HEAD) {
		conn_free(c);
		return;
	}
	c->readable = events & (EPOLLIN | EPOLLERR | EPOLLHUP);
	conn_run(c);
}

/* Takes over fd, whether or not it succeeds. */
static int conn_new(struct origin *o, int fd)
{
	struct conn *c = malloc(sizeof(*c));
	int one = 1, ret;

	if (!c) {
		close(fd);
		return -ENOMEM;
	}
	memset(c, 0,
	       offsetof(struct conn, in)); /* the buffer needs none, and idle ones no memory */
	c->origin = o;
	c->fd = fd;
	c->events = EPOLLIN;
	sl_list_init(&c->delayed);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	ret = watch(o, EPOLL_CTL_ADD, fd, EPOLLIN, c);
	if (ret < 0)
		conn_free(c);
	return ret;
}

static void on_accept(struct origin *o)
{
	int fd = accept4(o->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0)
		conn_new(o, fd);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
		origin_accepting(o, false); /* until one closes; epoll would spin otherwise */
}

static void run_due(struct origin *o)
{
	while (!sl_list_is_empty(&o->delayed)) {
		struct conn *c = sl_container_of(o->delayed.next, struct conn, delayed);

		if (c->due_ns > sl_now_ns())
			return;
		sl_list_del(&c->delayed);
		c->state = CONN_SEND;
		conn_run(c);
	}
}

static int wait_ms(const struct origin *o)
{
	uint64_t now, due;

	if (sl_list_is_empty(&o->delayed))
		return -1;
	now = sl_now_ns();
	due = sl_container_of(o->delayed.next, struct conn, delayed)->due_ns;
	return due <= now ? 0 : (int)((due - now + SL_MS - 1) / SL_MS);
}

static int origin_serve(struct origin *o)
{
	struct epoll_event events[BATCH];

	for (;;) {
		int n = epoll_wait(o->epoll, events, BATCH, wait_ms(o));

		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == &o->signals)
				return 0;
			if (events[i].data.ptr == &o->listener)
				on_accept(o);
			else
				on_conn(events[i].data.ptr, events[i].events);
		}
		run_due(o);
	}
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_port = htons(port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1, ret;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 && listen(fd, 4096) == 0)
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

static int signals_open(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int origin_open(struct origin *o, uint16_t port)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	o->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (o->epoll < 0)
		return -errno;
	o->signals = signals_open();
	if (o->signals < 0)
		return o->signals;
	o->listener = listen_on(port);
	if (o->listener < 0)
		return o->listener;
	watch(o, EPOLL_CTL_ADD, o->signals, EPOLLIN, &o->signals);
	return watch(o, EPOLL_CTL_ADD, o->listener, EPOLLIN, &o->listener);
}

static bool parse_number(const char *arg, long max, long *ret_number)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(arg, &end, 10);
	if (errno || end == arg || *end || v < 0 || v > max)
		return false;
	*ret_number = v;
	return true;
}

static int usage(void)
{
	fputs("usage: origin [-e] [-p PORT] [-d DELAY_MS]\n"
	      "  /s 200 bytes of JSON, /1k, /100k, /1m; any other path as /s, or echoed with -e\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct answer answers[ANSWERS] = { 0 };
	struct origin o = { .listener = -1, .accepting = true, .answers = answers };
	long port = 18090, delay_ms = 0;
	int opt, ret;

	while ((opt = getopt(argc, argv, "ep:d:")) != -1) {
		if (opt == 'e')
			o.echo = true;
		else if (opt == 'p' ? !parse_number(optarg, 65535, &port)
				    : opt != 'd' || !parse_number(optarg, 600000, &delay_ms))
			return usage();
	}
	if (optind < argc)
		return usage();
	o.delay_ns = (uint64_t)delay_ms * SL_MS;
	sl_list_init(&o.delayed);
	ret = bench_answers_build(answers);
	if (ret == 0)
		ret = origin_open(&o, (uint16_t)port);
	if (ret == 0)
		ret = origin_serve(&o);
	bench_answers_free(answers);
	if (ret < 0)
		fprintf(stderr, "origin: port %ld: %s\n", port, strerror(-ret));
	return ret < 0;
}
