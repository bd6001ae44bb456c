/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's own log: an event name that never changes, then facts as key=value. */
#ifndef SL_BASE_LOG_H
#define SL_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum sl_log_level { SL_LOG_ERROR, SL_LOG_WARN, SL_LOG_INFO, SL_LOG_DEBUG, SL_LOG_LEVELS };

/* What a client can cause must not fill a disk: of one event so many lines are written a second.
 * The rest is counted, and one line "log.suppressed" tells how many there were. */
enum { SL_LOG_LINES_PER_S = 10, SL_LOG_DEBUG_LINES_PER_S = 1000 };

/* "error", "warn", "info", "debug", by their numbers; NULL ends them. */
extern const char *const sl_log_level_names[];

/* Lines go to standard error: systemd and containers keep it from there.  Any thread may change the
 * level at any time; it begins as info. */
void sl_log_set_level(enum sl_log_level level);
enum sl_log_level sl_log_get_level(void);
/* event is a literal: it is kept.  No secret, no body, and nothing of a client's that could be
 * taken for a fact: control bytes are written as '?', but quotes are the caller's business.  A line
 * that standard error does not take at once is dropped. */
void sl_log(enum sl_log_level level, const char *event, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Tells what was suppressed in earlier seconds; each line does so too. */
void sl_log_tell_suppressed(void);

extern int sl_log_max_level; /* of this file: read it by sl_log_is_on() */

static inline bool sl_log_is_on(enum sl_log_level level)
{
	return (int)level <= __atomic_load_n(&sl_log_max_level, __ATOMIC_RELAXED);
}

/* Their arguments are not even looked at when the level is off: then each is a branch. */
#define sl_log_at(level, ...)                                                                      \
	do {                                                                                       \
		if (sl_log_is_on(level))                                                           \
			sl_log(level, __VA_ARGS__);                                                \
	} while (0)
#define sl_log_error(...) sl_log_at(SL_LOG_ERROR, __VA_ARGS__)
#define sl_log_warn(...) sl_log_at(SL_LOG_WARN, __VA_ARGS__)
#define sl_log_info(...) sl_log_at(SL_LOG_INFO, __VA_ARGS__)
#define sl_log_debug(...)                                                                          \
	do {                                                                                       \
		if (__builtin_expect(sl_log_is_on(SL_LOG_DEBUG), 0))                               \
			sl_log(SL_LOG_DEBUG, __VA_ARGS__);                                         \
	} while (0)

/* A limit of the caller's own, for facts that take work to gather. */
struct sl_log_rate {
	uint64_t window_ns;
	uint32_t used, suppressed;
};
bool sl_log_allow(struct sl_log_rate *rate, uint64_t now_ns);

#endif
