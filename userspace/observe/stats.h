/* SPDX-License-Identifier: Apache-2.0 */
/* Live counters: each worker adds to its own cells, whoever reads sums them up. */
#ifndef SL_OBSERVE_STATS_H
#define SL_OBSERVE_STATS_H

#include <stdint.h>

/* One list makes the struct, the names in `sluicectl status` and, later, the metrics. */
#define SL_STATS(X)                                                                                \
	X(connections_accepted, "client connections accepted")                                     \
	X(connections_open, "client connections open now")                                         \
	X(connections_refused, "client connections closed because a limit was reached")            \
	X(requests, "requests answered")                                                           \
	X(requests_active, "requests being answered now")                                          \
	X(responses_1xx, "interim responses passed on")                                            \
	X(responses_2xx, "responses with a 2xx status")                                            \
	X(responses_3xx, "responses with a 3xx status")                                            \
	X(responses_4xx, "responses with a 4xx status")                                            \
	X(responses_5xx, "responses with a 5xx status")                                            \
	X(requests_bad, "requests refused as malformed")                                           \
	X(requests_aborted, "clients that left before their answer was complete")                  \
	X(upstream_connects, "connections made to targets")                                        \
	X(upstream_reuses, "requests sent over a kept connection")                                 \
	X(upstream_failures, "connections to targets that failed")                                 \
	X(upstream_retries, "requests sent again after a lost connection")                         \
	X(upstream_ejections, "targets ejected after failures in a row")                           \
	X(upstream_overloads, "requests refused because an upstream had no room")                  \
	X(shortages, "times that no descriptor, memory or local port was left for a connection")   \
	X(tunnels, "connections upgraded to tunnels")                                              \
	X(bytes_received, "bytes of request bodies received")                                      \
	X(bytes_sent, "bytes of response bodies sent")                                             \
	X(log_lines_lost, "access log lines that could not be written")

struct sl_stats {
#define SL_STATS_CELL(name, help) uint64_t name;
	SL_STATS(SL_STATS_CELL)
#undef SL_STATS_CELL
} __attribute__((aligned(64)));

/* One writer a cell: a plain add that no reader can see half of. */
static inline void sl_count(uint64_t *cell, uint64_t n)
{
	__atomic_store_n(cell, *cell + n, __ATOMIC_RELAXED);
}

static inline void sl_uncount(uint64_t *cell, uint64_t n)
{
	__atomic_store_n(cell, *cell - n, __ATOMIC_RELAXED);
}

#endif
