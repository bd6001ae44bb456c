/* SPDX-License-Identifier: Apache-2.0 */
/* The wall clock as text, formatted once a second: for Date fields and log lines. */
#ifndef SL_OBSERVE_CLOCK_H
#define SL_OBSERVE_CLOCK_H

#include <stdint.h>

#include "base/out.h"
#include "base/str.h"

struct sl_wall {
	uint64_t valid_until_ns; /* CLOCK_MONOTONIC */
	uint64_t second_ns;	 /* CLOCK_MONOTONIC at the start of this wall clock second */
	char date[32];		 /* IMF-fixdate: RFC 9110 5.6.7 */
	char iso[24];		 /* 2026-11-23T14:00:00 */
	char clf[32];		 /* 23/Nov/2026:14:00:00 +0000, the time of the common log format */
	uint64_t epoch_s;
	uint8_t date_len, iso_len, clf_len;
};

struct sl_str sl_wall_date(struct sl_wall *w, uint64_t now_ns);
/* ISO 8601 in UTC with milliseconds, for a moment of the current second or shortly before. */
void sl_wall_print(struct sl_wall *w, uint64_t now_ns, struct sl_out *o);
/* The same moment as nginx's $time_local, $time_iso8601 and $msec have it. */
struct sl_str sl_wall_clf(struct sl_wall *w, uint64_t now_ns);
void sl_wall_print_iso(struct sl_wall *w, uint64_t now_ns, struct sl_out *o);
void sl_wall_print_epoch(struct sl_wall *w, uint64_t now_ns, struct sl_out *o);

#endif
