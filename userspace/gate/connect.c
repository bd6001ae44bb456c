// SPDX-License-Identifier: Apache-2.0
// Finds a connection to a target of the upstream.
#include "gate/attempt.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "gate/verdict.h"
#include "net/proxyproto.h"
#include "tls/error.h"
#include "tls/records.h"
#include "upstream/failure.h"
#include "upstream/queue.h"

enum { TARGETS_MAX = 16 }; /* connections tried for one sending of a request */

/* The client that a balancer in front named, or the two ends of the client's own connection. */
static int find_ends(const struct sl_client *c, struct sl_addr *ret_src, struct sl_addr *ret_dst)
{
	struct sl_addr src = { .len = sizeof(src.un) }, dst = { .len = sizeof(dst.un) };

	if (c->proxy) {
		*ret_src = c->proxy->src;
		*ret_dst = c->proxy->dst;
		return 0;
	}
	if (getpeername(c->conn.fd, &src.sa, &src.len) < 0 ||
	    getsockname(c->conn.fd, &dst.sa, &dst.len) < 0)
		return -errno;
	*ret_src = src;
	*ret_dst = dst;
	return 0;
}

/* Its length, or a negative errno. */
static ssize_t make_proxy_header(const struct sl_exchange *x, enum sl_proxy_version version,
				 char mem[SL_PROXY_WRITE_MAX])
{
	struct sl_addr src, dst;
	int ret = find_ends(x->client, &src, &dst);

	if (ret < 0)
		return ret;
	return sl_proxy_write(version == SL_PROXY_V1 ? 1 : 2, &src, &dst, mem, SL_PROXY_WRITE_MAX);
}

/* What may not be sent twice is not sent where the target has just hung up: its FIN is here, though
 * the ring has not told us yet. */
static struct sl_peer *reuse(struct sl_attempt *a, struct sl_target *t)
{
	bool once_only = !sl_attempt_may_repeat(a);
	struct sl_peer *peer;
	char c;

	while ((peer = sl_target_reuse(a->upstream, t)) && once_only) {
		if (recv(peer->conn.fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN)
			break;
		sl_peer_close(peer);
	}
	return peer;
}

/* Not our own lack of something, nor the end of our own time. */
static bool is_targets_fault(const struct sl_exchange *x, int error)
{
	if (error == -ETIMEDOUT)
		return x->worker->loop.now_ns < x->deadline_ns;
	return error != -ECANCELED && !sl_is_shortage(error);
}

static void note_failure(struct sl_attempt *a, struct sl_target *t, int error)
{
	struct sl_exchange *x = a->x;
	struct sl_worker *w = x->worker;

	sl_log_debug("upstream.connect_failed", "request=%.*s target=%s error=\"%s\"",
		     SL_STR_ARG(x->id), t->conf->name, sl_failure_text(error));
	if (sl_tls_is_error(error))
		sl_count(&w->stats->upstream_tls_failures, 1);
	if (sl_is_shortage(error) && sl_worker_note_shortage(w, &w->connect_short_ns))
		sl_log_warn("connect.failed", "upstream=%s target=%s error=\"%s\"",
			    a->upstream->conf->name, t->conf->name, strerror(-error));
	x->detail = error == -ETIMEDOUT ? "connect_timeout" : sl_failure_word(error);
	if (is_targets_fault(x, error))
		sl_verdict_unconnected(x, a->upstream, t, error);
}

static int open_peer(struct sl_attempt *a, struct sl_target *t)
{
	struct sl_exchange *x = a->x;
	enum sl_proxy_version version = a->upstream->conf->send_proxy;
	char mem[SL_PROXY_WRITE_MAX];
	ssize_t n = version ? make_proxy_header(x, version, mem) : 0;
	int ret;

	if (n < 0)
		return (int)n; /* of the client, who may have left */
	ret = sl_target_connect(a->upstream, t, (struct sl_str){ mem, (size_t)n }, x->deadline_ns,
				&x->peer);
	if (ret < 0)
		note_failure(a, t, ret);
	return ret;
}

static void count_secured(struct sl_stats *s, const struct sl_peer *peer)
{
	struct sl_tls_facts facts;

	sl_tls_describe(peer->tls, &facts);
	sl_count(facts.is_resumed ? &s->upstream_tls_resumed : &s->upstream_tls_handshakes, 1);
}

/* With a PROXY header the connection speaks for one client and is not shared. */
static int connect_peer(struct sl_attempt *a, struct sl_target *t)
{
	struct sl_exchange *x = a->x;
	struct sl_stats *s = x->worker->stats;
	int ret;

	x->upstream_name = t->conf->name;
	x->detail = NULL; /* what another target did says nothing of this one */
	if (!a->upstream->conf->send_proxy && !a->is_fresh_only)
		x->peer = reuse(a, t);
	if (x->peer) {
		sl_count(&s->upstream_reuses, 1);
		sl_count(&sl_exchange_target_cells(x, t)[SL_TARGET_REQUESTS], 1);
		return 0;
	}
	ret = open_peer(a, t);
	if (ret < 0)
		return ret;
	sl_log_debug("upstream.connected", "request=%.*s target=%s", SL_STR_ARG(x->id),
		     t->conf->name);
	sl_verdict_connected(x, a->upstream, t);
	sl_count(&s->upstream_connects, 1);
	if (x->peer->tls)
		count_secured(s, x->peer);
	sl_count(&sl_exchange_target_cells(x, t)[SL_TARGET_REQUESTS], 1);
	return 0;
}

/* When all were tried, those that have answered are asked again. */
static struct sl_target *pick(struct sl_attempt *a)
{
	uint64_t now_ns = a->x->worker->loop.now_ns;
	struct sl_target *t = sl_upstream_pick(a->upstream, &a->pick, now_ns);

