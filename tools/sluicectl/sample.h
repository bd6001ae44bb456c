/* SPDX-License-Identifier: Apache-2.0 */
/* What top shows: two looks at the counters, and what happened between them. */
#ifndef SL_SLUICECTL_SAMPLE_H
#define SL_SLUICECTL_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "kern/gate.h"
#include "observe/reading.h"

enum { SAMPLE_CLASSES = 5, SAMPLE_TARGETS_MAX = 256 };

struct sample_target {
	const char *labels; /* in the file */
	uint64_t requests, failures;
	bool is_up, has_state; /* the others together have no state */
	uint64_t counts[SL_METRICS_BUCKETS_MAX];
};

/* Since the daemon began, but for what is open or active. */
struct sample {
	uint64_t ns; /* CLOCK_MONOTONIC */
	uint64_t classes[SAMPLE_CLASSES];
	uint64_t counts[SL_METRICS_BUCKETS_MAX];
	uint64_t accepted, open, active, received, sent;
	struct sample_target *targets;
	unsigned targets_nr;
	bool has_kernel;
	uint64_t packets[SL_VERDICTS]; /* of all interfaces */
};

/* *s is zeroed, or an earlier sample to be overwritten.  0 or -ENOMEM. */
int sample_take(struct sample *s, struct sl_reading *r, const char *pins);
void sample_fini(struct sample *s);

/* What a histogram counted between two samples, and how many that were in all. */
uint64_t sample_delta(const struct sl_reading *r, const uint64_t *now, const uint64_t *before,
		      uint64_t ret_counts[SL_METRICS_BUCKETS_MAX]);

#endif
