// SPDX-License-Identifier: Apache-2.0
// The daemon's own log: one write(2) a line to standard error, and not too many of one kind.
#include "base/log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/out.h"

enum { LINE_MAX_BYTES = 2048, EVENTS_MAX = 128 };

const char *const sl_log_level_names[] = { "error", "warn", "info", "debug", NULL };

int sl_log_max_level = SL_LOG_INFO;

/* How many lines of an event there were in the second of the last one, those not written included.
 * No lock: whoever logs may be a worker, and must not wait for another. */
struct event {
	_Atomic(const char *) name;
	_Atomic uint64_t second_and_lines; /* in the upper half and in the lower */
	_Atomic uint32_t limit;
};

static struct event events[EVENTS_MAX]; /* the last one is for all that find no place */

void sl_log_set_level(enum sl_log_level level)
{
	__atomic_store_n(&sl_log_max_level, (int)level, __ATOMIC_RELAXED);
}

enum sl_log_level sl_log_get_level(void)
{
	return (enum sl_log_level)__atomic_load_n(&sl_log_max_level, __ATOMIC_RELAXED);
}

/* ---- one line ---- */

static void put_time(struct sl_out *o)
{
	struct timespec ts;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	sl_out_fmt(o, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ", tm.tm_year + 1900, tm.tm_mon + 1,
		   tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, ts.tv_nsec / 1000000);
}

/* A log that cannot be written must not stop the gateway, nor one that nobody reads: a pipe that
 * has room has room for a line (pipe(7), PIPE_BUF). */
static void write_line(const struct sl_out *o)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) &&
	    write(STDERR_FILENO, o->start, sl_out_len(o)) < 0)
		return;
}

static void print(enum sl_log_level level, const char *event, const char *fmt, va_list ap)
{
	char line[LINE_MAX_BYTES];
	struct sl_out o;
	int n;

	sl_out_init(&o, line, sizeof(line) - 1);
	put_time(&o);
	sl_out_fmt(&o, " %s %s ", sl_log_level_names[level], event);
	n = vsnprintf(o.pos, sl_out_room(&o), fmt, ap);
	if (n > 0)
		o.pos += (size_t)n < sl_out_room(&o) ? (size_t)n : sl_out_room(&o) - 1;
	for (char *p = line; p < o.pos; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	*o.pos++ = '\n';
	write_line(&o);
}

/* ---- how many ---- */

static uint64_t now_s(void)
{
	return (uint32_t)(sl_now_ns() / SL_SEC);
}

static unsigned place_of(const char *name)
{
	uint32_t hash = 2166136261u; /* FNV-1a: names are our own */

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return hash % (EVENTS_MAX - 1);
}

static struct event *find_event(const char *name)
{
	unsigned place = place_of(name);

	for (unsigned i = 0; i < EVENTS_MAX - 1; i++) {
		struct event *e = &events[(place + i) % (EVENTS_MAX - 1)];
		const char *found = NULL;

		if (atomic_compare_exchange_strong(&e->name, &found, name) ||
		    strcmp(found, name) == 0)
			return e;
	}
	return &events[EVENTS_MAX - 1];
}

static bool may_write(enum sl_log_level level, const char *name)
{
	uint32_t limit = level == SL_LOG_DEBUG ? SL_LOG_DEBUG_LINES_PER_S : SL_LOG_LINES_PER_S;
	struct event *e = find_event(name);
	uint64_t old = atomic_load(&e->second_and_lines), now = now_s() << 32, next;

	atomic_store(&e->limit, limit);
	do {
		next = (old & ~(uint64_t)UINT32_MAX) == now ? old + 1 : now | 1;
	} while (!atomic_compare_exchange_weak(&e->second_and_lines, &old, next));
	return (uint32_t)next <= limit;
}

static void print_suppressed(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void print_suppressed(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print(SL_LOG_WARN, "log.suppressed", fmt, ap);
	va_end(ap);
}

static void tell(struct event *e, uint64_t now)
{
	uint64_t old = atomic_load(&e->second_and_lines);
	uint32_t limit = atomic_load(&e->limit);
	const char *name = atomic_load(&e->name);

	if (old >> 32 == now || (uint32_t)old <= limit)
		return;
	if (atomic_compare_exchange_strong(&e->second_and_lines, &old, now << 32))
		print_suppressed("event=%s lines=%u", name ? name : "other", (uint32_t)old - limit);
}

void sl_log_tell_suppressed(void)
{
	uint64_t now = now_s();

	for (unsigned i = 0; i < EVENTS_MAX; i++)
		tell(&events[i], now);
}

void sl_log(enum sl_log_level level, const char *event, const char *fmt, ...)
{
	va_list ap;

	if (!sl_log_is_on(level))
		return;
	sl_log_tell_suppressed();
	if (!may_write(level, event))
		return;
	va_start(ap, fmt);
	print(level, event, fmt, ap);
	va_end(ap);
}

bool sl_log_allow(struct sl_log_rate *rate, uint64_t now_ns)
{
	if (now_ns - rate->window_ns >= SL_SEC) {
		rate->window_ns = now_ns;
		rate->used = 0;
	}
	if (rate->used < SL_LOG_LINES_PER_S) {
		rate->used++;
		return true;
	}
	rate->suppressed++;
	return false;
}
