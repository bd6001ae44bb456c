// SPDX-License-Identifier: Apache-2.0
// A client's connection, from accept to close.
#include "gate/client.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "gate/admit.h"
#include "gate/exchange.h"
#include "gate/secure.h"
#include "tls/records.h"

static void on_closed(struct sl_conn *c)
{
	struct sl_client *client = sl_container_of(c, struct sl_client, conn);
	struct sl_worker *w = client->worker;

	w->clients_nr--;
	if (client->is_tallied)
		sl_tally_leave(w->shared->tally, &client->ip);
	atomic_fetch_sub_explicit(&w->shared->connections, 1, memory_order_relaxed);
	sl_uncount(&w->stats->connections_open, 1);
	free(client->proxy);
	sl_tls_free(client->tls);
	sl_acceptor_leave(client->acceptor);
	sl_slab_put(&w->client_slab, client);
}

void sl_client_close(struct sl_client *c)
{
	sl_list_del(&c->node);
	sl_timer_stop(&c->timer);
	sl_conn_close(&c->conn);
}

static void tell(const struct sl_client *c, const char *event, const char *reason)
{
	char mem[INET6_ADDRSTRLEN + 8];
	struct sl_out o;

	sl_out_init(&o, mem, sizeof(mem));
	if (c->has_address)
		sl_ip_print(&o, &c->ip);
	else
		sl_out_char(&o, '-');
	sl_log_debug(event, "client=%.*s port=%u listener=%s requests=%u reason=\"%s\"",
		     SL_STR_ARG(sl_out_done(&o)), c->port, c->acceptor->conf->name,
		     (unsigned)c->requests, reason);
}

static void close_because(struct sl_client *c, uint64_t *count, const char *reason)
{
	sl_count(count, 1);
	if (__builtin_expect(sl_log_is_on(SL_LOG_DEBUG), 0))
		tell(c, "client.closed", reason);
	sl_client_close(c);
}

/* Of the client's side; else_reason when there was none. */
static const char *why_ended(const struct sl_conn *c, const char *else_reason)
{
	if (c->rx_error)
		return strerror(-c->rx_error);
	return c->eof ? "the client closed it" : else_reason;
}

static uint64_t *count_of_end(const struct sl_client *c)
{
	struct sl_stats *s = c->worker->stats;

	if (c->conn.rx_error)
		return &s->connections_closed_error;
	return c->conn.eof ? &s->connections_closed_client : &s->connections_closed_done;
}

bool sl_client_is_idle(const struct sl_client *c)
{
	return !c->conn.reader;
}

static void set_address(struct sl_client *c, const struct sl_addr *addr)
{
	c->ip = sl_addr_ip(addr);
	c->port = sl_addr_port(addr);
	c->has_address = true;
}

/* Asked for at the first request, not at accept: a connection that is refused at once has no use
 * for it. */
static int find_address(struct sl_client *c)
{
	struct sl_addr addr = { .len = sizeof(addr.un) };

	if (c->has_address)
		return 0;
	if (getpeername(c->conn.fd, &addr.sa, &addr.len) < 0)
		return -errno;
	set_address(c, &addr);
	return 0;
}

static int believe(struct sl_client *c, const struct sl_proxy *proxy)
{
	/* Once a connection, and only behind a balancer: the heap will do. */
	c->proxy = malloc(sizeof(*c->proxy));
	if (!c->proxy)
		return -ENOMEM;
	*c->proxy = *proxy;
	c->ip = sl_addr_ip(&proxy->src);
	c->port = sl_addr_port(&proxy->src);
	return 0;
}

