/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of upstreams and targets, by all workers and by each: cells, found by the index of
 * the upstream and that of the target in it.  Configurations that follow one another share those of
 * what stays, so that a bound holds over requests of all of them together. */
#ifndef SL_UPSTREAM_STATE_H
#define SL_UPSTREAM_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "upstream/conf.h"

struct sl_target;

/* What the operator wants of a target. */
enum sl_target_admin {
	SL_TARGET_READY,
	SL_TARGET_DRAIN,    /* no request but those of sessions that are bound to it */
	SL_TARGET_DISABLED, /* none at all, and no health checks */
};

/* Why a target is out: bits of sl_target_shared.out.  An ejection is a time instead, so that it
 * ends without anybody's doing. */
enum { SL_OUT_UNHEALTHY = 1, SL_OUT_DRAIN = 2, SL_OUT_DISABLED = 4 };

/* Read by every worker at each pick, written when something changes. */
struct sl_target_shared {
	_Atomic uint32_t out;
	_Atomic uint32_t failures;	   /* in a row, as outlier detection counts them */
	_Atomic uint32_t ejections;	   /* in a row: each takes longer than the one before */
	_Atomic uint64_t ejected_until_ns; /* 0: never was */
	_Atomic uint64_t slow_since_ns; /* it came back then: see slow_start.  0: it never left */
	_Atomic uint64_t checks, checks_failed; /* health checks done */
	_Atomic uint32_t in_flight;	/* of all workers; counted only with least_requests */
	_Atomic uint64_t ejected_at_ns; /* when it was last; 0: never */
	/* On a line that is not read at each pick. */
	_Atomic uint64_t failing_since_ns; /* no connection is to be had since then; 0: one is */
	_Atomic uint64_t last_error_ns;	   /* 0: nothing has failed yet */
	_Atomic int last_error;		   /* a negative errno */
} __attribute__((aligned(64)));

/* What one worker has counted of one target, which others may read, and its idle connections. */
struct sl_target_counts {
	uint64_t in_flight;	/* requests being answered now */
	uint64_t connections;	/* open now, in use or idle */
	uint64_t requests;	/* sent to it so far */
	uint64_t failures;	/* connections and answers that failed so far */
	struct sl_list idle;	/* of sl_peer, most recently used first: the others may age out */
	struct sl_target *home; /* in the newest pool that has it, whose the idle ones are; NULL:
				   none are kept */
	uint32_t idle_nr;
} __attribute__((aligned(64)));

struct sl_upstream_shared {
	_Atomic uint32_t requests; /* in flight, of all workers; counted only with max_requests */
	_Atomic bool is_ejecting;  /* somebody decides on an ejection right now */
} __attribute__((aligned(64)));

/* Requests of one worker that wait for a connection to an upstream. */
struct sl_queue_line {
	struct sl_list parts; /* of sl_upstream, who waits of each: the oldest rules' first */
	uint32_t nr;	      /* with those that were called and have not run yet */
	uint32_t called_nr;   /* those */
} __attribute__((aligned(64)));

/* Each lives as long as a configuration has it. */
struct sl_target_cells {
	struct sl_target_shared shared;
	unsigned users;			  /* sl_states that hold it */
	struct sl_target_counts counts[]; /* one a worker */
};

struct sl_upstream_cells {
	struct sl_upstream_shared shared;
	unsigned users;
	struct sl_queue_line lines[];
};

struct sl_states {
	unsigned workers, upstreams_nr;
	size_t targets_nr; /* of all upstreams */
	size_t *first;	   /* an upstream's first target */
	struct sl_upstream_cells **upstreams;
	struct sl_target_cells **targets;
};

/* All of these are for one thread, whatever uses the cells meanwhile. */

/* Cells for nr upstreams and `workers` workers, all targets ready.  0 with *ret_states to be freed,
 * or -ENOMEM. */
int sl_states_new(struct sl_states **ret_states, const struct sl_upstream_conf *conf, unsigned nr,
		  unsigned workers);
/* The same for a configuration that follows another one, and shares the cells of what stays; the
 * maps are as sl_pool_map() fills them in. */
int sl_states_follow(struct sl_states **ret_states, const struct sl_upstream_conf *conf,
		     unsigned nr, const struct sl_states *from, const uint32_t *targets,
		     const uint32_t *upstreams);
/* That configuration, conf, has come into use, and the checks of the one before are over: where it
 * has no health checks, all targets are healthy. */
void sl_states_settle(struct sl_states *s, const struct sl_upstream_conf *conf);
void sl_states_free(struct sl_states *s); /* NULL is fine */

static inline struct sl_target_shared *sl_states_target(const struct sl_states *s,
							unsigned upstream, unsigned target)
{
	return &s->targets[s->first[upstream] + target]->shared;
}

static inline struct sl_target_counts *sl_states_counts(const struct sl_states *s, unsigned worker,
							unsigned upstream, unsigned target)
{
	return &s->targets[s->first[upstream] + target]->counts[worker];
}

/* ---- for whoever shows or steers targets; from any thread ---- */

struct sl_target_status {
	enum sl_target_admin admin;
	bool is_healthy;     /* by health checks; true where there are none */
	uint64_t ejected_ns; /* still; 0: it is not ejected */
	uint64_t ejections;  /* in a row */
	uint64_t in_flight, connections, requests, failures; /* of all workers */
	uint64_t checks, checks_failed;
	uint64_t failing_ns;	/* no connection to it is to be had for so long; 0: one is */
	uint64_t last_error_ns; /* so long ago something failed; 0: nothing has */
	int last_error;		/* a negative errno, for sl_failure_word() */
};

/* The indexes must be those of the configuration that s was made for. */
void sl_upstream_status(const struct sl_states *s, unsigned upstream, unsigned target,
			uint64_t now_ns, struct sl_target_status *ret_status);
/* What is in flight at a target goes on whatever is set.  Setting it to SL_TARGET_READY also ends
 * an ejection. */
void sl_upstream_set_admin(struct sl_states *s, unsigned upstream, unsigned target,
			   enum sl_target_admin admin);

/* The word for it: "ready", "drain", "disabled". */
const char *sl_target_admin_name(enum sl_target_admin admin);

/* One writer a cell, as sl_count() does. */
static inline void sl_cell_add(uint64_t *cell, int64_t n)
{
	__atomic_store_n(cell, *cell + (uint64_t)n, __ATOMIC_RELAXED);
}

#endif
