/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the file of counters (sluice/metrics.h): gives out cells by name, in the main thread; each
 * worker then adds to its own. */
#ifndef SL_OBSERVE_METRICS_H
#define SL_OBSERVE_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "observe/stats.h"
#include "sluice/metrics.h"

/* What is counted of a route, and of a target: the cells of a name lie side by side. */
enum sl_metrics_set { SL_METRICS_ROUTE, SL_METRICS_TARGET, SL_METRICS_SETS };

/* Cells of a route: a class of statuses each (1xx first), then a histogram. */
enum { SL_ROUTE_CLASSES = 5, SL_ROUTE_DURATION = SL_ROUTE_CLASSES };
/* Cells of a target. */
enum { SL_TARGET_REQUESTS, SL_TARGET_FAILURES, SL_TARGET_UP, SL_TARGET_DURATION };

enum { SL_METRICS_NAMES_MAX = 10000, SL_METRICS_NAMES_DEFAULT = 1000 };

struct sl_metrics_conf {
	const char *directory; /* NULL: in memory, for nobody else to read */
	unsigned workers;
	unsigned names_max[SL_METRICS_SETS]; /* up to SL_METRICS_NAMES_MAX; others share cells */
	uint64_t start_ns;		     /* CLOCK_REALTIME */
	const char *version;
};

struct sl_metrics;

/*
 * Makes the file, beside one from before, which readers have until sl_metrics_show().  0, or a
 * negative errno: -EBUSY when another daemon counts there and may_replace is not set, -ENOSPC when
 * there is no room.
 */
int sl_metrics_new(struct sl_metrics **ret_metrics, const struct sl_metrics_conf *conf,
		   bool may_replace);
/* Moves it in the place of the one from before: whoever comes to nothing has taken away nothing.  0
 * or a negative errno. */
int sl_metrics_show(struct sl_metrics *m);
/* Removes one that was not shown: readers never knew of it.  NULL is fine. */
void sl_metrics_withdraw(struct sl_metrics *m);
/* The file stays, if it was shown: what was counted can be read when we are gone. */
void sl_metrics_free(struct sl_metrics *m); /* NULL is fine */

/* A worker's cells, from its block's beginning; index `workers` is the main thread's block.  The
 * first are a struct sl_stats, then comes a struct sl_daemon_stats. */
uint64_t *sl_metrics_block(const struct sl_metrics *m, unsigned index);
uint64_t *sl_metrics_main_block(const struct sl_metrics *m);
struct sl_stats *sl_metrics_stats(const struct sl_metrics *m, unsigned worker);
struct sl_daemon_stats *sl_metrics_daemon(const struct sl_metrics *m);

/*
 * The first cell of a name: the same one for the same labels for as long as the file is used, so
 * that counters go on across configurations.  Labels are as in struct sl_metrics_series, without
 * those that the set adds.  Names beyond the maximum, or beyond the room on the disk, share the
 * cells of "other".
 */
uint32_t sl_metrics_cell(struct sl_metrics *m, enum sl_metrics_set set, const char *labels);

/* Of names that cannot be written as labels. */
uint32_t sl_metrics_other(const struct sl_metrics *m, enum sl_metrics_set set);

/* For readers in this process (observe/reading.h). */
const struct sl_metrics_header *sl_metrics_header(const struct sl_metrics *m);

/* `name="value"`, escaped, behind what is in mem already, with a comma between; false when it does
 * not fit: mem is as it was then. */
bool sl_metrics_label(char mem[SL_METRICS_LABELS_MAX], const char *name, struct sl_str value);

/* A duration into a histogram, which begins at cells. */
static inline void sl_metrics_observe(uint64_t *cells, uint64_t ns)
{
	sl_count(&cells[0], ns);
	sl_count(&cells[1 + sl_metrics_bucket(ns)], 1);
}

#endif