/* The balancer in front says whom it speaks for; anybody else's first bytes are left for HTTP. */
static int read_proxy_header(struct sl_client *c)
{
	uint64_t deadline_ns =
		sl_deadline(c->conn.loop->now_ns, c->worker->view->rules->limits.header_timeout_ns);
	char mem[SL_PROXY_READ_MAX];
	size_t len = 0;

	while (len < sizeof(mem)) {
		struct sl_proxy proxy;
		struct sl_str in;
		size_t n;
		ssize_t used;
		int ret = sl_conn_wait_data(&c->conn, deadline_ns);

		if (ret <= 0)
			return ret < 0 ? ret : -EPIPE;
		in = sl_conn_peek(&c->conn);
		n = in.len < sizeof(mem) - len ? in.len : sizeof(mem) - len;
		memcpy(mem + len, in.ptr, n);
		used = sl_proxy_read((struct sl_str){ mem, len + n }, &proxy);
		if (used < 0 && used != -EAGAIN)
			return (int)used;
		sl_conn_consume(&c->conn, used > 0 ? (size_t)used - len : n);
		len += n;
		if (used < 0)
			continue;
		return proxy.has_addrs ? believe(c, &proxy) : 0;
	}
	return -EBADMSG;
}

static bool is_from_balancer(const struct sl_client *c)
{
	const struct sl_listener_conf *l = c->acceptor->conf;

	return sl_nets_have(l->proxy_from, l->proxy_from_nr, &c->ip);
}

/* The one client behind many connections, not the balancer that all of them come through. */
static int enter_tally(struct sl_client *c)
{
	struct sl_worker *w = c->worker;

	uint32_t max = w->view->rules->limits.client_connections;

	if (max == 0 || c->is_tallied)
		return 0;
	c->is_tallied = sl_tally_enter(w->shared->tally, &c->ip, max);
	if (c->is_tallied)
		return 0;
	sl_count(&w->stats->connections_refused, 1);
	return -EUSERS;
}

static int settle_identity(struct sl_client *c)
{
	int ret = find_address(c);

	if (ret == 0 && c->wants_proxy && is_from_balancer(c)) {
		ret = read_proxy_header(c);
		if (ret == 0 && c->proxy && !sl_admit_proxied(c))
			ret = -EACCES;
	}
	c->wants_proxy = false;
	if (ret == 0)
		ret = enter_tally(c);
	if (ret < 0 && __builtin_expect(sl_log_is_on(SL_LOG_DEBUG), 0))
		tell(c, "client.refused",
		     ret == -EUSERS ? "limits.client_connections" : strerror(-ret));
	return ret;
}

/* At accept, so that connections which never send a request are counted too. */
static int tally_early(struct sl_client *c)
{
	int ret;

	if (c->worker->view->rules->limits.client_connections == 0)
		return 0;
	ret = find_address(c);
	if (ret < 0 || (c->wants_proxy && is_from_balancer(c)))
		return ret;
	return enter_tally(c);
}

static void go_idle(struct sl_client *c)
{
	struct sl_worker *w = c->worker;

	c->conn.reader = NULL;
	/* As at accept: after a handshake there may be no more than the one request. */
	sl_conn_arm(&c->conn, c->requests ? SL_RECV_MULTISHOT : SL_RECV_ONCE);
	sl_timer_set(&w->loop.wheel, &c->timer,
		     sl_deadline(w->loop.now_ns, w->view->rules->limits.idle_timeout_ns));
}

/* The client must not lose our answer to a reset, which is what closing on unread bytes would be.
 */
static void finish(struct sl_client *c)
{
	if (!c->conn.eof && !c->conn.rx_error && c->lingers)
		sl_conn_linger(&c->conn);
	else if (c->tls && !c->conn.rx_error)
		sl_conn_say_end(&c->conn);
	close_because(c, count_of_end(c), why_ended(&c->conn, "it could carry no other request"));
}

/* A fiber, from the first byte of a request until the connection is idle again or ends. */
static void serve(void *arg)
{
	struct sl_client *c = arg;
	bool goes_on = settle_identity(c) == 0 && sl_secure_client(c) == 0;

	/* A balancer may connect ahead, and send its header long before there is a request. */
	while (goes_on && sl_conn_peek(&c->conn).len > 0)
		goes_on = sl_exchange_run(c);
	if (goes_on && !c->conn.eof && !c->conn.rx_error)
		go_idle(c);
	else
		finish(c);
}

