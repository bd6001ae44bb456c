// SPDX-License-Identifier: Apache-2.0
// Metrics as text: https://prometheus.io/docs/instrumenting/exposition_formats/, OpenMetrics 1.0.
#include "observe/expose.h"

#include <inttypes.h>
#include <string.h>

const char *sl_expose_type(enum sl_exposition form)
{
	return form == SL_EXPOSE_OPENMETRICS
		       ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
		       : "text/plain; version=0.0.4; charset=utf-8";
}

static void put_unit(FILE *to, const char *name)
{
	static const char *const units[] = { "seconds", "bytes" };

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		size_t n = strlen(name), unit = strlen(units[i]);

		if (n > unit && name[n - unit - 1] == '_' && strcmp(name + n - unit, units[i]) == 0)
			fprintf(to, "# UNIT %s %s\n", name, units[i]);
	}
}

/* OpenMetrics names a family of counters without the "_total" of its samples. */
void sl_expose_family(FILE *to, enum sl_exposition form, enum sl_metrics_kind kind,
		      const char *name, const char *help)
{
	static const char *const kinds[] = { "counter", "gauge", "histogram" };

	if (form == SL_EXPOSE_OPENMETRICS) {
		fprintf(to, "# TYPE %s %s\n", name, kinds[kind]);
		put_unit(to, name);
		fprintf(to, "# HELP %s %s.\n", name, help);
		return;
	}
	fprintf(to, "# HELP %s%s %s.\n", name, kind == SL_METRICS_COUNTER ? "_total" : "", help);
	fprintf(to, "# TYPE %s%s %s\n", name, kind == SL_METRICS_COUNTER ? "_total" : "",
		kinds[kind]);
}

static void put_sample(FILE *to, const struct sl_reading *r, const struct sl_reading_series *s)
{
	uint64_t sum = sl_reading_sum(r, s, 0);

	fprintf(to, "%s%s", s->family->name, s->family->kind == SL_METRICS_COUNTER ? "_total" : "");
	if (s->labels[0])
		fprintf(to, "{%s}", s->labels);
	if (s->family->divisor > 1)
		fprintf(to, " %.9g\n", (double)sum / s->family->divisor);
	else if (s->family->kind == SL_METRICS_GAUGE)
		fprintf(to, " %" PRId64 "\n", (int64_t)sum);
	else
		fprintf(to, " %" PRIu64 "\n", sum);
}

static void put_name(FILE *to, const struct sl_reading_series *s, const char *suffix)
{
	fprintf(to, "%s%s", s->family->name, suffix);
	if (s->labels[0])
		fprintf(to, "{%s}", s->labels);
}

/* Of the fine buckets, those that end with a power of two: a scraper keeps each as a series. */
static void put_histogram(FILE *to, const struct sl_reading *r, const struct sl_reading_series *s)
{
	uint64_t counts[SL_METRICS_BUCKETS_MAX], sum_ns, so_far = 0;
	uint64_t nr = sl_reading_histogram(r, s, counts, &sum_ns);

	for (uint32_t i = 0; i + 1 < r->head->buckets_nr; i++) {
		uint64_t end = sl_metrics_bucket_end(r->head, i);

		so_far += counts[i];
		if (end & (end - 1))
			continue;
		fprintf(to, "%s_bucket{%s%sle=\"%.9g\"} %" PRIu64 "\n", s->family->name, s->labels,
			s->labels[0] ? "," : "", (double)end / s->family->divisor, so_far);
	}
	fprintf(to, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", s->family->name, s->labels,
		s->labels[0] ? "," : "", nr);
	put_name(to, s, "_sum");
	fprintf(to, " %.9f\n", (double)sum_ns / s->family->divisor);
	put_name(to, s, "_count");
	fprintf(to, " %" PRIu64 "\n", nr);
}

static void expose_one(FILE *to, enum sl_exposition form, struct sl_reading *r, uint32_t family)
{
	struct sl_reading_series s;
	bool is_first = true;

	for (uint32_t i = 0; i < r->series_nr; i++) {
		if (!sl_reading_at(r, i, &s) || s.family_index != family)
			continue;
		if (is_first)
			sl_expose_family(to, form, s.family->kind, s.family->name, s.family->help);
		is_first = false;
		if (s.family->kind == SL_METRICS_HISTOGRAM)
			put_histogram(to, r, &s);
		else
			put_sample(to, r, &s);
	}
}

void sl_expose_reading(FILE *to, enum sl_exposition form, struct sl_reading *r)
{
	struct sl_reading_series s;

	sl_reading_at(r, UINT32_MAX, &s); /* looks how many there are */
	for (uint32_t i = 0; i < r->head->families_nr; i++)
		expose_one(to, form, r, i);
}

void sl_expose_end(FILE *to, enum sl_exposition form)
{
	if (form == SL_EXPOSE_OPENMETRICS)
		fputs("# EOF\n", to);
}
