// SPDX-License-Identifier: Apache-2.0
// A worker's connections to its upstreams.
#include "upstream/pool.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "tls/records.h"
#include "upstream/health.h"
#include "upstream/queue.h"
#include "upstream/secure.h"

/* At least one: a worker without any could not serve its clients. */
static uint32_t part_of(uint32_t limit, unsigned workers)
{
	return limit / workers + (limit % workers != 0);
}

size_t sl_pool_count_targets(const struct sl_upstream_conf *conf, unsigned nr)
{
	size_t n = 0;

	for (unsigned i = 0; i < nr; i++)
		n += conf[i].targets_nr;
	return n;
}

static int init_upstream(struct sl_pool *p, unsigned i, const struct sl_pool_conf *pc)
{
	const struct sl_upstream_conf *conf = &pc->upstreams[i];
	struct sl_target *targets = p->targets + pc->states->first[i];

	p->upstreams[i] = (struct sl_upstream){
		.conf = conf,
		.shared = &pc->states->upstreams[i]->shared,
		.line = &pc->states->upstreams[i]->lines[pc->worker],
		.pool = p,
		.targets = targets,
		.connections_max = part_of(conf->max_connections, pc->states->workers),
		.waiting_max = part_of(conf->max_pending, pc->states->workers),
	};
	sl_list_init(&p->upstreams[i].waiting);
	sl_list_init(&p->upstreams[i].part_node);
	for (unsigned k = 0; k < conf->targets_nr; k++) {
		targets[k].conf = &conf->targets[k];
		targets[k].shared = sl_states_target(pc->states, i, k);
		targets[k].counts = sl_states_counts(pc->states, pc->worker, i, k);
		targets[k].upstream = &p->upstreams[i];
		if (!targets[k].counts->home) /* new: nobody else has it yet */
			targets[k].counts->home = &targets[k];
	}
	return sl_upstream_keep_sessions(&p->upstreams[i]);
}

int sl_pool_init(struct sl_pool *p, const struct sl_pool_conf *conf)
{
	int ret = 0;

	*p = (struct sl_pool){
		.loop = conf->loop, .slab = conf->slab, .blocks = conf->blocks, .nr = conf->nr
	};
	if (getrandom(&p->random, sizeof(p->random), 0) != sizeof(p->random))
		return -EIO;
	p->upstreams = calloc(conf->nr + 1u, sizeof(*p->upstreams));
	p->targets = calloc(conf->states->targets_nr + 1, sizeof(*p->targets));
	if (!p->upstreams || !p->targets) {
		sl_pool_fini(p);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < conf->nr && ret == 0; i++)
		ret = init_upstream(p, i, conf);
	/* One worker asks for all. */
	if (ret == 0 && (conf->worker != 0 || sl_checker_new(&p->checker, p) == 0))
		return 0;
	sl_pool_fini(p);
	return -ENOMEM;
}

void sl_pool_start(struct sl_pool *p)
{
	sl_checker_start(p->checker);
}

static void close_oldest(struct sl_target *t)
{
	struct sl_list *idle = &t->counts->idle;

	if (!sl_list_is_empty(idle))
		sl_peer_close(sl_container_of(idle->prev, struct sl_peer, node));
}

/* Those of a newer pool are not ours to close. */
static void close_idle_of(struct sl_target *t)
{
	if (t->counts->home != t)
		return;
	t->counts->home = NULL;
	while (!sl_list_is_empty(&t->counts->idle))
		close_oldest(t);
}

void sl_pool_stop_checks(struct sl_pool *p)
{
	sl_checker_stop(p->checker);
}

void sl_pool_close_idle(struct sl_pool *p)
{
	sl_checker_stop(p->checker);
	for (unsigned i = 0; i < p->nr; i++) {
		if (p->upstreams[i].waiting_nr == 0)
			sl_list_del(&p->upstreams[i].part_node);
		for (unsigned k = 0; k < p->upstreams[i].conf->targets_nr; k++)
			close_idle_of(&p->upstreams[i].targets[k]);
	}
}

void sl_pool_fini(struct sl_pool *p)
{
	sl_checker_free(p->checker);
	for (unsigned i = 0; p->upstreams && i < p->nr; i++)
		sl_upstream_drop_sessions(&p->upstreams[i]);
	free(p->upstreams);
	free(p->targets);
	*p = (struct sl_pool){ 0 };
}

