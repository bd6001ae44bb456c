// SPDX-License-Identifier: Apache-2.0
// Prints what lies between two samples: as lines that a terminal has room for, or as JSON.
#include "screen.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINE_MAX_BYTES = 512, NAME_BYTES = 64 };

enum look { LOOK_PLAIN, LOOK_BOLD, LOOK_RED };

struct page {
	const struct screen *screen;
	unsigned lines;
};

struct latency {
	uint64_t nr;
	double p50_ms, p90_ms, p99_ms;
};

/* ---- numbers ---- */

static double seconds_of(const struct screen *s)
{
	return (double)(s->now->ns - s->before->ns) / 1e9;
}

static double rate(const struct screen *s, uint64_t now, uint64_t before)
{
	return (double)(now - before) / seconds_of(s);
}

static struct latency latency_of(const struct screen *s, const uint64_t *now,
				 const uint64_t *before)
{
	uint64_t counts[SL_METRICS_BUCKETS_MAX];
	uint64_t nr = sample_delta(s->reading, now, before, counts);

	return (struct latency){
		nr,
		sl_reading_quantile(s->reading, counts, 0.5) / 1e6,
		sl_reading_quantile(s->reading, counts, 0.9) / 1e6,
		sl_reading_quantile(s->reading, counts, 0.99) / 1e6,
	};
}

/* Targets only come at the end. */
static struct sample_target before_of(const struct screen *s, unsigned i)
{
	return i < s->before->targets_nr ? s->before->targets[i] : (struct sample_target){ 0 };
}

static void label_of(const char *labels, const char *name, char *ret, size_t size)
{
	char wanted[32];
	const char *p;
	size_t n = 0;

	snprintf(wanted, sizeof(wanted), "%s=\"", name);
	p = strstr(labels, wanted);
	for (p = p ? p + strlen(wanted) : ""; *p && *p != '"' && n + 1 < size; p++) {
		if (*p == '\\' && p[1])
			p++;
		ret[n++] = (unsigned char)*p < ' ' || (unsigned char)*p >= 0x7f ? '?' : *p;
	}
	ret[n] = '\0';
}

static double total_rate(const struct screen *s)
{
	double sum = 0;

	for (unsigned i = 0; i < SAMPLE_CLASSES; i++)
		sum += rate(s, s->now->classes[i], s->before->classes[i]);
	return sum;
}

/* ---- for people ---- */

/* Cut to what there is room for: a line that wraps would push out the first. */
__attribute__((format(printf, 3, 4))) static void line(struct page *page, enum look look,
						       const char *fmt, ...)
{
	static const char *const on[] = { "", "\033[1m", "\033[31m" };
	const struct screen *s = page->screen;
	char text[LINE_MAX_BYTES];
	va_list args;

	if (s->rows && page->lines >= s->rows)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (s->columns && s->columns < sizeof(text))
		text[s->columns] = '\0';
	/* No line end behind the last line: it would scroll. */
	if (s->is_terminal && page->lines > 0)
		putchar('\n');
	fputs(s->has_color ? on[look] : "", stdout);
	fputs(text, stdout);
	if (s->has_color && look != LOOK_PLAIN)
		fputs("\033[0m", stdout);
	fputs(s->is_terminal ? "\033[K" : "\n", stdout);
	page->lines++;
}

static void print_head(struct page *page)
{
	const struct screen *s = page->screen;
	const struct sample *now = s->now, *before = s->before;
	struct latency l = latency_of(s, now->counts, before->counts);
	bool has_5xx = now->classes[4] != before->classes[4];

	line(page, s->is_live ? LOOK_BOLD : LOOK_RED, "sluice %s, pid %u%s, %.1f s%s%s",
	     s->reading->head->daemon, s->reading->head->pid, s->is_live ? "" : ", ended",
	     seconds_of(s), s->note ? "  " : "", s->note ? s->note : "");
	line(page, LOOK_PLAIN, "requests/s   %9.1f   active %" PRIu64, total_rate(s), now->active);
	line(page, has_5xx ? LOOK_RED : LOOK_PLAIN,
	     "responses/s  2xx %.1f  3xx %.1f  4xx %.1f  5xx %.1f",
	     rate(s, now->classes[1], before->classes[1]),
	     rate(s, now->classes[2], before->classes[2]),
	     rate(s, now->classes[3], before->classes[3]),
	     rate(s, now->classes[4], before->classes[4]));
	line(page, LOOK_PLAIN, "duration ms  p50 %.2f  p90 %.2f  p99 %.2f", l.p50_ms, l.p90_ms,
	     l.p99_ms);
	line(page, LOOK_PLAIN, "connections  open %" PRIu64 "  new/s %.1f   KB/s in %.1f out %.1f",
	     now->open, rate(s, now->accepted, before->accepted),
	     rate(s, now->received, before->received) / 1000,
	     rate(s, now->sent, before->sent) / 1000);
}