/* No memory for a fiber: what can be said without one.  If it does not fit into the socket, so be
 * it. */
static void turn_away(struct sl_client *c)
{
	static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
				     "Retry-After: 1\r\nConnection: close\r\n\r\n";

	sl_count(&c->worker->stats->connections_refused, 1);
	if (!c->tls && !c->wants_tls) /* sealing it could have to wait, and nobody is there to */
		send(c->conn.fd, answer, sizeof(answer) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	close_because(c, &c->worker->stats->connections_closed_limit, "no memory for its request");
}

static void on_event(struct sl_conn *conn)
{
	struct sl_client *c = sl_container_of(conn, struct sl_client, conn);

	if (conn->eof || conn->rx_error) {
		close_because(c, count_of_end(c), why_ended(conn, ""));
		return;
	}
	if (sl_conn_peek(conn).len == 0) { /* a receive through other buffers has ended */
		sl_conn_arm(conn, SL_RECV_MULTISHOT);
		return;
	}
	if (sl_fiber_spawn(conn->loop, serve, c, &conn->reader) < 0) {
		conn->reader = NULL;
		turn_away(c);
	}
}

static void on_idle(struct sl_timer *t)
{
	struct sl_client *c = sl_container_of(t, struct sl_client, timer);

	if (sl_client_is_idle(c))
		close_because(c, &c->worker->stats->connections_closed_idle, "limits.idle_timeout");
}

static bool is_allowed(struct sl_worker *w)
{
	uint32_t max = w->view->rules->limits.connections;
	uint32_t now = atomic_fetch_add_explicit(&w->shared->connections, 1, memory_order_relaxed);

	if (!max || now < max)
		return true;
	atomic_fetch_sub_explicit(&w->shared->connections, 1, memory_order_relaxed);
	return false;
}

static void refuse(struct sl_worker *w, int fd, const char *reason)
{
	sl_log_debug("client.refused", "reason=\"%s\"", reason);
	sl_count(&w->stats->connections_refused, 1);
	sl_ring_close(&w->loop, fd);
}

void sl_client_accept(struct sl_acceptor *a, int fd)
{
	struct sl_worker *w = a->worker;
	struct sl_addr peer = { .len = 0 };
	struct sl_client *c;

	sl_count(&w->stats->connections_accepted, 1);
	if (sl_guard_rules(w->shared->guard) && !sl_admit_connection(a, fd, &peer))
		return;
	if (!is_allowed(w)) {
		refuse(w, fd, "limits.connections");
		return;
	}
	c = sl_slab_get(&w->client_slab);
	if (!c) {
		atomic_fetch_sub_explicit(&w->shared->connections, 1, memory_order_relaxed);
		refuse(w, fd, "no memory");
		return;
	}
	*c = (struct sl_client){ .worker = w, .acceptor = a, .start_ns = w->loop.now_ns };
	if (peer.len)
		set_address(c, &peer);
	a->clients_nr++;
	sl_conn_init(&c->conn, &w->loop, fd);
	c->conn.on_event = on_event;
	c->conn.on_closed = on_closed;
	c->wants_proxy = a->conf->proxy_from_nr > 0;
	c->wants_tls = a->conf->tls != NULL;
	sl_timer_init(&c->timer, on_idle);
	sl_list_push_back(&w->clients, &c->node);
	w->clients_nr++;
	sl_count(&w->stats->connections_open, 1);
	if (tally_early(c) < 0) {
		close_because(c, &w->stats->connections_closed_limit, "limits.client_connections");
		return;
	}
	/* One shot: a connection for one request never has a receive to take back. */
	sl_conn_arm(&c->conn, SL_RECV_ONCE);
	sl_timer_set(&w->loop.wheel, &c->timer,
		     sl_deadline(w->loop.now_ns, w->view->rules->limits.idle_timeout_ns));
}