/* splitmix64 (Steele, Lea, Flood 2014). */
uint64_t sl_pool_random(struct sl_pool *p)
{
	uint64_t v = p->random += 0x9e3779b97f4a7c15ull;

	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9ull;
	v = (v ^ v >> 27) * 0x94d049bb133111ebull;
	return v ^ v >> 31;
}

void sl_pool_leave(struct sl_pool *p)
{
	p->peers_nr--;
	if (p->peers_nr == 0 && p->on_empty)
		p->on_empty(p);
}

static void on_closed(struct sl_conn *c)
{
	struct sl_peer *peer = sl_container_of(c, struct sl_peer, conn);
	struct sl_pool *pool = peer->upstream->pool;

	sl_tls_free(peer->tls);
	sl_slab_put(pool->slab, peer);
	sl_pool_leave(pool);
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
	if (!sl_conn_has_data(c) && !c->eof && !c->rx_error) {
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
	peer->target->counts->idle_nr--;
}

/* Only where somebody asks: a line that all workers write to costs them. */
static void count_shared(struct sl_peer *peer, uint32_t n)
{
	if (peer->upstream->conf->balance == SL_BALANCE_LEAST_REQUESTS)
		atomic_fetch_add_explicit(&peer->target->shared->in_flight, n,
					  memory_order_relaxed);
}

static void begin_use(struct sl_peer *peer)
{
	peer->in_use = true;
	sl_cell_add(&peer->target->counts->in_flight, 1);
	count_shared(peer, 1);
}

static void end_use(struct sl_peer *peer)
{
	if (!peer->in_use)
		return;
	peer->in_use = false;
	sl_cell_add(&peer->target->counts->in_flight, -1);
	count_shared(peer, UINT32_MAX); /* one less */
}

void sl_peer_close(struct sl_peer *peer)
{
	if (!peer)
		return;
	end_use(peer);
	leave_idle(peer);
	sl_cell_add(&peer->target->counts->connections, -1);
	if (peer->upstream->line->nr)
		sl_queue_call(peer->upstream);
	sl_timer_stop(&peer->timer);
	sl_conn_close(&peer->conn);
}

/* The most recently used one that is younger than the last ejection.  Of another configuration it
 * need not be to our taste. */
static struct sl_peer *first_good(struct sl_target *t)
{
	uint64_t since_ns = atomic_load_explicit(&t->shared->ejected_at_ns, memory_order_relaxed);
	const struct sl_target *home = t->counts->home;

	if (home != t && home && !sl_target_is_alike(home, t))
		return NULL;

	while (!sl_list_is_empty(&t->counts->idle)) {
		struct sl_peer *peer = sl_container_of(t->counts->idle.next, struct sl_peer, node);

		if (__builtin_expect(peer->made_ns > since_ns, 1))
			return peer;
		sl_peer_close(peer);
	}
	return NULL;
}

void sl_peer_move(struct sl_peer *peer, struct sl_target *to)
{
	struct sl_pool *from = peer->upstream->pool;

	peer->target = to;
	peer->upstream = to->upstream;
	if (peer->tls)
		peer->tls->sessions = to->sessions; /* the old ones may go with their pool */
	to->upstream->pool->peers_nr++;
	sl_pool_leave(from);
}

struct sl_peer *sl_target_reuse(struct sl_upstream *u, struct sl_target *t)
{
	struct sl_peer *peer = first_good(t);

	if (!peer)
		return NULL;
	leave_idle(peer);
	if (peer->target != t)
		sl_peer_move(peer, t);
	peer->is_reused = true;
	peer->uses_left--;
	peer->conn.reader = sl_fiber_self(u->pool->loop);
	begin_use(peer);
	sl_cell_add(&t->counts->requests, 1);
	return peer;
}

/* Up to a tenth less than the limit: connections that were made together do not end together. */
static uint64_t vary(struct sl_pool *p, uint64_t limit)
{
	return limit - sl_pool_random(p) % (limit / 10 + 1);
}

static void set_bounds(struct sl_peer *peer, struct sl_pool *p, const struct sl_upstream_conf *conf)
{
	peer->expires_ns = SL_NEVER;
	peer->uses_left = UINT32_MAX;
	if (conf->max_age_ns)
		peer->expires_ns = sl_deadline(p->loop->now_ns, vary(p, conf->max_age_ns));
	if (conf->max_uses)
		peer->uses_left = (uint32_t)vary(p, conf->max_uses) - 1;
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
	peer->tls = NULL;
	peer->is_reused = peer->is_bulk = false;
	peer->made_ns = u->pool->loop->now_ns;
	set_bounds(peer, u->pool, u->conf);
	sl_list_init(&peer->node);
	sl_timer_init(&peer->timer, on_idle_timeout);
	sl_cell_add(&t->counts->connections, 1);
	begin_use(peer);
	return peer;
}

static int open_socket(const struct sl_addr *addr)
{
	int fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0)
		return -errno;
	if (addr->sa.sa_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

/* As far as requests can follow. */
static int open_peer(struct sl_peer *peer, struct sl_str preamble, uint64_t deadline_ns)
{
	const struct sl_addr *addr = &peer->target->conf->address;
	int ret = sl_conn_connect(&peer->conn, &addr->sa, addr->len, deadline_ns);

	if (ret == 0 && preamble.len)
		ret = sl_conn_send(&peer->conn, preamble.ptr, preamble.len, deadline_ns);
	if (ret == 0 && __builtin_expect(peer->upstream->conf->tls != NULL, 0))
		ret = sl_target_secure(&peer->conn, peer->target, deadline_ns, &peer->tls);
	return ret;
}

int sl_target_connect(struct sl_upstream *u, struct sl_target *t, struct sl_str preamble,
		      uint64_t deadline_ns, struct sl_peer **ret_peer)
{
	struct sl_loop *loop = u->pool->loop;
	uint64_t by_timeout = sl_deadline(loop->now_ns, u->conf->connect_timeout_ns);
	struct sl_peer *peer;
	int fd, ret;

	if (u->connections_max && t->counts->connections >= u->connections_max)
		close_oldest(t);
	fd = open_socket(&t->conf->address);
	if (fd < 0)
		return fd;
	peer = new_peer(u, t, fd);
	if (!peer) {
		sl_ring_close(loop, fd);
		return -ENOMEM;
	}
	ret = open_peer(peer, preamble, by_timeout < deadline_ns ? by_timeout : deadline_ns);
	if (ret < 0) {
		sl_peer_close(peer);
		/* Out of our own time, or means, it is not known to be down. */
		if (ret != -ECANCELED && !sl_is_shortage(ret) &&
		    (ret != -ETIMEDOUT || loop->now_ns >= by_timeout))
			t->down_until_ns = loop->now_ns + u->conf->down_for_ns;
		return ret;
	}
	t->down_until_ns = 0;
	sl_cell_add(&t->counts->requests, 1);
	*ret_peer = peer;
	return 0;
}

static bool may_idle(const struct sl_peer *peer, const struct sl_target *home)
{
	const struct sl_conn *c = &peer->conn;

	return home && home->counts->idle_nr < home->upstream->conf->idle_connections &&
	       !sl_conn_has_data(c) && !c->eof && !c->rx_error && peer->uses_left &&
	       peer->expires_ns > c->loop->now_ns;
}

void sl_peer_release(struct sl_peer *peer)
{
	struct sl_target *home = peer->target->counts->home;
	struct sl_loop *loop = peer->conn.loop;
	uint64_t until_ns;

	end_use(peer);
	peer->conn.reader = NULL;
	sl_conn_use_bufs(&peer->conn, &loop->small);
	if (!may_idle(peer, home) || !sl_target_is_alike(peer->target, home)) {
		sl_peer_close(peer);
		return;
	}
	if (peer->target != home)
		sl_peer_move(peer, home);
	sl_list_push_front(&home->counts->idle, &peer->node);
	home->counts->idle_nr++;
	arm_idle(peer);
	until_ns = sl_deadline(loop->now_ns, home->upstream->conf->idle_timeout_ns);
	sl_timer_set(&loop->wheel, &peer->timer,
		     until_ns < peer->expires_ns ? until_ns : peer->expires_ns);
	if (peer->upstream->line->nr)
		sl_queue_call(peer->upstream);
}
