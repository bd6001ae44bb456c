/* SPDX-License-Identifier: Apache-2.0 */
/* Clients' limits: from what people write to what both halves charge by (sluice/gcra.h). */
#ifndef SL_KERN_LIMIT_H
#define SL_KERN_LIMIT_H

#include "kern/conf.h"
#include "kern/gate.h"

/* Of each client; but SYNS are new connections of all clients together. */
enum sl_limit_kind {
	SL_LIMIT_CONNECTIONS,
	SL_LIMIT_PACKETS,
	SL_LIMIT_BYTES,
	SL_LIMIT_SYNS,
	SL_LIMITS
};

#define SL_LIMIT_FRAME 65536u /* bytes: the largest that a packet's charge can be */

struct sl_limit {
	uint64_t nr, per_s; /* nr in so many seconds: 1, 60 or 3600 */
	uint64_t burst;	    /* as many at once; 0: what comes together in a second */
};

const char *sl_limit_name(enum sl_limit_kind kind); /* "packets" */

/* "20000/s", "100/m", "10M/s": k, M and G are thousands, millions, billions.  0 or -EINVAL. */
int sl_limit_parse_rate(struct sl_str text, struct sl_limit *ret_limit);
/* "4000", "1M".  0 or -EINVAL; at most 10^12. */
int sl_limit_parse_number(struct sl_str text, uint64_t *ret_nr);

/*
 * The rate that holds this limit; a burst of 0 becomes the smallest good one.  0, or -ERANGE and
 * why: a burst shorter than two ticks of the kernel's coarse clock (ret_burst says what would do),
 * of bytes smaller than a frame, or so long that a client's word cannot hold it; a rate that is too
 * slow for a frame, or too fast to be told from no limit.
 */
int sl_limit_make(enum sl_limit_kind kind, struct sl_limit *limit, struct sl_gcra_rate *ret_rate,
		  struct sl_why *why);
/* And back: events a second, and at once. */
void sl_limit_read(const struct sl_gcra_rate *rate, double *ret_per_s, double *ret_burst);

/* nr > 0 in per_ns, and `burst` at once, whatever is counted.  0; -ERANGE: the burst takes longer
 * to come together than a word can hold (SL_GCRA_AHEAD_MAX), or one costs nothing. */
int sl_rate_make(const struct sl_frequency *f, uint64_t burst, struct sl_gcra_rate *ret_rate);
/* Where packets are charged by it meanwhile: none meets the one's price and the other's burst. */
void sl_rate_store(struct sl_gcra_rate *to, const struct sl_gcra_rate *rate);

/* The limit of a kind, where the kernel reads it. */
struct sl_gcra_rate *sl_limit_of(struct sl_gate *gate, enum sl_limit_kind kind);
/* Takes effect with the next packet; that of all SYNs begins with its whole burst. */
void sl_limit_set(struct sl_gate *gate, enum sl_limit_kind kind, const struct sl_gcra_rate *rate);

#endif
