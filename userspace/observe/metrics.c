// SPDX-License-Identifier: Apache-2.0
// The file of counters: its layout, and who gets which cells.
#include "observe/metrics.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, LINE_CELLS = 8, FAMILIES_MAX = 64, FIXED_SERIES_MAX = 64 };

/* A series that each name of a set has. */
struct member {
	const char *family;
	enum sl_metrics_kind kind;
	uint32_t divisor;
	uint32_t cell; /* within those of the name */
	const char *labels;
	const char *help;
};

#define ROUTE_CLASS(index, text)                                                                   \
	{                                                                                          \
		"sluice_http_requests", SL_METRICS_COUNTER, 1, index, "code=\"" text "\"",         \
			"Requests answered, by route and class of status",                         \
	}

static const struct member route_members[] = {
	ROUTE_CLASS(0, "1xx"),
	ROUTE_CLASS(1, "2xx"),
	ROUTE_CLASS(2, "3xx"),
	ROUTE_CLASS(3, "4xx"),
	ROUTE_CLASS(4, "5xx"),
	{ "sluice_http_request_duration_seconds", SL_METRICS_HISTOGRAM, 1000000000,
	  SL_ROUTE_DURATION, "", "From the first byte of a request to the last of its answer" },
};

static const struct member target_members[] = {
	{ "sluice_upstream_requests", SL_METRICS_COUNTER, 1, SL_TARGET_REQUESTS, "",
	  "Requests sent to a target" },
	{ "sluice_upstream_failures", SL_METRICS_COUNTER, 1, SL_TARGET_FAILURES, "",
	  "Connections and answers of a target that failed" },
	{ "sluice_upstream_target_up", SL_METRICS_GAUGE, 1, SL_TARGET_UP, "",
	  "1 if the target is in service" },
	{ "sluice_http_upstream_duration_seconds", SL_METRICS_HISTOGRAM, 1000000000,
	  SL_TARGET_DURATION, "", "From sending a request to the head of the target's answer" },
};

static const struct set {
	const struct member *members;
	uint32_t members_nr, cells_nr;
	const char *other; /* labels of what is beyond the maximum */
} sets[] = {
	[SL_METRICS_ROUTE] = { route_members, sizeof(route_members) / sizeof(*route_members),
			       SL_ROUTE_DURATION + SL_METRICS_HISTOGRAM_CELLS, "route=\"other\"" },
	[SL_METRICS_TARGET] = { target_members, sizeof(target_members) / sizeof(*target_members),
				SL_TARGET_DURATION + SL_METRICS_HISTOGRAM_CELLS,
				"upstream=\"other\",target=\"other\"" },
};

struct sl_metrics {
	struct sl_metrics_header *head;
	size_t bytes;
	int fd;		    /* -1: in memory */
	char *path, *fresh; /* where it belongs, and where it is until it is shown; NULL then */
	uint32_t workers, series_max, cells_max;
	uint32_t cells_nr; /* given out, of each block */
	uint32_t names_nr[SL_METRICS_SETS], names_max[SL_METRICS_SETS];
	uint32_t other[SL_METRICS_SETS]; /* their first cells */
	uint32_t *index;		 /* by labels: a name's first series and 1; 0 is free */
	uint32_t index_mask;
};

/* ---- the parts of the file ---- */

static size_t whole_pages(size_t bytes)
{
	return (bytes + PAGE - 1) / PAGE * PAGE;
}

static uint32_t whole_lines(uint32_t cells)
{
	return (cells + LINE_CELLS - 1) / LINE_CELLS * LINE_CELLS;
}

static struct sl_metrics_family *family_at(const struct sl_metrics *m, uint32_t index)
{
	return (struct sl_metrics_family *)((char *)m->head + sizeof(*m->head)) + index;
}

static struct sl_metrics_series *series_at(const struct sl_metrics *m, uint32_t index)
{
	return (struct sl_metrics_series *)family_at(m, FAMILIES_MAX) + index;
}

static size_t blocks_at(const struct sl_metrics *m)
{
	return whole_pages(sizeof(*m->head) + FAMILIES_MAX * sizeof(struct sl_metrics_family) +
			   m->series_max * sizeof(struct sl_metrics_series));
}

static size_t block_bytes(const struct sl_metrics *m)
{
	return whole_pages(m->cells_max * sizeof(uint64_t));
}

