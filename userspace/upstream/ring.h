/* SPDX-License-Identifier: Apache-2.0 */
/* The ring of consistent hashing: each target owns points on a circle, and a key belongs to the
 * first point at or after its hash. */
#ifndef SL_UPSTREAM_RING_H
#define SL_UPSTREAM_RING_H

#include <stdint.h>

#include "base/str.h"
#include "upstream/conf.h"

/* For each unit of weight, weights being divided by their greatest common divisor: a target's share
 * is within about a tenth of what its weight says.  A ring that would have more than RING_MAX
 * points is made smaller in proportion, each target keeping one at the least. */
enum { SL_RING_POINTS = 160, SL_RING_MAX = 1 << 20 };

/* How many points the ring of these targets has. */
uint32_t sl_ring_size(const struct sl_upstream_conf *conf);
/* Fills in points[0..sl_ring_size()), in order.  They depend on names and weights of the targets,
 * not on their order: every gateway and every start makes the same ring. */
void sl_ring_fill(const struct sl_upstream_conf *conf, struct sl_ring_point *points);
/* The index of the point that a key's hash belongs to.  The ring is not empty. */
uint32_t sl_ring_find(const struct sl_upstream_conf *conf, uint64_t hash);
/* The hash of a key, the same everywhere. */
uint64_t sl_ring_hash(struct sl_str key);

/* What a sticky cookie calls the target: a hash of secret, upstream and target, never 0. */
uint64_t sl_session_of(const struct sl_upstream_conf *conf, const struct sl_target_conf *target);

#endif
