// SPDX-License-Identifier: Apache-2.0
// sluicectl metrics: what the daemon has counted, out of its file; it is not asked.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl.h"
#include "kern/gate.h"
#include "metrics.h"

enum { WATCH_MAX_S = 3600, NUMBER_MAX = 32 };

/* ---- the file ---- */

enum ctl_exit ctl_metrics_open(const struct ctl *ctl, struct sl_reading *ret_reading)
{
	char path[sizeof(ctl->daemon.sun_path) + sizeof(SL_METRICS_FILE)];
	const char *slash = strrchr(ctl->daemon.sun_path, '/');
	int n = slash ? (int)(slash - ctl->daemon.sun_path) + 1 : 0, ret;

	snprintf(path, sizeof(path), "%.*s" SL_METRICS_FILE, n, ctl->daemon.sun_path);
	ret = sl_reading_open(ret_reading, path);
	switch (ret) {
	case 0:
		return CTL_OK;
	case -ENOENT:
		return ctl_fail(ctl, CTL_UNREACHABLE,
				"%s: no such file; is sluiced running, with another run_dir (-r)?",
				path);
	case -EACCES:
	case -EPERM:
		return ctl_fail(ctl, CTL_DENIED,
				"%s: permission denied; be root, or of the daemon's group", path);
	case -EPROTO:
		return ctl_fail(ctl, CTL_FAILED,
				"%s: not a file of counters that this sluicectl can read", path);
	default:
		return ctl_fail(ctl, CTL_FAILED, "%s: %s", path, strerror(-ret));
	}
}

/* ---- one series ---- */

static void print_name(FILE *to, const struct sl_reading_series *s)
{
	const char *total = s->family->kind == SL_METRICS_COUNTER ? "_total" : "";

	fprintf(to, "%s%s", s->family->name, total);
	if (s->labels[0])
		fprintf(to, "{%s}", s->labels);
}

static void print_value(const struct sl_reading *r, const struct sl_reading_series *s)
{
	uint64_t sum = sl_reading_sum(r, s, 0);

	if (s->family->divisor > 1)
		printf(" %.3f\n", (double)sum / s->family->divisor);
	else if (s->family->kind == SL_METRICS_GAUGE)
		printf(" %" PRId64 "\n", (int64_t)sum);
	else
		printf(" %" PRIu64 "\n", sum);
}

static double ms_of(double ns)
{
	return ns / 1e6;
}

static void print_histogram(const struct sl_reading *r, const struct sl_reading_series *s)
{
	uint64_t counts[SL_METRICS_BUCKETS_MAX], sum_ns;
	uint64_t nr = sl_reading_histogram(r, s, counts, &sum_ns);

	printf(" count %" PRIu64, nr);
	if (nr > 0)
		printf(" mean %.3f ms, p50 %.3f, p90 %.3f, p99 %.3f",
		       ms_of((double)sum_ns / (double)nr),
		       ms_of(sl_reading_quantile(r, counts, 0.5)),
		       ms_of(sl_reading_quantile(r, counts, 0.9)),
		       ms_of(sl_reading_quantile(r, counts, 0.99)));
	putchar('\n');
}

/* ---- the same as JSON ---- */

/* One label of `a="b",c="d"`, taken off *text; false at its end. */
static bool take_label(const char **text, char *name, char *value, size_t size)
{
	const char *p = *text;
	size_t n = 0;

	for (; *p && *p != '='; p++)
		if (n + 1 < size)
			name[n++] = *p;
	name[n] = '\0';
	n = 0;
	if (p[0] != '=' || p[1] != '"')
		return false;
	for (p += 2; *p && *p != '"'; p++) {
		if (*p == '\\' && p[1])
			p++;
		if (n + 1 < size)
			value[n++] = *p == 'n' && p[-1] == '\\' ? '\n' : *p;
	}
	value[n] = '\0';
	*text = *p ? p + 1 + (p[1] == ',') : p;
	return true;
}

static json_t *labels_json(const char *text)
{
	char name[SL_METRICS_LABELS_MAX], value[SL_METRICS_LABELS_MAX];
	json_t *labels = json_object();

	while (take_label(&text, name, value, sizeof(name)))
		json_object_set_new(labels, name, json_string(value));
	return labels;
}

static json_t *value_json(const struct sl_reading *r, const struct sl_reading_series *s)
{
	uint64_t sum = sl_reading_sum(r, s, 0);

	if (s->family->divisor > 1)
		return json_real((double)sum / s->family->divisor);
	return json_integer((json_int_t)sum);
}

static void add_histogram(json_t *item, const struct sl_reading *r,
			  const struct sl_reading_series *s)
{
	uint64_t counts[SL_METRICS_BUCKETS_MAX], sum_ns;
	uint64_t nr = sl_reading_histogram(r, s, counts, &sum_ns);

	json_object_set_new(item, "count", json_integer((json_int_t)nr));
	json_object_set_new(item, "sum_s", json_real((double)sum_ns / 1e9));
	if (nr == 0)
		return;
	json_object_set_new(item, "p50_s", json_real(sl_reading_quantile(r, counts, 0.5) / 1e9));
	json_object_set_new(item, "p90_s", json_real(sl_reading_quantile(r, counts, 0.9) / 1e9));
	json_object_set_new(item, "p99_s", json_real(sl_reading_quantile(r, counts, 0.99) / 1e9));
}

