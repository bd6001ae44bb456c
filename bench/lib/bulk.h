/* SPDX-License-Identifier: Apache-2.0 */
/* One TCP connection from the far namespace to the near one, as fast as it goes. */
#ifndef BENCH_LIB_BULK_H
#define BENCH_LIB_BULK_H

#include "place.h"

/* Bytes a second that arrived in so many ms; negative: an errno.  Two processes of its own, which
 * are gone when it returns. */
double bench_bulk(const struct place *p, const struct pair *pair, unsigned ms);

#endif
