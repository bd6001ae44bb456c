/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel programs that are measured, ours and others'. */
#ifndef BENCH_PROG_PROGRAMS_H
#define BENCH_PROG_PROGRAMS_H

#include <bpf/libbpf.h>
#include <stdint.h>

/* Of its default policy "allow": what is listed is dropped. */
#define BENCH_XDP_FILTER "/usr/lib/x86_64-linux-gnu/bpf/xdpfilt_alw_ip.o"

/* Loads an object, of whose maps none is pinned.  NULL and errno if it cannot be. */
struct bpf_object *bench_object_load(const char *path);
/* The descriptor of one of its programs, which stays the object's. */
int bench_program_fd(struct bpf_object *object, const char *name);
/* Its .bss, mapped for good; NULL and errno if it cannot be. */
void *bench_object_bss(struct bpf_object *object);
/* Makes xdp-filter deny the first nr of listed4() as sources.  0 or a negative errno. */
int bench_filter_fill(struct bpf_object *filter, uint32_t nr);

/* Says what went wrong, and returns err. */
int bench_fail(const char *what, int err);

/* The middle one; as many as ROUNDS_MAX. */
#define BENCH_ROUNDS_MAX 99
double bench_median(const double *values, unsigned nr);
/* The one that stands at this place when they are sorted. */
double bench_at_place(const double *values, unsigned nr, unsigned place);

#endif
