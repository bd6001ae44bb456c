/* SPDX-License-Identifier: Apache-2.0 */
/* Time: nanoseconds of CLOCK_MONOTONIC, and the units to write them in. */
#ifndef SL_BASE_CLOCK_H
#define SL_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define SL_US 1000ull
#define SL_MS 1000000ull
#define SL_SEC 1000000000ull
#define SL_NEVER UINT64_MAX

static inline uint64_t sl_clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * SL_SEC + (uint64_t)ts.tv_nsec;
}

static inline uint64_t sl_now_ns(void)
{
	return sl_clock_ns(CLOCK_MONOTONIC);
}

/* now + delta, where a delta of 0 stands for "no limit". */
static inline uint64_t sl_deadline(uint64_t now_ns, uint64_t delta_ns)
{
	return delta_ns && delta_ns < SL_NEVER - now_ns ? now_ns + delta_ns : SL_NEVER;
}

#endif
