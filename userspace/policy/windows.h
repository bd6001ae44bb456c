/* SPDX-License-Identifier: Apache-2.0 */
/* What each subject of a sliding window has used: one table for all workers, which outlives
 * reloads. */
#ifndef SL_POLICY_WINDOWS_H
#define SL_POLICY_WINDOWS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/siphash.h"

enum {
	SL_WINDOWS_SLOTS = 1 << 19, /* subjects: 8 MiB, of what is used */
	SL_WINDOW_LIMIT_MAX = (1 << 20) - 1,
};

/*
 * Time is cut into windows.  What counts is what was used in this one, and of what was used in the
 * one before as large a part as still lies within a window's length from now, as if it had been
 * used evenly.  So no more than the limit is let through in a window.  In a stretch of that length
 * which lies across two it can be nearly twice as much, if all of the first came at its end; GCRA
 * with a burst of that size allows as much.
 */
struct sl_window {
	uint64_t length_ns; /* a second, a minute or an hour */
	uint32_t limit;	    /* 1..SL_WINDOW_LIMIT_MAX */
};

struct sl_windows_slot {
	_Atomic uint64_t subject; /* 0: none yet */
	_Atomic uint64_t state;
};

struct sl_windows {
	struct sl_sipkey secret; /* random: who shares a slot is for nobody to choose */
	struct sl_windows_slot slots[SL_WINDOWS_SLOTS];
};

struct sl_windows *sl_windows_new(void); /* NULL: no memory, or no randomness; free(3) ends it */

/* Of one subject, at one moment. */
struct sl_window_use {
	uint64_t number;       /* of the window */
	uint64_t into_ns;      /* so far into it */
	uint32_t before, here; /* used in the one before, and in this one */
};

/* Takes n, 1..limit.  False: that much is not left, and nothing was taken. */
bool sl_windows_take(struct sl_windows *windows, uint64_t subject, const struct sl_window *w,
		     uint32_t n, uint64_t now_ns, struct sl_window_use *ret_use);
/* As a request that is refused further on has not been served; `use` is what taking it returned. */
void sl_windows_give_back(struct sl_windows *windows, uint64_t subject, const struct sl_window *w,
			  const struct sl_window_use *use, uint32_t n);

/* What is left, until when all of it will be, and until n are, if nobody takes more. */
uint32_t sl_window_left(const struct sl_window *w, const struct sl_window_use *use);
uint64_t sl_window_reset_ns(const struct sl_window *w, const struct sl_window_use *use);
uint64_t sl_window_wait_ns(const struct sl_window *w, const struct sl_window_use *use, uint32_t n);

#endif