static json_t *series_json(const struct sl_reading *r, const struct sl_reading_series *s)
{
	static const char *const kinds[] = { "counter", "gauge", "histogram" };
	const char *total = s->family->kind == SL_METRICS_COUNTER ? "_total" : "";
	json_t *item = json_object();

	json_object_set_new(item, "name", json_sprintf("%s%s", s->family->name, total));
	json_object_set_new(item, "kind", json_string(kinds[s->family->kind]));
	json_object_set_new(item, "labels", labels_json(s->labels));
	if (s->family->kind == SL_METRICS_HISTOGRAM)
		add_histogram(item, r, s);
	else
		json_object_set_new(item, "value", value_json(r, s));
	return item;
}

static bool is_wanted(const struct sl_reading_series *s, const char *prefix)
{
	return strncmp(s->family->name, prefix, strlen(prefix)) == 0;
}

/* ---- metrics show ---- */

static enum ctl_exit show_json(struct ctl *ctl, struct sl_reading *r, const char *prefix)
{
	json_t *list = json_array();
	struct sl_reading_series s;
	uint32_t i = 0;

	do
		if (sl_reading_at(r, i, &s) && is_wanted(&s, prefix))
			json_array_append_new(list, series_json(r, &s));
	while (++i < r->series_nr);
	return ctl_print_json(ctl, json_pack("{s:i, s:b, s:f, s:o}", "pid", (int)r->head->pid,
					     "is_live", sl_reading_is_live(r), "start_s",
					     (double)r->head->start_ns / 1e9, "metrics", list));
}

static enum ctl_exit show_text(struct ctl *ctl, struct sl_reading *r, const char *prefix)
{
	struct sl_reading_series s;
	bool is_any = false;
	uint32_t i = 0;

	do {
		if (!sl_reading_at(r, i, &s) || !is_wanted(&s, prefix))
			continue;
		is_any = true;
		print_name(stdout, &s);
		if (s.family->kind == SL_METRICS_HISTOGRAM)
			print_histogram(r, &s);
		else
			print_value(r, &s);
	} while (++i < r->series_nr);
	if (!is_any)
		return ctl_fail(ctl, CTL_USAGE, "no metric begins with '%.64s'", prefix);
	if (!sl_reading_is_live(r))
		fprintf(stderr,
			"sluicectl: metrics show: process %u has ended; these are its last\n",
			r->head->pid);
	return CTL_OK;
}

enum ctl_exit ctl_metrics_show(struct ctl *ctl, char **arguments)
{
	const char *prefix = arguments[0] ? arguments[0] : "";
	struct sl_reading r;
	enum ctl_exit code = ctl_metrics_open(ctl, &r);

	if (code != CTL_OK)
		return code;
	code = ctl->is_json ? show_json(ctl, &r, prefix) : show_text(ctl, &r, prefix);
	sl_reading_close(&r);
	return code;
}

/* ---- metrics watch ---- */

static uint64_t count_of(const struct sl_reading *r, const struct sl_reading_series *s)
{
	uint64_t counts[SL_METRICS_BUCKETS_MAX], sum_ns;

	return s->family->kind == SL_METRICS_HISTOGRAM ? sl_reading_histogram(r, s, counts, &sum_ns)
						       : sl_reading_sum(r, s, 0);
}

/* Series come at the end only, so what was counted before stays at its index. */
static uint64_t *count_all(struct sl_reading *r, uint64_t *before, uint32_t *nr, double seconds)
{
	struct sl_reading_series s;
	uint64_t *now;

	sl_reading_at(r, UINT32_MAX, &s); /* looks how many there are */
	now = calloc(r->series_nr + 1u, sizeof(*now));
	for (uint32_t i = 0; now && i < r->series_nr; i++) {
		if (!sl_reading_at(r, i, &s))
			continue;
		now[i] = count_of(r, &s);
		if (!before || s.family->kind == SL_METRICS_GAUGE ||
		    now[i] == (i < *nr ? before[i] : 0))
			continue;
		print_name(stdout, &s);
		printf(" %+.1f/s\n", (double)(now[i] - (i < *nr ? before[i] : 0)) / seconds);
	}
	*nr = r->series_nr;
	free(before);
	return now;
}

static enum ctl_exit watch(struct ctl *ctl, struct sl_reading *r, double seconds)
{
	struct timespec pause = { .tv_sec = (time_t)seconds };
	uint64_t *counts = NULL;
	uint32_t nr = 0;

	pause.tv_nsec = (long)((seconds - (double)pause.tv_sec) * 1e9);
	counts = count_all(r, NULL, &nr, seconds);
	while (counts && sl_reading_is_live(r)) {
		nanosleep(&pause, NULL);
		counts = count_all(r, counts, &nr, seconds);
		putchar('\n');
		if (fflush(stdout) != 0)
			break; /* whoever read it has gone */
	}
	if (!counts)
		return ctl_fail(ctl, CTL_FAILED, "out of memory");
	free(counts);
	return ferror(stdout)
		       ? CTL_FAILED
		       : ctl_fail(ctl, CTL_UNREACHABLE, "process %u has ended", r->head->pid);
}

enum ctl_exit ctl_metrics_watch(struct ctl *ctl, char **arguments)
{
	double seconds = 1;
	enum ctl_exit code;
	struct sl_reading r;
	char *end = "";

	if (arguments[0])
		seconds = strtod(arguments[0], &end);
	if (*end || !(seconds >= 0.1) || seconds > WATCH_MAX_S)
		return ctl_fail(ctl, CTL_USAGE, "'%.32s': an interval is 0.1 to %d seconds",
				arguments[0], WATCH_MAX_S);
	if (ctl->is_json)
		return ctl_fail(ctl, CTL_USAGE, "prints text only; with -j, ask 'metrics show'");
	code = ctl_metrics_open(ctl, &r);
	if (code != CTL_OK)
		return code;
	code = watch(ctl, &r, seconds);
	sl_reading_close(&r);
	return code;
}
