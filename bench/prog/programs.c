// SPDX-License-Identifier: Apache-2.0
// What the programs that measure the kernel half share.
#include "programs.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../xdp.h"

#define XDP_FILTER_SOURCE 1 /* its MAP_FLAG_SRC */
#define CPUS_MAX 1024

int bench_fail(const char *what, int err)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(-err));
	return err;
}

struct bpf_object *bench_object_load(const char *path)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_map *map;

	if (!object)
		return NULL;
	/* xdp-filter's would be pinned. */
	bpf_object__for_each_map(map, object) bpf_map__set_pin_path(map, NULL);
	if (bpf_object__load(object) == 0)
		return object;
	bpf_object__close(object);
	return NULL;
}

int bench_program_fd(struct bpf_object *object, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(object, name));
}

void *bench_object_bss(struct bpf_object *object)
{
	void *mem = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
			 bpf_object__find_map_fd_by_name(object, ".bss"), 0);

	return mem == MAP_FAILED ? NULL : mem;
}

int bench_filter_fill(struct bpf_object *filter, uint32_t nr)
{
	int map = bpf_object__find_map_fd_by_name(filter, "filter_ipv4"), ret = 0;
	static uint64_t values[CPUS_MAX];

	for (size_t i = 0; i < CPUS_MAX; i++)
		values[i] = XDP_FILTER_SOURCE;
	if (libbpf_num_possible_cpus() > CPUS_MAX)
		return -E2BIG;
	for (uint32_t i = 0; i < nr && ret == 0; i++) {
		uint32_t key = htonl(listed4(i));

		ret = bpf_map_update_elem(map, &key, values, BPF_ANY);
	}
	return ret;
}

static int cmp_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_at_place(const double *values, unsigned nr, unsigned place)
{
	double sorted[BENCH_ROUNDS_MAX];

	memcpy(sorted, values, nr * sizeof(*sorted));
	qsort(sorted, nr, sizeof(*sorted), cmp_double);
	return sorted[place];
}

double bench_median(const double *values, unsigned nr)
{
	return bench_at_place(values, nr, nr / 2);
}
