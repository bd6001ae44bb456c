// SPDX-License-Identifier: Apache-2.0
// The daemon's own log: one write(2) a line to standard error.
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/out.h"

enum { LINE_MAX_BYTES = 2048, ALLOWED_PER_SECOND = 10 };

static enum sl_log_level max_level = SL_LOG_INFO; /* set once by main before threads start */

static const char *const level_names[] = { "error", "warn", "info", "debug" };

void sl_log_set_level(enum sl_log_level level)
{
	max_level = level;
}

static void put_time(struct sl_out *o)
{
	struct timespec ts;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	sl_out_fmt(o, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ", tm.tm_year + 1900, tm.tm_mon + 1,
		   tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, ts.tv_nsec / 1000000);
}

void sl_log(enum sl_log_level level, const char *event, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	struct sl_out o;
	va_list ap;
	int n;

	if (level > max_level)
		return;
	sl_out_init(&o, line, sizeof(line) - 1);
	put_time(&o);
	sl_out_fmt(&o, " %s %s ", level_names[level], event);
	va_start(ap, fmt);
	n = vsnprintf(o.pos, sl_out_room(&o), fmt, ap);
	va_end(ap);
	if (n > 0)
		o.pos += (size_t)n < sl_out_room(&o) ? (size_t)n : sl_out_room(&o) - 1;
	*o.pos++ = '\n';
	/* A log that cannot be written must not stop the gateway. */
	if (write(STDERR_FILENO, o.start, sl_out_len(&o)) < 0)
		return;
}

bool sl_log_allow(struct sl_log_rate *rate, uint64_t now_ns)
{
	if (now_ns - rate->window_ns >= SL_SEC) {
		rate->window_ns = now_ns;
		rate->used = 0;
	}
	if (rate->used < ALLOWED_PER_SECOND) {
		rate->used++;
		return true;
	}
	rate->suppressed++;
	return false;
}
