/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's own log: an event name that never changes, then facts as key=value. */
#ifndef SL_BASE_LOG_H
#define SL_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum sl_log_level { SL_LOG_ERROR, SL_LOG_WARN, SL_LOG_INFO, SL_LOG_DEBUG };

/* Lines go to standard error: systemd and containers keep it from there. */
void sl_log_set_level(enum sl_log_level level);
void sl_log(enum sl_log_level level, const char *event, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define sl_log_error(event, ...) sl_log(SL_LOG_ERROR, event, __VA_ARGS__)
#define sl_log_warn(event, ...) sl_log(SL_LOG_WARN, event, __VA_ARGS__)
#define sl_log_info(event, ...) sl_log(SL_LOG_INFO, event, __VA_ARGS__)
#define sl_log_debug(event, ...) sl_log(SL_LOG_DEBUG, event, __VA_ARGS__)

/* What a client can cause is logged at most `burst` times a second; the rest is only counted. */
struct sl_log_rate {
	uint64_t window_ns;
	uint32_t used, suppressed;
};
bool sl_log_allow(struct sl_log_rate *rate, uint64_t now_ns);

#endif
