/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's connections to the upstreams of one configuration: how each target fares, and idle
 * connections to reuse, which pools of the same worker share. */
#ifndef SL_UPSTREAM_POOL_H
#define SL_UPSTREAM_POOL_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slab.h"
#include "net/conn.h"
#include "upstream/conf.h"
#include "upstream/retry.h"
#include "upstream/state.h"

struct sl_pool;
struct sl_checker;
struct sl_tls;
struct sl_tls_blocks;
struct sl_tls_sessions;

struct sl_target {
	const struct sl_target_conf *conf;
	struct sl_target_shared *shared; /* what all workers know of it */
	struct sl_target_counts *counts; /* this worker's, of all configurations */
	struct sl_upstream *upstream;
	struct sl_tls_sessions *sessions; /* to go on with; NULL without TLS */
	int64_t credit;			  /* of smooth weighted round robin */
	uint64_t down_until_ns;		  /* it refused a connection: others first until then */
};

struct sl_upstream {
	const struct sl_upstream_conf *conf;
	struct sl_upstream_shared *shared;
	struct sl_pool *pool;
	struct sl_target *targets;
	struct sl_retry_budget retry_budget;
	uint32_t connections_max; /* this worker's part, to each target; 0: no limit */
	uint32_t waiting_max;
	struct sl_queue_line *line; /* this worker's, of all configurations */
	struct sl_list waiting;	    /* who is in it of this one, the oldest first */
	struct sl_list part_node;   /* in line->parts from the first of them on, or alone */
	uint32_t waiting_nr;	    /* counted as line->nr is */
};

/* One connection to a target. */
struct sl_peer {
	struct sl_conn conn;
	struct sl_upstream *upstream;
	struct sl_target *target;
	struct sl_list node; /* among the idle ones of its target, or alone */
	struct sl_timer timer;
	struct sl_tls *tls; /* NULL: there is none on it */
	uint64_t made_ns;
	uint64_t expires_ns; /* not reused after this */
	uint32_t uses_left;
	bool in_use; /* a request is being answered on it */
	bool is_reused;
	bool is_bulk; /* its last answer was long */
};

struct sl_pool {
	struct sl_loop *loop;
	struct sl_upstream *upstreams;
	struct sl_target *targets;    /* all of them; upstreams point in here */
	struct sl_slab *slab;	      /* of sl_peer; the worker's: peers move from pool to pool */
	struct sl_tls_blocks *blocks; /* the worker's, too */
	unsigned nr;
	unsigned peers_nr;		     /* alive, idle or not; health checks under way too */
	void (*on_empty)(struct sl_pool *p); /* the last peer has gone; may be NULL */
	struct sl_checker *checker;	     /* of worker 0; NULL: there is nothing to check */
	uint64_t random;		     /* state of sl_pool_random() */
};

/* Whose a pool is, and what it is for; all of it must outlive the pool. */
struct sl_pool_conf {
	struct sl_loop *loop;
	struct sl_slab *slab; /* of struct sl_peer */
	const struct sl_upstream_conf *upstreams;
	unsigned nr;
	struct sl_states *states;     /* made for these upstreams */
	unsigned worker;	      /* whose cells of states it counts in */
	struct sl_tls_blocks *blocks; /* NULL: no upstream has TLS */
};

/* On any thread; the loop need not run yet.  0, -ENOMEM, or -EIO without randomness. */
int sl_pool_init(struct sl_pool *p, const struct sl_pool_conf *conf);
/* On the worker's thread: health checks may begin. */
void sl_pool_start(struct sl_pool *p);
#define SL_NO_TARGET UINT32_MAX
/* Fills in, for each target of the new configuration, which target of the old one it was: its
 * number over all upstreams, or SL_NO_TARGET.  The same means: same upstream name, target name and
 * address, and connections that begin alike.  Likewise for each upstream, which is the same by its
 * name.  There is room for all targets and upstreams of the new one. */
int sl_pool_map(const struct sl_upstream_conf *from, unsigned from_nr,
		const struct sl_upstream_conf *to, unsigned to_nr, uint32_t *ret_targets,
		uint32_t *ret_upstreams);
size_t sl_pool_count_targets(const struct sl_upstream_conf *conf, unsigned nr);
/* Becomes the newest on its worker's thread: idle connections of targets whose cells it shares with
 * an older one are its own from now on, and what that one has found out about them. */
void sl_pool_inherit(struct sl_pool *p);
/* Ends health checks, closes what is idle and keeps nothing any more; needs turns of the loop until
 * peers_nr is 0. */
void sl_pool_close_idle(struct sl_pool *p);
/* Another pool checks from now on; what is connected stays. */
void sl_pool_stop_checks(struct sl_pool *p);
void sl_pool_fini(struct sl_pool *p);

/* One of peers_nr has ended: the pool may be gone after this. */
void sl_pool_leave(struct sl_pool *p);

/* No connection to it can be had now: as many as may be are in use. */
static inline bool sl_target_is_full(const struct sl_upstream *u, const struct sl_target *t)
{
	return u->connections_max && t->counts->connections >= u->connections_max &&
	       sl_list_is_empty(&t->counts->idle);
}

/* Descriptors, memory or local ports are what was lacking: our own fault, not a target's. */
static inline bool sl_is_shortage(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM || error == -ENOBUFS ||
	       error == -EADDRNOTAVAIL;
}

/* For choices that nobody may foresee, and no secrets. */
uint64_t sl_pool_random(struct sl_pool *p);

/* Of another pool of this worker now: the old one may be gone after this. */
void sl_peer_move(struct sl_peer *peer, struct sl_target *to);

/* An idle connection to the target, or NULL.  Its reader is the current fiber.  Those from before
 * an ejection are closed: a host that went without a word knows nothing of them any more. */
struct sl_peer *sl_target_reuse(struct sl_upstream *u, struct sl_target *t);
/* A new one, by deadline_ns at the latest, on which the preamble was sent, and then TLS agreed on
 * where the upstream has it.  0, a negative errno or one of tls/error.h; after a refusal or a
 * timeout the target counts as down for a while. */
int sl_target_connect(struct sl_upstream *u, struct sl_target *t, struct sl_str preamble,
		      uint64_t deadline_ns, struct sl_peer **ret_peer);

/* Back to the idle ones: the exchange on it is complete and it may carry another. */
void sl_peer_release(struct sl_peer *peer);
void sl_peer_close(struct sl_peer *peer); /* NULL is fine */

#endif
