// SPDX-License-Identifier: Apache-2.0
// The file of counters: who gets which cells, what a reader makes of them, and of broken files.
#include "observe/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "observe/reading.h"
#include "tap.h"

static char dir[] = "/tmp/sluice-unit-metrics-XXXXXX";
static char path[64];

static struct sl_metrics *make(bool may_replace, int want)
{
	const struct sl_metrics_conf conf = {
		.directory = dir,
		.workers = 2,
		.names_max = { 3, 3 },
		.start_ns = 1,
		.version = "1",
	};
	struct sl_metrics *m = NULL;

	is_int(sl_metrics_new(&m, &conf, may_replace), want, "making the file ends with %d", want);
	return m;
}

static void buckets(void)
{
	const struct sl_metrics_header h = {
		.buckets_nr = SL_METRICS_BUCKETS,
		.bucket_first = SL_METRICS_FIRST,
		.bucket_steps = SL_METRICS_STEPS,
	};
	bool is_right = true, is_rising = true;
	uint64_t begin = 0;

	for (unsigned i = 0; i + 1 < SL_METRICS_BUCKETS; i++) {
		uint64_t end = sl_metrics_bucket_end(&h, i);

		is_rising &= end > begin;
		is_right &= sl_metrics_bucket(begin + 1) == i && sl_metrics_bucket(end) == i;
		begin = end;
	}
	ok(is_rising, "buckets end one behind the other");
	ok(is_right, "a time is in the bucket that ends with it, one ns more in the next");
	is_int(sl_metrics_bucket(0), 0, "no time at all is in the first");
	is_int(begin == 1ull << SL_METRICS_LAST, 1, "the last but one ends with 69 s");
	is_int(sl_metrics_bucket(UINT64_MAX), SL_METRICS_BUCKETS - 1, "the last takes the rest");
}

static bool find(struct sl_reading *r, const char *name, const char *labels,
		 struct sl_reading_series *ret)
{
	for (uint32_t i = 0; i == 0 || i < r->series_nr; i++)
		if (sl_reading_at(r, i, ret) && strcmp(ret->family->name, name) == 0 &&
		    strcmp(ret->labels, labels) == 0)
			return true;
	return false;
}

static void names(void)
{
	struct sl_metrics *m = make(false, 0), *second = NULL;
	uint32_t a = sl_metrics_cell(m, SL_METRICS_ROUTE, "route=\"a\"");
	uint32_t b = sl_metrics_cell(m, SL_METRICS_ROUTE, "route=\"b\"");
	uint32_t other = sl_metrics_other(m, SL_METRICS_ROUTE);
	uint64_t counts[SL_METRICS_BUCKETS_MAX], sum;
	struct sl_reading_series s, t;
	struct sl_reading r, after;

	ok(a != b && a != other && b != other, "names have cells of their own");
	ok(a % 8 == 0 && b % 8 == 0, "on cache lines of their own");
	is_int(sl_metrics_cell(m, SL_METRICS_ROUTE, "route=\"a\""), a, "a name keeps its cells");
	sl_metrics_cell(m, SL_METRICS_ROUTE, "route=\"c\"");
	is_int(sl_metrics_cell(m, SL_METRICS_ROUTE, "route=\"d\""), other,
	       "one beyond the maximum is one of the others");
	is_int(sl_metrics_cell(m, SL_METRICS_ROUTE, "route=\"other\""), other,
	       "and so is one that is called so");
	ok(access(path, F_OK) < 0, "nobody sees the file at first");
	is_int(sl_metrics_show(m), 0, "it is shown");
	second = make(false, -EBUSY);
	ok(!second, "while somebody counts there, nobody else does");

	sl_count(&sl_metrics_block(m, 0)[a + 1], 5);
	sl_count(&sl_metrics_block(m, 1)[a + 1], 7);
	sl_metrics_observe(&sl_metrics_block(m, 1)[a + SL_ROUTE_DURATION], 1000000);
	is_int(sl_reading_open(&r, path), 0, "it can be read meanwhile");
	ok(find(&r, "sluice_http_requests", "route=\"a\",code=\"2xx\"", &s), "a series is found");
	is_int(sl_reading_sum(&r, &s, 0), 12, "it is the sum of all workers");
	ok(find(&r, "sluice_http_request_duration_seconds", "route=\"a\"", &s), "a histogram");
	is_int(sl_reading_histogram(&r, &s, counts, &sum), 1, "has one time in it");
	is_int(sum, 1000000, "and its sum");
	ok(sl_reading_quantile(&r, counts, 0.5) < 1048576 &&
		   sl_reading_quantile(&r, counts, 0.99) > 786432,
	   "quantiles are within its bucket");
	ok(!find(&r, "sluice_upstream_target_up", "upstream=\"other\",target=\"other\"", &s),
	   "others have no gauge");
	ok(sl_reading_is_live(&r), "who writes it lives");
	sl_metrics_free(m);
	ok(!sl_reading_is_live(&r), "and then does not");
	ok(find(&r, "sluice_http_requests", "route=\"a\",code=\"2xx\"", &s),
	   "what was counted stays");
	is_int(sl_reading_sum(&r, &s, 0), 12, "to be read");
	sl_metrics_free(make(false, 0));
	is_int(sl_reading_open(&after, path), 0, "one that was not shown is in nobody's way");
	ok(find(&after, "sluice_http_requests", "route=\"a\",code=\"2xx\"", &t),
	   "the one before is still there");
	sl_reading_close(&after);
	m = make(false, 0);
	is_int(sl_metrics_show(m), 0, "the next one is shown");
	sl_metrics_free(m);
	is_int(sl_reading_sum(&r, &s, 0), 12, "also when there is a new file");
	sl_reading_close(&r);
}

