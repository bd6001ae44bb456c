/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's rules, enforced in userspace: for connections that came past the kernel half, and
 * for clients that a trusted proxy names.  The same list, by the same code; the same credit. */
#ifndef SL_KERN_GUARD_H
#define SL_KERN_GUARD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "kern/conf.h"
#include "sluice/abi.h"

enum {
	SL_GUARD_FAILURE_SETS = 4096, /* of failures that are remembered: 32,768 clients */
	SL_GUARD_PUNISHED_SETS = 1024,
	SL_GUARD_PUNISHED_WAYS = 8,
};

enum sl_guard_verdict {
	SL_GUARD_PASS,
	SL_GUARD_MANAGE,
	SL_GUARD_ALLOW,
	/* From here on it is not let in. */
	SL_GUARD_DROP,
	SL_GUARD_REJECT,
	SL_GUARD_PUNISHED,
	SL_GUARD_LIMIT,
};

/* What userspace goes by: made by the main thread, read by workers, never changed.  Control and
 * cells are the kernel's, mapped, or our own where there is none. */
struct sl_guard_rules {
	struct sl_image image;
	struct sl_control *control;
	struct sl_gcra_set *cells;
	int punished_fd;		     /* the kernel's map; -1: there is none */
	uint32_t covered[SL_INTERFACES_MAX]; /* ifindex: there the kernel has judged already */
	unsigned covered_nr;
	struct sl_punish_conf punish;
	struct sl_gcra_rate failures; /* of one client, before it is punished; burst 0: never */
	struct sl_gcra_rate budget;
};

/* One who is punished in userspace: behind a proxy, or where the kernel does not do it. */
struct sl_guard_place {
	_Atomic uint64_t key; /* a keyed hash of the address; 0: free */
	_Atomic uint64_t until_ns;
	uint32_t repeats; /* of whoever holds the lock */
};

struct sl_guard {
	_Atomic(struct sl_guard_rules *) rules; /* NULL: nothing is configured */
	uint64_t secret[2];			/* random; keys failures and places */
	struct sl_gcra_set budget;
	_Atomic uint32_t places_nr; /* taken so far: 0 spares the look */
	pthread_mutex_t lock;	    /* of places, for who writes: a punishment, so rarely */
	struct sl_gcra_set failures[SL_GUARD_FAILURE_SETS];
	struct sl_guard_place places[SL_GUARD_PUNISHED_SETS][SL_GUARD_PUNISHED_WAYS];
};

/* Who asks to come in. */
struct sl_guest {
	const struct sl_ip *ip;
	uint32_t ifindex; /* where its connection came from; 0: unknown, or behind a proxy */
	uint16_t port;	  /* of ours */
	bool is_new;	  /* a connection, which takes credit; else a request */
	bool is_trial;	  /* nobody comes: the entry that answers has no hit */
};

/* NULL: out of memory. */
struct sl_guard *sl_guard_new(void);
void sl_guard_free(struct sl_guard *g); /* NULL is fine */

/* One load and, mostly, one branch: nothing is configured. */
static inline struct sl_guard_rules *sl_guard_rules(struct sl_guard *g)
{
	return atomic_load_explicit(&g->rules, memory_order_acquire);
}

/* Whether the answer depends on the interface: it takes two system calls to know. */
static inline bool sl_guard_asks_interface(const struct sl_guard_rules *r)
{
	return r->covered_nr > 0;
}

/* *ret_shadow: what it would be, were it not on trial; SL_GUARD_PASS mostly. */
enum sl_guard_verdict sl_guard_judge(struct sl_guard *g, const struct sl_guard_rules *r,
				     const struct sl_guest *guest, uint64_t now_ns,
				     enum sl_guard_verdict *ret_shadow);
/* The list's word alone. */
enum sl_guard_verdict sl_guard_ask_list(const struct sl_guard_rules *r,
					const struct sl_guest *guest, uint64_t now_ns,
					enum sl_guard_verdict *ret_shadow);

/* One who is never punished: its entry in the list manages or allows. */
bool sl_guard_is_protected(const struct sl_guard_rules *r, const struct sl_ip *ip, uint64_t now_ns);

/* Whether userspace holds a punishment of it that is not on trial: for requests on connections
 * that are older.  One load, mostly. */
bool sl_guard_is_punished(struct sl_guard *g, const struct sl_guard_rules *r,
			  const struct sl_ip *ip, uint64_t now_ns);

/* What is one client: the address, or as much of it as control says. */
struct sl_address sl_guard_client(const struct sl_guard_rules *r, const struct sl_ip *ip);
/* When the punishment of one ends that userspace holds, 0: it has none. */
uint64_t sl_guard_place_until(struct sl_guard *g, const struct sl_address *client);
uint64_t sl_guard_hash(const uint64_t secret[2], const struct sl_address *client);

#endif