uint64_t *sl_metrics_block(const struct sl_metrics *m, unsigned index)
{
	return (uint64_t *)((char *)m->head + blocks_at(m) + index * block_bytes(m));
}

uint64_t *sl_metrics_main_block(const struct sl_metrics *m)
{
	return sl_metrics_block(m, m->workers);
}

uint32_t sl_metrics_other(const struct sl_metrics *m, enum sl_metrics_set set)
{
	return m->other[set];
}

struct sl_stats *sl_metrics_stats(const struct sl_metrics *m, unsigned worker)
{
	return (struct sl_stats *)sl_metrics_block(m, worker);
}

struct sl_daemon_stats *sl_metrics_daemon(const struct sl_metrics *m)
{
	return (struct sl_daemon_stats *)(sl_metrics_stats(m, m->workers) + 1);
}

const struct sl_metrics_header *sl_metrics_header(const struct sl_metrics *m)
{
	return m->head;
}

/* Bytes of the file are had before they are written to: on a full file system, a store into a
 * hole would be the end of us (SIGBUS). */
static int have(const struct sl_metrics *m, size_t at, size_t bytes)
{
	return m->fd < 0 ? 0 : -posix_fallocate(m->fd, (off_t)at, (off_t)bytes);
}

static int have_series(const struct sl_metrics *m, uint32_t nr)
{
	size_t at = (size_t)((char *)series_at(m, m->head->series_nr) - (char *)m->head);

	return have(m, at, nr * sizeof(struct sl_metrics_series));
}

static int have_cells(const struct sl_metrics *m, uint32_t nr)
{
	int ret = 0;

	for (unsigned i = 0; i <= m->workers && ret == 0; i++)
		ret = have(m, blocks_at(m) + i * block_bytes(m) + m->cells_nr * sizeof(uint64_t),
			   nr * sizeof(uint64_t));
	return ret;
}

/* ---- names ---- */

static uint32_t family_of(struct sl_metrics *m, const struct member *member)
{
	uint32_t nr = m->head->families_nr;
	struct sl_metrics_family *f;

	for (uint32_t i = 0; i < nr; i++)
		if (strcmp(family_at(m, i)->name, member->family) == 0)
			return i;
	f = family_at(m, nr);
	snprintf(f->name, sizeof(f->name), "%s", member->family);
	snprintf(f->help, sizeof(f->help), "%s", member->help);
	f->kind = member->kind;
	f->divisor = member->divisor;
	m->head->families_nr = nr + 1;
	return nr;
}

/* Series are complete when they are counted. */
static void add_series(struct sl_metrics *m, const struct member *member, uint32_t first_cell,
		       const char *labels)
{
	uint32_t nr = m->head->series_nr;
	struct sl_metrics_series *s = series_at(m, nr);

	s->family = family_of(m, member);
	s->cell = first_cell + member->cell;
	snprintf(s->labels, sizeof(s->labels), "%s%s%s", labels,
		 labels[0] && member->labels[0] ? "," : "", member->labels);
	__atomic_store_n(&m->head->series_nr, nr + 1, __ATOMIC_RELEASE);
}

/* Names are the operator's: no key is needed. */
static uint32_t hash_of(const char *text)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	return hash;
}

/* The first series of a name has its labels first; a set's own come behind them. */
static bool is_named(const struct sl_metrics *m, uint32_t series, const char *labels)
{
	const char *text = series_at(m, series)->labels;
	size_t n = strlen(labels);

	return strncmp(text, labels, n) == 0 &&
	       (text[n] == '\0' || strncmp(text + n, ",code=", 6) == 0);
}

static uint32_t *find(struct sl_metrics *m, const char *labels)
{
	uint32_t at = hash_of(labels);

	while (m->index[at & m->index_mask] &&
	       !is_named(m, m->index[at & m->index_mask] - 1, labels))
		at++;
	return &m->index[at & m->index_mask];
}

