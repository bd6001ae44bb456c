/* SPDX-License-Identifier: Apache-2.0 */
/* The file of counters, RUN_DIR/metrics: the daemon adds, and whoever may read it reads, whether
 * the daemon runs, is stopped or is dead. */
#ifndef SLUICE_METRICS_H
#define SLUICE_METRICS_H

#include <stdint.h>

/*
 * All numbers are the machine's own.  The header says where the rest is, and how long a record is:
 * a later version may make records longer, and a reader takes of them what it knows.
 *
 *	header		struct sl_metrics_header
 *	families	families_nr records, struct sl_metrics_family first in each
 *	series		series_nr records, struct sl_metrics_series first in each: append-only, and
 *			complete once series_nr counts them (acquire, release)
 *	blocks		blocks_nr blocks of cells, one for each worker and one for the main thread,
 *			on pages of their own.  A cell is a uint64_t with one writer
 *
 * The value of a series is the sum of its cells in all blocks.  They are at the same place in each:
 * `cell` counts from the beginning of a block.  Only cells that series name are backed by memory.
 *
 * The daemon makes a new file at its start and moves it in the place of the one before, and holds a
 * write lock on it (F_OFD_SETLK, all of it) for as long as it lives.
 */
#define SL_METRICS_FILE "metrics"
#define SL_METRICS_MAGIC "SLMETRIC"
#define SL_METRICS_VERSION 1u

enum {
	SL_METRICS_NAME_MAX = 56,    /* with its NUL */
	SL_METRICS_HELP_MAX = 120,   /* the same */
	SL_METRICS_LABELS_MAX = 248, /* the same */
};

struct sl_metrics_header {
	char magic[8];
	uint32_t version; /* readers of another one give up */
	uint32_t pid;
	uint64_t bytes;	   /* of the file */
	uint64_t start_ns; /* of the daemon: CLOCK_REALTIME */
	uint32_t families_at, family_bytes, families_nr;
	uint32_t series_at, series_bytes, series_nr;
	uint64_t blocks_at, block_bytes;
	uint32_t blocks_nr;
	uint32_t buckets_nr;   /* of a histogram */
	uint32_t bucket_first; /* bits: the first bucket ends with 2^bucket_first ns */
	uint32_t bucket_steps; /* bits: each power of two above has 2^bucket_steps buckets */
	char daemon[16];       /* its version */
};

enum sl_metrics_kind {
	SL_METRICS_COUNTER,
	SL_METRICS_GAUGE,     /* the sum is signed */
	SL_METRICS_HISTOGRAM, /* of durations: a cell with their sum, then buckets_nr cells */
};

/* What series have in common. */
struct sl_metrics_family {
	char name[SL_METRICS_NAME_MAX]; /* as Prometheus has it, without "_total" */
	char help[SL_METRICS_HELP_MAX];
	uint32_t kind;	  /* of others, a reader skips the series */
	uint32_t divisor; /* of cells: 1000000000 where they count ns and the unit is seconds */
};

struct sl_metrics_series {
	uint32_t family;
	uint32_t cell;
	char labels[SL_METRICS_LABELS_MAX]; /* `route="a",code="2xx"`, escaped; may be empty */
};

/* ---- histograms: log-linear, four buckets for each power of two from 16 us to 69 s ---- */

enum {
	SL_METRICS_FIRST = 14,
	SL_METRICS_LAST = 36,
	SL_METRICS_STEPS = 2,
	SL_METRICS_BUCKETS = 2 + ((SL_METRICS_LAST - SL_METRICS_FIRST) << SL_METRICS_STEPS),
	SL_METRICS_BUCKETS_MAX = 256, /* of any version */
	SL_METRICS_HISTOGRAM_CELLS = 1 + SL_METRICS_BUCKETS,
};

/* A bucket takes what is longer than the end of the one before, up to its own end. */
static inline unsigned sl_metrics_bucket(uint64_t ns)
{
	uint64_t n = ns - (ns > 0);
	unsigned power;

	if (n < 1ull << SL_METRICS_FIRST)
		return 0;
	if (n >= 1ull << SL_METRICS_LAST)
		return SL_METRICS_BUCKETS - 1;
	power = 63u - (unsigned)__builtin_clzll(n);
	return 1 + ((power - SL_METRICS_FIRST) << SL_METRICS_STEPS) +
	       (unsigned)(n >> (power - SL_METRICS_STEPS) & ((1u << SL_METRICS_STEPS) - 1));
}

/* Its end in ns; UINT64_MAX for the last one.  By the header, which may be of another version. */
static inline uint64_t sl_metrics_bucket_end(const struct sl_metrics_header *h, unsigned bucket)
{
	unsigned steps = h->bucket_steps, step, power;

	if (bucket + 1 >= h->buckets_nr)
		return UINT64_MAX;
	if (bucket == 0)
		return 1ull << h->bucket_first;
	power = h->bucket_first + ((bucket - 1) >> steps);
	step = (bucket - 1) & ((1u << steps) - 1);
	return (1ull << power) + ((step + 1ull) << (power - steps));
}

#endif
