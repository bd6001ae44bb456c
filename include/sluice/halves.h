/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* What the two halves spell differently: included by the headers that both compile. */
#ifndef SLUICE_HALVES_H
#define SLUICE_HALVES_H

#include <linux/types.h>

#ifdef __bpf__
#define SL_INLINE static inline __attribute__((always_inline))
#define sl_keep(x) asm volatile("" : "+r"(x)) /* computed as written: no branch instead */
#define SL_NO_UNROLL _Pragma("clang loop unroll(disable)")
#else
#define sl_keep(x) ((void)0)
#define SL_INLINE static inline
#define SL_NO_UNROLL
#endif

#endif
