// SPDX-License-Identifier: Apache-2.0
// A worker's connections to its upstreams.
#include "upstream/pool.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>

#include "base/clock.h"

size_t sl_pool_count_targets(const struct sl_upstream_conf *conf, unsigned nr)
{
	size_t n = 0;

	for (unsigned i = 0; i < nr; i++)
		n += conf[i].targets_nr;
	return n;
}

int sl_pool_init(struct sl_pool *p, struct sl_loop *loop, struct sl_slab *slab,
		 const struct sl_upstream_conf *conf, unsigned nr)
{
	size_t targets = sl_pool_count_targets(conf, nr);
	struct sl_target *t;

	*p = (struct sl_pool){ .loop = loop, .slab = slab, .nr = nr };
	p->upstreams = calloc(nr + 1, sizeof(*p->upstreams));
	p->targets = t = calloc(targets + 1, sizeof(*p->targets));
	if (!p->upstreams || !p->targets) {
		sl_pool_fini(p);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < nr; i++) {
		p->upstreams[i] = (struct sl_upstream){ .conf = &conf[i], .pool = p, .targets = t };
		for (unsigned k = 0; k < conf[i].targets_nr; k++, t++) {
			t->conf = &conf[i].targets[k];
			sl_list_init(&t->idle);
		}
	}
	return 0;
}

static void close_idle_of(struct sl_target *t)
{
	while (!sl_list_is_empty(&t->idle))
		sl_peer_close(sl_container_of(t->idle.prev, struct sl_peer, node));
}

void sl_pool_close_idle(struct sl_pool *p)
{
	for (unsigned i = 0; i < p->nr; i++)
		for (unsigned k = 0; k < p->upstreams[i].conf->targets_nr; k++)
			close_idle_of(&p->upstreams[i].targets[k]);
}

void sl_pool_fini(struct sl_pool *p)
{
	free(p->upstreams);
	free(p->targets);
	*p = (struct sl_pool){ 0 };
}

uint64_t sl_target_bit(const struct sl_upstream *u, const struct sl_target *t)
{
	size_t i = (size_t)(t - u->targets);

	return i < 64 ? 1ull << i : 0;
}

/* Smooth weighted round robin, nginx's: each pick every target earns its weight and the richest
 * pays the total, so that a heavy target's turns are spread and not in a row. */
static struct sl_target *pick_among(struct sl_upstream *u, uint64_t tried, uint64_t now_ns,
				    bool down_too)
{
	struct sl_target *best = NULL;
	int64_t total = 0;

	for (unsigned i = 0; i < u->conf->targets_nr; i++) {
		struct sl_target *t = &u->targets[i];

		if (tried &
		    sl_target_bit(
			    u, t)) /* beyond 64 they are not told apart, and may be tried again */
			continue;
		if (!down_too && t->down_until_ns > now_ns)
			continue;
		t->credit += t->conf->weight;
		total += t->conf->weight;
		if (!best || t->credit > best->credit)
			best = t;
	}
	if (best)
		best->credit -= total;
	return best;
}

struct sl_target *sl_upstream_pick(struct sl_upstream *u, uint64_t tried, uint64_t now_ns)
{
	struct sl_target *t;

	if (u->conf->targets_nr == 1)
		return tried ? NULL : &u->targets[0];
	t = pick_among(u, tried, now_ns, false);
	return t ? t : pick_among(u, tried, now_ns, true);
}

static void on_closed(struct sl_conn *c)
{
	struct sl_peer *peer = sl_container_of(c, struct sl_peer, conn);
	struct sl_pool *pool = peer->upstream->pool;

	sl_slab_put(pool->slab, peer);
	pool->peers_nr--;
	if (pool->peers_nr == 0 && pool->on_empty)
		pool->on_empty(pool);
}

/* A receive that stays armed saves asking anew for each answer (measured: 2 % of a small one).  It
 * would have to be taken back before a long body, which does without receive buffers. */
static void arm_idle(struct sl_peer *peer)
{
	sl_conn_arm(&peer->conn, peer->is_bulk ? SL_RECV_ONCE_LATER : SL_RECV_MULTISHOT);
}

