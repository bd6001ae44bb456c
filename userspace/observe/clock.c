// SPDX-License-Identifier: Apache-2.0
// The wall clock as text, formatted once a second.
#include "observe/clock.h"

#include <time.h>

#include "base/clock.h"

/* Not strftime's %a and %b: those follow the locale, and Date must not (RFC 9110 5.6.7). */
static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
				  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

static void refresh(struct sl_wall *w, uint64_t now_ns)
{
	uint64_t real_ns = sl_clock_ns(CLOCK_REALTIME);
	time_t seconds = (time_t)(real_ns / SL_SEC);
	struct sl_out o;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	sl_out_init(&o, w->date, sizeof(w->date));
	sl_out_fmt(&o, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday,
		   months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	w->date_len = (uint8_t)sl_out_len(&o);
	sl_out_init(&o, w->iso, sizeof(w->iso));
	sl_out_fmt(&o, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1,
		   tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	w->iso_len = (uint8_t)sl_out_len(&o);
	sl_out_init(&o, w->clf, sizeof(w->clf));
	sl_out_fmt(&o, "%02d/%s/%04d:%02d:%02d:%02d +0000", tm.tm_mday, months[tm.tm_mon],
		   tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	w->clf_len = (uint8_t)sl_out_len(&o);
	w->epoch_s = (uint64_t)seconds;
	w->second_ns = now_ns - real_ns % SL_SEC;
	w->valid_until_ns = w->second_ns + SL_SEC;
}

struct sl_str sl_wall_date(struct sl_wall *w, uint64_t now_ns)
{
	if (now_ns >= w->valid_until_ns)
		refresh(w, now_ns);
	return (struct sl_str){ w->date, w->date_len };
}

static void put_ms(const struct sl_wall *w, uint64_t now_ns, struct sl_out *o)
{
	uint64_t ms = now_ns > w->second_ns ? (now_ns - w->second_ns) / SL_MS : 0;

	sl_out_char(o, '.');
	sl_out_char(o, (char)('0' + ms / 100));
	sl_out_char(o, (char)('0' + ms / 10 % 10));
	sl_out_char(o, (char)('0' + ms % 10));
}

void sl_wall_print(struct sl_wall *w, uint64_t now_ns, struct sl_out *o)
{
	if (now_ns >= w->valid_until_ns)
		refresh(w, now_ns);
	sl_out_mem(o, w->iso, w->iso_len);
	put_ms(w, now_ns, o);
	sl_out_char(o, 'Z');
}

struct sl_str sl_wall_clf(struct sl_wall *w, uint64_t now_ns)
{
	if (now_ns >= w->valid_until_ns)
		refresh(w, now_ns);
	return (struct sl_str){ w->clf, w->clf_len };
}

void sl_wall_print_iso(struct sl_wall *w, uint64_t now_ns, struct sl_out *o)
{
	if (now_ns >= w->valid_until_ns)
		refresh(w, now_ns);
	sl_out_mem(o, w->iso, w->iso_len);
	sl_out_lit(o, "+00:00");
}

void sl_wall_print_epoch(struct sl_wall *w, uint64_t now_ns, struct sl_out *o)
{
	if (now_ns >= w->valid_until_ns)
		refresh(w, now_ns);
	sl_out_u64(o, w->epoch_s);
	put_ms(w, now_ns, o);
}
