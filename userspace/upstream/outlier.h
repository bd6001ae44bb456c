/* SPDX-License-Identifier: Apache-2.0 */
/* Outlier detection: a target that fails several times in a row gets no requests for a while. */
#ifndef SL_UPSTREAM_OUTLIER_H
#define SL_UPSTREAM_OUTLIER_H

#include "upstream/pool.h"

/*
 * What an exchange with the target came to; all workers count in common.  Does nothing unless conf
 * asks for it.  Returns how long the target is ejected for, if this is what made it so, in
 * nanoseconds; else 0.
 *
 * An ejection takes conf->eject.base_ns the first time and twice as long as the one before each
 * further time, up to max_ns; a target that was in service for max_ns begins anew.  It is not made
 * while more than max_percent of the targets would be ejected then.
 */
uint64_t sl_outlier_note(struct sl_upstream *u, struct sl_target *t, bool has_failed,
			 uint64_t now_ns);

/* Whether an answer with this status counts as a failure. */
static inline bool sl_outlier_is_failure(const struct sl_upstream_conf *conf, unsigned status)
{
	return status >= 500 && status < 564 && conf->outlier.statuses & 1ull << (status - 500);
}

#endif
