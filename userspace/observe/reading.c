// SPDX-License-Identifier: Apache-2.0
// Reads a file of counters, and believes nothing in it that would lead out of it.
#include "observe/reading.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCKS_MAX = 4096, FAMILIES_MAX = 4096, RECORD_MAX = 4096, STEPS_MAX = 8 };

static bool is_within(const struct sl_reading *r, uint64_t at, uint64_t nr, uint64_t size)
{
	return at <= r->bytes && (size == 0 || nr <= (r->bytes - at) / size);
}

static bool is_histogram_sane(const struct sl_metrics_header *h)
{
	return h->buckets_nr >= 2 && h->buckets_nr <= SL_METRICS_BUCKETS_MAX &&
	       h->bucket_steps <= STEPS_MAX && h->bucket_first >= h->bucket_steps &&
	       h->bucket_first + (h->buckets_nr >> h->bucket_steps) < 63;
}

/* All that does not change while it is open. */
static bool is_sane(const struct sl_reading *r)
{
	const struct sl_metrics_header *h = r->head;

	return memcmp(h->magic, SL_METRICS_MAGIC, sizeof(h->magic)) == 0 &&
	       h->version == SL_METRICS_VERSION && h->bytes == r->bytes &&
	       h->family_bytes >= sizeof(struct sl_metrics_family) &&
	       h->family_bytes <= RECORD_MAX && h->family_bytes % sizeof(uint32_t) == 0 &&
	       h->families_at % sizeof(uint64_t) == 0 &&
	       h->series_bytes >= sizeof(struct sl_metrics_series) &&
	       h->series_bytes <= RECORD_MAX && h->series_bytes % sizeof(uint32_t) == 0 &&
	       h->series_at % sizeof(uint32_t) == 0 && h->blocks_at % sizeof(uint64_t) == 0 &&
	       h->block_bytes % sizeof(uint64_t) == 0 && h->blocks_nr <= BLOCKS_MAX &&
	       is_within(r, h->blocks_at, h->blocks_nr, h->block_bytes) && is_histogram_sane(h);
}

static int open_file(const char *path, int *ret_fd, size_t *ret_bytes)
{
	struct stat st;

	*ret_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (*ret_fd < 0)
		return -errno;
	if (fstat(*ret_fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(struct sl_metrics_header))
		return -EPROTO;
	*ret_bytes = (size_t)st.st_size;
	return 0;
}

int sl_reading_open(struct sl_reading *r, const char *path)
{
	int ret;

	*r = (struct sl_reading){ .fd = -1 };
	ret = open_file(path, &r->fd, &r->bytes);
	if (ret == 0) {
		void *mem = mmap(NULL, r->bytes, PROT_READ, MAP_SHARED, r->fd, 0);

		ret = mem == MAP_FAILED ? -errno : 0;
		r->head = ret == 0 ? mem : NULL;
	}
	if (ret == 0 && !is_sane(r))
		ret = -EPROTO;
	if (ret < 0)
		sl_reading_close(r);
	return ret;
}

void sl_reading_borrow(struct sl_reading *r, const struct sl_metrics_header *head)
{
	*r = (struct sl_reading){ .head = head, .bytes = head->bytes, .fd = -1 };
}

void sl_reading_close(struct sl_reading *r)
{
	if (r->head && r->fd >= 0)
		munmap((void *)r->head, r->bytes);
	if (r->fd >= 0)
		close(r->fd);
	*r = (struct sl_reading){ .fd = -1 };
}

/* Asked, not taken: a reader is in nobody's way.  A read lock would conflict with the daemon's. */
bool sl_reading_is_live(const struct sl_reading *r)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	return r->fd < 0 || (fcntl(r->fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK);
}

static const struct sl_metrics_family *family_at(const struct sl_reading *r, uint32_t index)
{
	const struct sl_metrics_header *h = r->head;
	const struct sl_metrics_family *f;

	if (index >= FAMILIES_MAX || !is_within(r, h->families_at, index + 1u, h->family_bytes))
		return NULL;
	f = (const void *)((const char *)h + h->families_at + (size_t)index * h->family_bytes);
	if (!memchr(f->name, '\0', sizeof(f->name)) || !memchr(f->help, '\0', sizeof(f->help)))
		return NULL;
	return f->kind <= SL_METRICS_HISTOGRAM && f->divisor > 0 ? f : NULL;
}

bool sl_reading_at(struct sl_reading *r, uint32_t index, struct sl_reading_series *ret_series)
{
	const struct sl_metrics_header *h = r->head;
	const struct sl_metrics_series *s;

	if (index >= r->series_nr)
		r->series_nr = __atomic_load_n(&h->series_nr, __ATOMIC_ACQUIRE);
	if (index >= r->series_nr || !is_within(r, h->series_at, index + 1ull, h->series_bytes))
		return false;
	s = (const void *)((const char *)h + h->series_at + (size_t)index * h->series_bytes);
	*ret_series = (struct sl_reading_series){
		.family = family_at(r, s->family),
		.labels = s->labels,
		.family_index = s->family,
		.cell = s->cell,
		.cells_nr = 1,
	};
	if (!ret_series->family || !memchr(s->labels, '\0', sizeof(s->labels)))
		return false;
	if (ret_series->family->kind == SL_METRICS_HISTOGRAM)
		ret_series->cells_nr = 1 + h->buckets_nr;
	return (uint64_t)s->cell + ret_series->cells_nr <= h->block_bytes / sizeof(uint64_t);
}

uint64_t sl_reading_sum(const struct sl_reading *r, const struct sl_reading_series *s,
			uint32_t cell)
{
	const struct sl_metrics_header *h = r->head;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < h->blocks_nr; i++) {
		const uint64_t *block =
			(const void *)((const char *)h + h->blocks_at + i * h->block_bytes);

		sum += __atomic_load_n(&block[s->cell + cell], __ATOMIC_RELAXED);
	}
	return sum;
}

uint64_t sl_reading_histogram(const struct sl_reading *r, const struct sl_reading_series *s,
			      uint64_t counts[SL_METRICS_BUCKETS_MAX], uint64_t *ret_sum_ns)
{
	uint64_t nr = 0;

	for (uint32_t i = 0; i < r->head->buckets_nr; i++) {
		counts[i] = sl_reading_sum(r, s, 1 + i);
		nr += counts[i];
	}
	*ret_sum_ns = sl_reading_sum(r, s, 0);
	return nr;
}

/* The last bucket has no end: what is in it counts as the end of the one before. */
double sl_reading_quantile(const struct sl_reading *r,
			   const uint64_t counts[SL_METRICS_BUCKETS_MAX], double part)
{
	const struct sl_metrics_header *h = r->head;
	double nr = 0, wanted, begin = 0;

	for (uint32_t i = 0; i < h->buckets_nr; i++)
		nr += (double)counts[i];
	wanted = nr * part;
	for (uint32_t i = 0; i + 1 < h->buckets_nr && nr > 0; i++) {
		double end = (double)sl_metrics_bucket_end(h, i);

		if (counts[i] > 0 && wanted <= (double)counts[i])
			return begin + (end - begin) * wanted / (double)counts[i];
		wanted -= (double)counts[i];
		begin = end;
	}
	return nr > 0 ? begin : 0;
}