static void print_targets(struct page *page)
{
	const struct screen *s = page->screen;

	line(page, LOOK_PLAIN, "%s", "");
	line(page, LOOK_BOLD, "%-16s %-24s %-5s %9s %7s %9s %9s", "UPSTREAM", "TARGET", "STATE",
	     "REQ/S", "FAIL/S", "P50 MS", "P99 MS");
	for (unsigned i = 0; i < s->now->targets_nr; i++) {
		const struct sample_target *t = &s->now->targets[i], before = before_of(s, i);
		struct latency l = latency_of(s, t->counts, before.counts);
		char upstream[NAME_BYTES], target[NAME_BYTES];

		if (!t->has_state && t->requests == before.requests)
			continue;
		label_of(t->labels, "upstream", upstream, sizeof(upstream));
		label_of(t->labels, "target", target, sizeof(target));
		line(page, t->has_state && !t->is_up ? LOOK_RED : LOOK_PLAIN,
		     "%-16s %-24s %-5s %9.1f %7.1f %9.2f %9.2f", upstream, target,
		     !t->has_state ? "-"
		     : t->is_up	   ? "up"
				   : "down",
		     rate(s, t->requests, before.requests), rate(s, t->failures, before.failures),
		     l.p50_ms, l.p99_ms);
	}
}

static void print_kernel(struct page *page)
{
	const struct screen *s = page->screen;

	if (!s->now->has_kernel || !s->before->has_kernel)
		return;
	line(page, LOOK_PLAIN, "%s", "");
	line(page, LOOK_BOLD, "%-8s %-20s %12s %14s", "KERNEL", "REASON", "PACKETS/S", "PACKETS");
	for (unsigned v = 0; v < SL_VERDICTS; v++)
		if (s->now->packets[v])
			line(page, LOOK_PLAIN, "%-8s %-20s %12.1f %14" PRIu64, sl_verdict_action(v),
			     sl_verdict_reason(v),
			     rate(s, s->now->packets[v], s->before->packets[v]),
			     s->now->packets[v]);
}

void screen_print(const struct screen *s)
{
	struct page page = { .screen = s };

	if (s->is_terminal)
		fputs("\033[H", stdout);
	print_head(&page);
	print_targets(&page);
	print_kernel(&page);
	if (s->is_terminal)
		fputs("\033[J", stdout);
	fflush(stdout);
}

/* ---- for programs ---- */

static json_t *latency_json(const struct latency *l)
{
	if (l->nr == 0)
		return json_null();
	return json_pack("{s:f, s:f, s:f}", "p50", l->p50_ms / 1e3, "p90", l->p90_ms / 1e3, "p99",
			 l->p99_ms / 1e3);
}

static json_t *targets_json(const struct screen *s)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < s->now->targets_nr; i++) {
		const struct sample_target *t = &s->now->targets[i], before = before_of(s, i);
		struct latency l = latency_of(s, t->counts, before.counts);
		char upstream[NAME_BYTES], target[NAME_BYTES];

		label_of(t->labels, "upstream", upstream, sizeof(upstream));
		label_of(t->labels, "target", target, sizeof(target));
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:o, s:f, s:f, s:o}", "upstream", upstream,
					"target", target, "is_up",
					t->has_state ? json_boolean(t->is_up) : json_null(),
					"requests_per_s", rate(s, t->requests, before.requests),
					"failures_per_s", rate(s, t->failures, before.failures),
					"duration_s", latency_json(&l)));
	}
	return list;
}

static json_t *kernel_json(const struct screen *s)
{
	json_t *list = json_array();

	if (!s->now->has_kernel || !s->before->has_kernel) {
		json_decref(list);
		return json_null();
	}
	for (unsigned v = 0; v < SL_VERDICTS; v++)
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:I, s:f}", "action", sl_verdict_action(v),
					"reason", sl_verdict_reason(v), "packets",
					(json_int_t)s->now->packets[v], "packets_per_s",
					rate(s, s->now->packets[v], s->before->packets[v])));
	return list;
}

json_t *screen_json(const struct screen *s)
{
	const struct sample *now = s->now, *before = s->before;
	struct latency l = latency_of(s, now->counts, before->counts);
	json_t *classes = json_object();

	for (unsigned i = 0; i < SAMPLE_CLASSES; i++) {
		char name[] = "1xx";

		name[0] = (char)('1' + i);
		json_object_set_new(classes, name,
				    json_real(rate(s, now->classes[i], before->classes[i])));
	}
	return json_pack("{s:i, s:b, s:f, s:f, s:I, s:o, s:o, s:{s:I, s:f}, s:{s:f, s:f}, s:o, "
			 "s:o}",
			 "pid", (int)s->reading->head->pid, "is_live", s->is_live, "interval_s",
			 seconds_of(s), "requests_per_s", total_rate(s), "requests_active",
			 (json_int_t)now->active, "responses_per_s", classes, "duration_s",
			 latency_json(&l), "connections", "open", (json_int_t)now->open,
			 "accepted_per_s", rate(s, now->accepted, before->accepted), "bytes_per_s",
			 "received", rate(s, now->received, before->received), "sent",
			 rate(s, now->sent, before->sent), "targets", targets_json(s), "kernel",
			 kernel_json(s));
}
