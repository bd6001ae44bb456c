// SPDX-License-Identifier: Apache-2.0
// Load at a fixed rate: a request's latency counts from when it was due, sent in time or not.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/str.h"
#include "lib/head.h"

#define IN_MAX 16384
#define BATCH 256
#define GRACE_NS (5 * SL_SEC) /* for the last answers; what is still out then has failed */
#define REQUESTS_MAX 20000000ull
#define SLOT_NS (10 * SL_SEC / 1000)

enum progress { PROGRESS_MORE, PROGRESS_DONE, PROGRESS_BROKEN };

struct load;

struct conn {
	struct load *load;
	struct sl_list idle; /* alone while a request is out */
	int fd;
	uint64_t due_ns;
	struct response res;
	bool in_body;
	uint64_t body_left;
	size_t in_len;
	char in[IN_MAX];
};

struct load {
	struct sockaddr_in to;
	struct sl_str request;
	uint64_t rate, total;		 /* requests a second, and in all */
	uint64_t next, answered, failed; /* next: the first that has not been sent */
	uint64_t start_ns, *latencies;
	uint32_t *slots; /* answers in each SLOT_NS: a stall shows as an empty one */
	size_t slots_nr;
	int epoll;
	size_t conn_count;
	struct conn *conns;
	struct sl_list idle;
};

static uint64_t due_at(const struct load *l, uint64_t i)
{
	return l->start_ns + i * SL_SEC / l->rate;
}

static int conn_open(struct conn *c)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
	int one = 1, ret;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -errno;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(c->fd, (struct sockaddr *)&c->load->to, sizeof(c->load->to)) == 0 &&
	    epoll_ctl(c->load->epoll, EPOLL_CTL_ADD, c->fd, &ev) == 0) {
		c->in_len = 0;
		c->in_body = false;
		sl_list_push_front(&c->load->idle, &c->idle);
		return 0;
	}
	ret = -errno;
	close(c->fd);
	c->fd = -1;
	return ret;
}

static bool is_busy(const struct conn *c)
{
	return c->fd >= 0 && sl_list_is_alone(&c->idle);
}

/* A connection that cannot be had again stays away; the others carry its share. */
static void conn_reopen(struct conn *c)
{
	if (is_busy(c))
		c->load->failed++;
	sl_list_del(&c->idle);
	close(c->fd);
	conn_open(c);
}

static void conn_send(struct conn *c, uint64_t due_ns)
{
	struct sl_str req = c->load->request;

	sl_list_del(&c->idle);
	c->due_ns = due_ns;
	if (send(c->fd, req.ptr, req.len, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)req.len)
		conn_reopen(c);
}

static enum progress conn_body(struct conn *c)
{
	size_t n = c->in_len < c->body_left ? c->in_len : (size_t)c->body_left;

	c->in_len -= n;
	c->body_left -= n;
	if (c->body_left)
		return PROGRESS_MORE;
	/* Nothing was asked for beyond this answer, so nothing may follow it. */
	return c->in_len ? PROGRESS_BROKEN : PROGRESS_DONE;
}

static enum progress conn_head(struct conn *c)
{
	int ret = bench_response_parse((struct sl_str){ c->in, c->in_len }, IN_MAX, &c->res);

	if (ret < 0)
		return ret == -EAGAIN ? PROGRESS_MORE : PROGRESS_BROKEN;
	c->in_body = true;
	c->body_left = c->res.body_len;
	c->in_len -= c->res.head_len;
	return conn_body(c);
}

static enum progress conn_recv(struct conn *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_len, IN_MAX - c->in_len, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return PROGRESS_MORE;
	if (n <= 0 || !is_busy(c))
		return PROGRESS_BROKEN;
	c->in_len += (size_t)n;
	return c->in_body ? conn_body(c) : conn_head(c);
}

static void count_answer(struct load *l, uint64_t due_ns)
{
	uint64_t now_ns = sl_now_ns(), slot = (now_ns - l->start_ns) / SLOT_NS;

	l->latencies[l->answered++] = now_ns - due_ns;
	if (slot < l->slots_nr)
		l->slots[slot]++;
}

static void conn_done(struct conn *c)
{
	struct load *l = c->load;

	if (c->res.status != 200) {
		conn_reopen(c); /* which counts it as failed */
		return;
	}
	count_answer(l, c->due_ns);
	c->in_body = false;
	/* Last in, first out: a lightly loaded gateway sees few connections, as from real pools. */
	sl_list_push_front(&l->idle, &c->idle);
	if (c->res.close)
		conn_reopen(c);
}

static void on_conn(struct conn *c)
{
	switch (conn_recv(c)) {
	case PROGRESS_MORE:
		return;
	case PROGRESS_DONE:
		conn_done(c);
		return;
	case PROGRESS_BROKEN:
		conn_reopen(c);
		return;
	}
}

static void send_due(struct load *l)
{
	while (l->next < l->total && !sl_list_is_empty(&l->idle)) {
		uint64_t due_ns = due_at(l, l->next);

		if (due_ns > sl_now_ns())
			return;
		l->next++;
		conn_send(sl_container_of(l->idle.next, struct conn, idle), due_ns);
	}
}