static int add_name(struct sl_metrics *m, const struct set *set, const char *labels,
		    uint32_t *ret_cell)
{
	uint32_t cell = m->cells_nr;
	int ret = have_series(m, set->members_nr);

	if (ret == 0)
		ret = have_cells(m, whole_lines(set->cells_nr));
	if (ret < 0)
		return ret;
	*find(m, labels) = m->head->series_nr + 1;
	/* Of the others together no gauge can be told. */
	for (uint32_t i = 0; i < set->members_nr; i++)
		if (set->members[i].kind != SL_METRICS_GAUGE || labels != set->other)
			add_series(m, &set->members[i], cell, labels);
	m->cells_nr += whole_lines(set->cells_nr);
	*ret_cell = cell;
	return 0;
}

uint32_t sl_metrics_cell(struct sl_metrics *m, enum sl_metrics_set set, const char *labels)
{
	const uint32_t *place = find(m, labels);
	uint32_t cell;

	if (*place)
		return series_at(m, *place - 1)->cell;
	if (m->names_nr[set] >= m->names_max[set] || add_name(m, &sets[set], labels, &cell) < 0)
		return m->other[set];
	m->names_nr[set]++;
	return cell;
}

bool sl_metrics_label(char mem[SL_METRICS_LABELS_MAX], const char *name, struct sl_str value)
{
	enum { CODE_ROOM = 16 }; /* for what the set adds */
	size_t at = strlen(mem), start = at;

	at += (size_t)snprintf(mem + at, SL_METRICS_LABELS_MAX - at, "%s%s=\"", at ? "," : "",
			       name);
	for (size_t i = 0; i < value.len && at + 3 + CODE_ROOM < SL_METRICS_LABELS_MAX; i++) {
		char c = value.ptr[i];

		if (c == '\\' || c == '"' || c == '\n')
			mem[at++] = '\\';
		mem[at++] = c == '\n' ? 'n' : c;
	}
	if (at + 3 + CODE_ROOM >= SL_METRICS_LABELS_MAX) {
		mem[start] = '\0';
		return false;
	}
	memcpy(mem + at, "\"", 2);
	return true;
}

/* ---- making it ---- */

static void add_fixed(struct sl_metrics *m)
{
	const struct member stats[] = {
#define MEMBER(name, kind, metric, labels, help)                                                   \
	{ metric, SL_METRICS_##kind, 1, offsetof(struct sl_stats, name) / 8, labels, help },
		SL_STATS(MEMBER)
#undef MEMBER
#define MEMBER(name, kind, metric, labels, divisor, help)                                          \
	{ metric,  SL_METRICS_##kind,                                                              \
	  divisor, (sizeof(struct sl_stats) + offsetof(struct sl_daemon_stats, name)) / 8,         \
	  labels,  help },
			SL_DAEMON_STATS(MEMBER)
#undef MEMBER
	};

	for (size_t i = 0; i < sizeof(stats) / sizeof(*stats); i++)
		if (stats[i].family)
			add_series(m, &stats[i], 0, "");
}

static uint32_t fixed_cells(void)
{
	return (sizeof(struct sl_stats) + sizeof(struct sl_daemon_stats)) / sizeof(uint64_t);
}

static void measure(struct sl_metrics *m, const struct sl_metrics_conf *conf)
{
	uint32_t index = 64;

	m->workers = conf->workers;
	m->series_max = FIXED_SERIES_MAX;
	m->cells_max = fixed_cells();
	for (unsigned i = 0; i < SL_METRICS_SETS; i++) {
		m->names_max[i] = conf->names_max[i];
		m->series_max += (m->names_max[i] + 1) * sets[i].members_nr;
		m->cells_max += (m->names_max[i] + 1) * whole_lines(sets[i].cells_nr);
	}
	while (index < 2 * (m->names_max[0] + m->names_max[1] + 2))
		index *= 2;
	m->index_mask = index - 1;
	m->bytes = blocks_at(m) + (m->workers + 1) * block_bytes(m);
}

/* A daemon that lives holds a lock on its file. */
static bool is_in_use(const char *path)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool is_locked = fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;

	if (fd >= 0)
		close(fd);
	return is_locked;
}

/* Made beside it, and moved there when it is complete. */
static int make_file(struct sl_metrics *m, const char *path)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	unlink(path); /* of a daemon with our number, long ago */
	m->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (m->fd < 0)
		return -errno;
	if (fchmod(m->fd, 0640) < 0 || fcntl(m->fd, F_OFD_SETLK, &lock) < 0 ||
	    ftruncate(m->fd, (off_t)m->bytes) < 0)
		return -errno;
	return have(m, 0,
		    sizeof(*m->head) + FAMILIES_MAX * sizeof(struct sl_metrics_family) +
			    FIXED_SERIES_MAX * sizeof(struct sl_metrics_series));
}

