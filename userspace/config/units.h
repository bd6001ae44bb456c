/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers with units as people write them: "250ms", "64KiB", "100/s". */
#ifndef SL_CONFIG_UNITS_H
#define SL_CONFIG_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/out.h"
#include "base/str.h"

/* Each: 0; -EINVAL when malformed, -ERANGE when beyond 64 bits. */
int sl_duration_parse(struct sl_str text, uint64_t *ret_ns); /* "5s"; "0" needs no unit */
int sl_size_parse(struct sl_str text, uint64_t *ret_bytes);  /* "64KiB"; "512" is bytes */
/* "0", or a size and "/s", "/m" or "/h"; -EDOM when that is no whole number a second. */
int sl_rate_parse(struct sl_str text, uint64_t *ret_bytes_per_s);

/* "2027-01-31" or "2027-01-31T12:00:00Z": seconds since 1970. */
bool sl_time_parse(const char *text, uint64_t *ret_s);

/* In the largest unit that divides it. */
void sl_duration_print(struct sl_out *o, uint64_t ns);
void sl_size_print(struct sl_out *o, uint64_t bytes);

/* For the schema: regular expressions of what is read. */
#define SL_DURATION_PATTERN "^(0|[0-9]+(ms|s|m|h|d))$"
#define SL_SIZE_PATTERN "^[0-9]+(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)?$"
#define SL_RATE_PATTERN "^(0|[0-9]+(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)?/[smh])$"

#endif