/* Whatever comes on an idle connection ends it: a close, or bytes that nobody asked for. */
static void on_idle_event(struct sl_conn *c)
{
	if (c->rx_first == SL_BUF_NONE && !c->eof && !c->rx_error) {
		arm_idle(sl_container_of(c, struct sl_peer, conn)); /* only a receive has ended */
		return;
	}
	sl_peer_close(sl_container_of(c, struct sl_peer, conn));
}

static void on_idle_timeout(struct sl_timer *t)
{
	struct sl_peer *peer = sl_container_of(t, struct sl_peer, timer);

	if (!sl_list_is_alone(&peer->node))
		sl_peer_close(peer);
}

static void leave_idle(struct sl_peer *peer)
{
	if (sl_list_is_alone(&peer->node))
		return;
	sl_list_del(&peer->node);
	peer->target->idle_nr--;
}

void sl_peer_close(struct sl_peer *peer)
{
	if (!peer)
		return;
	leave_idle(peer);
	sl_timer_stop(&peer->timer);
	sl_conn_close(&peer->conn);
}

struct sl_peer *sl_target_reuse(struct sl_upstream *u, struct sl_target *t)
{
	struct sl_peer *peer;

	if (sl_list_is_empty(&t->idle))
		return NULL;
	peer = sl_container_of(t->idle.next, struct sl_peer, node);
	leave_idle(peer);
	peer->is_reused = true;
	peer->conn.reader = sl_fiber_self(u->pool->loop);
	return peer;
}

static struct sl_peer *new_peer(struct sl_upstream *u, struct sl_target *t, int fd)
{
	struct sl_peer *peer = sl_slab_get(u->pool->slab);

	if (!peer)
		return NULL;
	u->pool->peers_nr++;
	sl_conn_init(&peer->conn, u->pool->loop, fd);
	peer->conn.on_closed = on_closed;
	peer->conn.on_event = on_idle_event;
	peer->conn.reader = sl_fiber_self(u->pool->loop);
	peer->upstream = u;
	peer->target = t;
	peer->is_reused = peer->is_bulk = false;
	sl_list_init(&peer->node);
	sl_timer_init(&peer->timer, on_idle_timeout);
	return peer;
}

static int open_socket(const struct sl_addr *addr)
{
	int fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		return -errno;
	if (addr->sa.sa_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

int sl_target_connect(struct sl_upstream *u, struct sl_target *t, uint64_t deadline_ns,
		      struct sl_peer **ret_peer)
{
	const struct sl_addr *addr = &t->conf->address;
	struct sl_loop *loop = u->pool->loop;
	uint64_t by_timeout = sl_deadline(loop->now_ns, u->conf->connect_timeout_ns);
	struct sl_peer *peer;
	int fd, ret;

	fd = open_socket(addr);
	if (fd < 0)
		return fd;
	peer = new_peer(u, t, fd);
	if (!peer) {
		sl_ring_close(loop, fd);
		return -ENOMEM;
	}
	ret = sl_conn_connect(&peer->conn, &addr->sa, addr->len,
			      by_timeout < deadline_ns ? by_timeout : deadline_ns);
	if (ret < 0) {
		sl_peer_close(peer);
		/* Out of our own time it is not known to be down. */
		if (ret != -ECANCELED && (ret != -ETIMEDOUT || loop->now_ns >= by_timeout))
			t->down_until_ns = loop->now_ns + u->conf->down_for_ns;
		return ret;
	}
	t->down_until_ns = 0;
	*ret_peer = peer;
	return 0;
}

void sl_peer_release(struct sl_peer *peer)
{
	struct sl_target *t = peer->target;
	const struct sl_upstream_conf *conf = peer->upstream->conf;
	struct sl_loop *loop = peer->conn.loop;

	peer->conn.reader = NULL;
	sl_conn_use_bufs(&peer->conn, &loop->small);
	if (t->idle_nr >= conf->idle_connections || peer->conn.rx_first != SL_BUF_NONE ||
	    peer->conn.eof || peer->conn.rx_error) {
		sl_peer_close(peer);
		return;
	}
	sl_list_push_front(&t->idle, &peer->node);
	t->idle_nr++;
	arm_idle(peer);
	sl_timer_set(&loop->wheel, &peer->timer, sl_deadline(loop->now_ns, conf->idle_timeout_ns));
}