static void labels(void)
{
	char mem[SL_METRICS_LABELS_MAX] = "", filler[300];

	memset(filler, 'x', sizeof(filler));
	ok(sl_metrics_label(mem, "a", SL_S("q\"b\\n\n")) && sl_metrics_label(mem, "c", SL_S("")),
	   "labels are written one behind the other");
	is_str(sl_str_of(mem), "a=\"q\\\"b\\\\n\\n\",c=\"\"", "and escaped");
	ok(!sl_metrics_label(mem, "d", (struct sl_str){ filler, sizeof(filler) }),
	   "one that is too long is none");
	is_str(sl_str_of(mem), "a=\"q\\\"b\\\\n\\n\",c=\"\"", "and leaves those before it");
}

/* Each byte of the header and of the first records set to what hurts most: no reader crashes. */
static void torture(void)
{
	static const unsigned char values[] = { 0, 1, 0x7f, 0xff };
	struct sl_metrics *m = make(false, 0);
	int fd = sl_metrics_show(m) == 0 ? open(path, O_RDWR | O_CLOEXEC) : -1;
	unsigned char was;

	for (off_t at = 0; at < (off_t)sizeof(struct sl_metrics_header) + 64; at++)
		for (size_t v = 0; v < sizeof(values); v++) {
			uint64_t counts[SL_METRICS_BUCKETS_MAX], sum;
			struct sl_reading_series s;
			struct sl_reading r;

			if (pread(fd, &was, 1, at) != 1 || pwrite(fd, &values[v], 1, at) != 1)
				break;
			if (sl_reading_open(&r, path) == 0) {
				for (uint32_t i = 0; i < 300; i++)
					if (sl_reading_at(&r, i, &s) && s.cells_nr > 1)
						sl_reading_histogram(&r, &s, counts, &sum);
					else if (i < r.series_nr && s.cells_nr == 1 && s.family &&
						 sl_reading_at(&r, i, &s))
						sl_reading_sum(&r, &s, 0);
				sl_reading_close(&r);
			}
			if (pwrite(fd, &was, 1, at) != 1)
				break;
		}
	ok(true, "whatever a byte of the header is, a reader stays within the file");
	sl_metrics_free(m);
	if (ftruncate(fd, 100) == 0)
		is_int(sl_reading_open(&(struct sl_reading){ 0 }, path), -EPROTO, "a short file");
	close(fd);
	unlink(path);
	is_int(sl_reading_open(&(struct sl_reading){ 0 }, path), -ENOENT, "no file");
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/" SL_METRICS_FILE, dir);
	buckets();
	names();
	labels();
	torture();
	rmdir(dir);
	return done_testing();
}