static int map(struct sl_metrics *m)
{
	int flags = MAP_SHARED | (m->fd < 0 ? MAP_ANONYMOUS | MAP_NORESERVE : 0);
	void *mem = mmap(NULL, m->bytes, PROT_READ | PROT_WRITE, flags, m->fd, 0);

	if (mem == MAP_FAILED)
		return -errno;
	m->head = mem;
	return 0;
}

static int fill(struct sl_metrics *m, const struct sl_metrics_conf *conf)
{
	struct sl_metrics_header *h = m->head;
	int ret = have_cells(m, fixed_cells());

	assert(h);
	*h = (struct sl_metrics_header){
		.version = SL_METRICS_VERSION,
		.pid = (uint32_t)getpid(),
		.bytes = m->bytes,
		.start_ns = conf->start_ns,
		.families_at = sizeof(*h),
		.family_bytes = sizeof(struct sl_metrics_family),
		.series_at = (uint32_t)((char *)series_at(m, 0) - (char *)h),
		.series_bytes = sizeof(struct sl_metrics_series),
		.blocks_at = blocks_at(m),
		.block_bytes = block_bytes(m),
		.blocks_nr = m->workers + 1,
		.buckets_nr = SL_METRICS_BUCKETS,
		.bucket_first = SL_METRICS_FIRST,
		.bucket_steps = SL_METRICS_STEPS,
	};
	memcpy(h->magic, SL_METRICS_MAGIC, sizeof(h->magic));
	snprintf(h->daemon, sizeof(h->daemon), "%s", conf->version);
	if (ret == 0)
		add_fixed(m);
	m->cells_nr = fixed_cells();
	for (unsigned i = 0; i < SL_METRICS_SETS && ret == 0; i++)
		ret = add_name(m, &sets[i], sets[i].other, &m->other[i]);
	return ret;
}

static int name_file(struct sl_metrics *m, const char *directory)
{
	if (asprintf(&m->fresh, "%s/." SL_METRICS_FILE ".%d", directory, (int)getpid()) < 0)
		m->fresh = NULL;
	if (asprintf(&m->path, "%s/" SL_METRICS_FILE, directory) < 0)
		m->path = NULL;
	return m->fresh && m->path ? 0 : -ENOMEM;
}

static int make(struct sl_metrics *m, const struct sl_metrics_conf *conf, bool may_replace)
{
	int ret = 0;

	m->index = calloc(m->index_mask + 1u, sizeof(*m->index));
	if (!m->index)
		return -ENOMEM;
	if (conf->directory) {
		ret = name_file(m, conf->directory);
		if (ret == 0 && !may_replace && is_in_use(m->path))
			ret = -EBUSY;
		if (ret == 0)
			ret = make_file(m, m->fresh);
	}
	if (ret == 0)
		ret = map(m);
	return ret == 0 ? fill(m, conf) : ret;
}

int sl_metrics_new(struct sl_metrics **ret_metrics, const struct sl_metrics_conf *conf,
		   bool may_replace)
{
	struct sl_metrics *m = calloc(1, sizeof(*m));
	int ret;

	if (!m)
		return -ENOMEM;
	m->fd = -1;
	measure(m, conf);
	ret = make(m, conf, may_replace);
	if (ret < 0)
		sl_metrics_free(m);
	else
		*ret_metrics = m;
	return ret;
}

int sl_metrics_show(struct sl_metrics *m)
{
	if (!m->fresh)
		return 0;
	if (rename(m->fresh, m->path) < 0)
		return -errno;
	free(m->fresh);
	m->fresh = NULL;
	return 0;
}

void sl_metrics_withdraw(struct sl_metrics *m)
{
	if (m && m->fresh && m->fd >= 0)
		unlink(m->fresh);
}

void sl_metrics_free(struct sl_metrics *m)
{
	if (!m)
		return;
	sl_metrics_withdraw(m);
	free(m->fresh);
	free(m->path);
	if (m->head)
		munmap(m->head, m->bytes);
	if (m->fd >= 0)
		close(m->fd);
	free(m->index);
	free(m);
}