	if (t || a->pick.is_full || !a->answered)
		return t;
	a->pick.tried &= ~a->answered;
	a->answered = 0;
	return sl_upstream_pick(a->upstream, &a->pick, now_ns);
}

/* Waits for its turn where the upstream's connections are bounded.  0 with a target, or NULL when
 * every one was tried; or a negative errno as sl_queue_wait(). */
static int pick_in_turn(struct sl_attempt *a, struct sl_target **ret_target)
{
	struct sl_conn *client = &a->x->client->conn;
	struct sl_upstream *u = a->upstream;
	uint64_t deadline_ns = sl_exchange_deadline(a->x, u->conf->connect_timeout_ns);
	bool is_again = false;
	int ret;

	*ret_target = sl_queue_is_my_turn(u) ? pick(a) : NULL;
	while (!*ret_target && (u->waiting_nr || a->pick.is_full)) {
		/* It may leave meanwhile; but one that sends on must not fill buffers by it. */
		if (!sl_conn_has_data(client))
			sl_conn_arm(client, SL_RECV_ONCE_LATER);
		ret = sl_queue_wait(u, client, is_again, deadline_ns);
		if (ret < 0)
			return ret;
		*ret_target = pick(a);
		if (!*ret_target && !a->pick.is_full) {
			sl_queue_call(u); /* every target was tried: it is for the next one */
			break;
		}
		is_again = true;
	}
	return 0;
}

static bool goes_on(const struct sl_attempt *a, int error)
{
	const struct sl_retry_conf *retries = &a->upstream->conf->retries;

	return error != -ECANCELED && error != -EMFILE && error != -ENFILE &&
	       retries->attempts > 0 && retries->on & SL_RETRY_CONNECT;
}

/* A connection that was refused has carried nothing, so any request may go to the next target. */
int sl_attempt_connect(struct sl_attempt *a)
{
	struct sl_exchange *x = a->x;
	int ret, error = a->pick.tried ? -EHOSTUNREACH : -ENODEV;
	struct sl_target *t;

	for (unsigned i = 0; i < TARGETS_MAX; i++) {
		ret = pick_in_turn(a, &t);
		if (ret < 0)
			return ret;
		if (!t)
			break;
		error = connect_peer(a, t);
		if (error == 0)
			return 0;
		a->pick.tried |= sl_target_bit(a->upstream, t);
		sl_peer_close(x->peer);
		x->peer = NULL;
		if (!goes_on(a, error))
			break;
		if (x->client->conn.rx_error)
			return -ECONNABORTED;
		if (x->worker->loop.now_ns >= x->deadline_ns)
			return -ETIMEDOUT;
	}
	return error;
}
