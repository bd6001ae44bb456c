// SPDX-License-Identifier: Apache-2.0
// The ring of consistent hashing.
#include "upstream/ring.h"

#include <assert.h>
#include <stdlib.h>

#include "base/siphash.h"

/* Known to all: gateways must agree, and whoever wants to overload one target can send it the same
 * key again and again anyway. */
static const struct sl_sipkey ring_key = { 0x736c756963652072, 0x696e67206b657920 };

uint64_t sl_ring_hash(struct sl_str key)
{
	return sl_siphash(ring_key, key.ptr, key.len);
}

static uint32_t divisor_of(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

struct scale {
	uint32_t divisor;
	uint64_t total; /* points before they are made fewer */
};

static struct scale scale_of(const struct sl_upstream_conf *conf)
{
	struct scale s = { 0 };

	for (uint32_t i = 0; i < conf->targets_nr; i++)
		s.divisor = divisor_of(s.divisor, conf->targets[i].weight);
	assert(s.divisor > 0); /* weights are at least 1 */
	for (uint32_t i = 0; i < conf->targets_nr; i++)
		s.total += (uint64_t)SL_RING_POINTS * conf->targets[i].weight / s.divisor;
	return s;
}

static uint32_t points_of(const struct scale *s, const struct sl_target_conf *target)
{
	uint64_t nr = (uint64_t)SL_RING_POINTS * target->weight / s->divisor;

	if (s->total > SL_RING_MAX)
		nr = nr * SL_RING_MAX / s->total;
	return nr ? (uint32_t)nr : 1;
}

uint32_t sl_ring_size(const struct sl_upstream_conf *conf)
{
	struct scale s = scale_of(conf);
	uint32_t nr = 0;

	for (uint32_t i = 0; i < conf->targets_nr; i++)
		nr += points_of(&s, &conf->targets[i]);
	return nr;
}

static int compare(const void *a, const void *b)
{
	const struct sl_ring_point *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->target < y->target ? -1 : x->target > y->target;
}

void sl_ring_fill(const struct sl_upstream_conf *conf, struct sl_ring_point *points)
{
	struct scale s = scale_of(conf);
	uint32_t nr = 0;

	for (uint32_t i = 0; i < conf->targets_nr; i++) {
		uint64_t seed = sl_ring_hash(sl_str_of(conf->targets[i].key));

		for (uint32_t k = 0; k < points_of(&s, &conf->targets[i]); k++) {
			uint64_t place[2] = { seed, k };

			points[nr++] = (struct sl_ring_point){
				.hash = (uint32_t)(sl_siphash(ring_key, place, sizeof(place)) >>
						   32),
				.target = i,
			};
		}
	}
	qsort(points, nr, sizeof(*points), compare);
}

uint32_t sl_ring_find(const struct sl_upstream_conf *conf, uint64_t hash)
{
	uint32_t key = (uint32_t)(hash >> 32), low = 0, high = conf->ring_nr;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (conf->ring[middle].hash < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low < conf->ring_nr ? low : 0;
}

uint64_t sl_session_of(const struct sl_upstream_conf *conf, const struct sl_target_conf *target)
{
	struct sl_sipkey key = { sl_siphash_cd(ring_key, conf->sticky.secret.ptr,
					       conf->sticky.secret.len, 2, 4),
				 sl_ring_hash(sl_str_of(conf->name)) };
	uint64_t session = sl_siphash_cd(key, target->key, strlen(target->key), 2, 4);

	return session ? session : 1;
}
