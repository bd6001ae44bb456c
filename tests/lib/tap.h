/* SPDX-License-Identifier: Apache-2.0 */
/* TAP for unit tests: each line of output says what is true. */
#ifndef TESTS_LIB_TAP_H
#define TESTS_LIB_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Each returns whether it held; a name is printf text. */
bool ok(bool held, const char *name, ...) __attribute__((format(printf, 2, 3)));
bool is_int(int64_t got, int64_t want, const char *name, ...) __attribute__((format(printf, 3, 4)));
bool is_str(struct sl_str got, const char *want, const char *name, ...)
	__attribute__((format(printf, 3, 4)));
/* Prints the plan; return it from main. */
int done_testing(void);

/* A copy of mem[0..len) that ends right at an unreadable page: reading one byte too far crashes.
 * Valid until the next call. */
const char *guarded(const void *mem, size_t len);

#endif
