// SPDX-License-Identifier: Apache-2.0
// Gathers what top shows out of the file of counters and the pinned maps.
#include "sample.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static bool is_of(const struct sl_reading_series *series, const char *family)
{
	return strcmp(series->family->name, family) == 0;
}

static void add_histogram(uint64_t *counts, const struct sl_reading *r,
			  const struct sl_reading_series *series)
{
	uint64_t more[SL_METRICS_BUCKETS_MAX], sum_ns;

	sl_reading_histogram(r, series, more, &sum_ns);
	for (uint32_t i = 0; i < r->head->buckets_nr; i++)
		counts[i] += more[i];
}

static void add_class(struct sample *s, const struct sl_reading *r,
		      const struct sl_reading_series *series)
{
	const char *code = strstr(series->labels, "code=\"");
	unsigned class = code ? (unsigned)(code[6] - '1') : SAMPLE_CLASSES;

	if (class < SAMPLE_CLASSES)
		s->classes[class] += sl_reading_sum(r, series, 0);
}

/* A target's series stand together, that of its requests first. */
static struct sample_target *target_of(struct sample *s, const struct sl_reading_series *series)
{
	struct sample_target *last = s->targets_nr ? &s->targets[s->targets_nr - 1] : NULL;

	assert(s->targets);
	if (last && strcmp(last->labels, series->labels) == 0)
		return last;
	if (!is_of(series, "sluice_upstream_requests") || s->targets_nr == SAMPLE_TARGETS_MAX)
		return NULL;
	s->targets[s->targets_nr] = (struct sample_target){ .labels = series->labels };
	return &s->targets[s->targets_nr++];
}

static void add_target(struct sample *s, const struct sl_reading *r,
		       const struct sl_reading_series *series)
{
	struct sample_target *t = target_of(s, series);

	if (!t)
		return;
	if (is_of(series, "sluice_upstream_requests"))
		t->requests = sl_reading_sum(r, series, 0);
	if (is_of(series, "sluice_upstream_failures"))
		t->failures = sl_reading_sum(r, series, 0);
	if (is_of(series, "sluice_upstream_target_up")) {
		t->has_state = true;
		t->is_up = sl_reading_sum(r, series, 0) > 0;
	}
	if (is_of(series, "sluice_http_upstream_duration_seconds"))
		add_histogram(t->counts, r, series);
}

static void add_series(struct sample *s, const struct sl_reading *r,
		       const struct sl_reading_series *series)
{
	const struct {
		const char *family;
		uint64_t *value;
	} plain[] = {
		{ "sluice_connections_accepted", &s->accepted },
		{ "sluice_connections", &s->open },
		{ "sluice_http_requests_active", &s->active },
		{ "sluice_http_request_bytes", &s->received },
		{ "sluice_http_response_bytes", &s->sent },
	};

	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		if (is_of(series, plain[i].family))
			*plain[i].value += sl_reading_sum(r, series, 0);
	if (is_of(series, "sluice_http_requests"))
		add_class(s, r, series);
	else if (is_of(series, "sluice_http_request_duration_seconds"))
		add_histogram(s->counts, r, series);
	else if (strncmp(series->labels, "upstream=", 9) == 0)
		add_target(s, r, series);
}

static void add_kernel(struct sample *s, const char *pins)
{
	struct sl_gate gate;
	struct sl_why why;

	if (sl_gate_open(&gate, pins, &why) < 0)
		return;
	s->has_kernel = true;
	for (unsigned slot = 0; slot < SL_INTERFACES_MAX; slot++)
		for (unsigned v = 0; v < SL_VERDICTS; v++) {
			struct sl_counter c = { 0 };

			if (sl_gate_count(&gate, slot, v, &c) == 0)
				s->packets[v] += c.packets;
		}
	sl_gate_close(&gate);
}

int sample_take(struct sample *s, struct sl_reading *r, const char *pins)
{
	struct sample_target *targets = s->targets;
	struct sl_reading_series series;

	if (!targets)
		targets = calloc(SAMPLE_TARGETS_MAX, sizeof(*targets));
	if (!targets)
		return -ENOMEM;
	*s = (struct sample){ .ns = sl_now_ns(), .targets = targets };
	sl_reading_at(r, UINT32_MAX, &series); /* looks how many there are */
	for (uint32_t i = 0; i < r->series_nr; i++)
		if (sl_reading_at(r, i, &series))
			add_series(s, r, &series);
	add_kernel(s, pins);
	return 0;
}

void sample_fini(struct sample *s)
{
	free(s->targets);
}

uint64_t sample_delta(const struct sl_reading *r, const uint64_t *now, const uint64_t *before,
		      uint64_t ret_counts[SL_METRICS_BUCKETS_MAX])
{
	uint64_t nr = 0;

	for (uint32_t i = 0; i < r->head->buckets_nr; i++) {
		ret_counts[i] = now[i] - (before ? before[i] : 0);
		nr += ret_counts[i];
	}
	return nr;
}
