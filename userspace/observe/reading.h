/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a file of counters (sluice/metrics.h): of a daemon that runs, is stopped or is dead. */
#ifndef SL_OBSERVE_READING_H
#define SL_OBSERVE_READING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sluice/metrics.h"

struct sl_reading {
	const struct sl_metrics_header *head;
	size_t bytes;
	uint32_t series_nr; /* complete ones, when it was looked last */
	int fd;		    /* -1: not a file of its own */
};

/* What a series is; it points into the file.  Texts end with a NUL within it. */
struct sl_reading_series {
	const struct sl_metrics_family *family;
	const char *labels;
	uint32_t family_index, cell, cells_nr;
};

/* 0, or a negative errno: -EPROTO when it is no such file, or one of another version; every place
 * that it names is checked. */
int sl_reading_open(struct sl_reading *r, const char *path);
/* Of this process; nothing is to be closed. */
void sl_reading_borrow(struct sl_reading *r, const struct sl_metrics_header *head);
void sl_reading_close(struct sl_reading *r);
/* Whether the daemon that writes it lives, stopped or not. */
bool sl_reading_is_live(const struct sl_reading *r);

/* The index-th series: false when there is none, or one of a kind that we do not know, or of
 * another file than its header says. */
bool sl_reading_at(struct sl_reading *r, uint32_t index, struct sl_reading_series *ret_series);
/* A cell of the series, all blocks together. */
uint64_t sl_reading_sum(const struct sl_reading *r, const struct sl_reading_series *s,
			uint32_t cell);

/* All buckets of a histogram; *ret_sum_ns is the sum of what is in them.  How many it has. */
uint64_t sl_reading_histogram(const struct sl_reading *r, const struct sl_reading_series *s,
			      uint64_t counts[SL_METRICS_BUCKETS_MAX], uint64_t *ret_sum_ns);
/* Within which time so much of the total is (0 to 1), in ns, interpolated; 0 without any. */
double sl_reading_quantile(const struct sl_reading *r,
			   const uint64_t counts[SL_METRICS_BUCKETS_MAX], double part);

#endif