static int wait_for_events(struct load *l, uint64_t until_ns, struct epoll_event *events)
{
	uint64_t now = sl_now_ns(), wait_ns = until_ns > now ? until_ns - now : 0;
	struct timespec ts = { (time_t)(wait_ns / SL_SEC), (long)(wait_ns % SL_SEC) };
	int n = epoll_pwait2(l->epoll, events, BATCH, &ts, NULL);

	return n < 0 ? -errno : n;
}

static int load_run(struct load *l)
{
	struct epoll_event events[BATCH];
	uint64_t end_ns;

	l->start_ns = sl_now_ns();
	end_ns = due_at(l, l->total) + GRACE_NS;
	while (l->answered + l->failed < l->total && sl_now_ns() < end_ns) {
		uint64_t until_ns = end_ns;
		int n;

		send_due(l);
		if (l->next < l->total && !sl_list_is_empty(&l->idle))
			until_ns = due_at(l, l->next);
		n = wait_for_events(l, until_ns, events);
		if (n < 0 && n != -EINTR)
			return n;
		for (int i = 0; i < n; i++)
			on_conn(events[i].data.ptr);
	}
	l->failed = l->total - l->answered;
	return 0;
}

static int load_open(struct load *l)
{
	prctl(PR_SET_TIMERSLACK, 1ul); /* 50 us by default: as much as what is to be measured */
	l->latencies = calloc(l->total, sizeof(*l->latencies));
	l->conns = calloc(l->conn_count, sizeof(*l->conns));
	l->slots_nr = (size_t)(l->total * SL_SEC / l->rate / SLOT_NS);
	l->slots = calloc(l->slots_nr + 1, sizeof(*l->slots));
	if (!l->latencies || !l->conns || !l->slots)
		return -ENOMEM;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0)
		return -errno;
	for (size_t i = 0; i < l->conn_count; i++) {
		int ret;

		l->conns[i].load = l;
		sl_list_init(&l->conns[i].idle);
		ret = conn_open(&l->conns[i]);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static double percentile_us(const struct load *l, double share)
{
	if (!l->answered)
		return 0;
	return (double)l->latencies[(uint64_t)((double)(l->answered - 1) * share)] / 1000;
}

/* The fewest answers of a slot; the first and the last are not whole. */
static uint32_t worst_slot(const struct load *l)
{
	uint32_t least = UINT32_MAX;

	for (size_t i = 1; i + 1 < l->slots_nr; i++)
		least = l->slots[i] < least ? l->slots[i] : least;
	return least == UINT32_MAX ? 0 : least;
}

static void load_report(const struct load *l)
{
	qsort(l->latencies, l->answered, sizeof(*l->latencies), by_value);
	printf("RESULT {\"requests\":%llu,\"failed\":%llu,\"p50_us\":%.1f,\"p99_us\":%.1f,"
	       "\"p999_us\":%.1f,\"max_us\":%.1f,\"worst_slot\":%u,\"slot_due\":%llu}\n",
	       (unsigned long long)l->answered, (unsigned long long)l->failed,
	       percentile_us(l, 0.5), percentile_us(l, 0.99), percentile_us(l, 0.999),
	       percentile_us(l, 1), worst_slot(l),
	       (unsigned long long)(l->rate * SLOT_NS / SL_SEC));
}

static int usage(void)
{
	fputs("usage: openloop -p PORT -r RATE [-t SECONDS] [-c CONNECTIONS] PATH\n", stderr);
	return 2;
}

static bool parse_number(const char *arg, uint64_t max, uint64_t *ret_number)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(arg, &end, 10);
	if (errno || end == arg || *end || arg[0] == '-' || v < 1 || v > max)
		return false;
	*ret_number = v;
	return true;
}

struct options {
	uint64_t port, rate, seconds, connections;
};

static bool parse_option(int opt, struct options *o)
{
	switch (opt) {
	case 'p':
		return parse_number(optarg, 65535, &o->port);
	case 'r':
		return parse_number(optarg, 10000000, &o->rate);
	case 't':
		return parse_number(optarg, 3600, &o->seconds);
	case 'c':
		return parse_number(optarg, 10000, &o->connections);
	}
	return false;
}

static bool parse_options(int argc, char **argv, struct options *o)
{
	int opt;

	while ((opt = getopt(argc, argv, "p:r:t:c:")) != -1)
		if (!parse_option(opt, o))
			return false;
	return optind + 1 == argc && o->port && o->rate && o->rate * o->seconds <= REQUESTS_MAX;
}

int main(int argc, char **argv)
{
	struct options o = { .seconds = 4, .connections = 64 };
	struct load l = { .epoll = -1 };
	char request[1024];
	int n, ret;

	if (!parse_options(argc, argv, &o))
		return usage();
	n = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n",
		     argv[optind]);
	if (n < 0 || (size_t)n >= sizeof(request))
		return usage();
	l.request = (struct sl_str){ request, (size_t)n };
	l.rate = o.rate;
	l.total = o.rate * o.seconds;
	l.conn_count = o.connections;
	l.to = (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)o.port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	sl_list_init(&l.idle);
	ret = load_open(&l);
	if (ret == 0)
		ret = load_run(&l);
	if (ret < 0)
		fprintf(stderr, "openloop: port %u: %s\n", (unsigned)o.port, strerror(-ret));
	else
		load_report(&l);
	free(l.latencies);
	free(l.slots);
	free(l.conns);
	return ret < 0;
}
