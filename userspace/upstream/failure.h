/* SPDX-License-Identifier: Apache-2.0 */
/* How targets fail: a word for each way, and since when no connection to one is to be had. */
#ifndef SL_UPSTREAM_FAILURE_H
#define SL_UPSTREAM_FAILURE_H

#include "upstream/state.h"

/* A word for programs, which never changes, for what a connection or an answer came to; error is a
 * negative errno, or one of tls/error.h, which has its own: "refused", "unreachable", "no_socket",
 * "denied", "timeout", "reset", "closed", "garbage", else "failed". */
const char *sl_failure_word(int error);
/* The same for people. */
const char *sl_failure_text(int error);

/* The last one is remembered. */
void sl_failure_note(struct sl_target_shared *t, int error, uint64_t now_ns);
/* No connection could be had: true for the first time in a row, of all workers. */
bool sl_failure_begin(struct sl_target_shared *t, uint64_t now_ns);
/* One could, after all: since when not, or 0 when that was so before. */
uint64_t sl_failure_end(struct sl_target_shared *t);

#endif
