/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded writer: appends to a fixed buffer and remembers an overflow instead of checking each
 * step. */
#ifndef SL_BASE_OUT_H
#define SL_BASE_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Once `overflow` is set nothing more is written; check it once, at the end. */
struct sl_out {
	char *start, *pos, *end;
	bool overflow;
};

static inline void sl_out_init(struct sl_out *o, void *mem, size_t size)
{
	o->start = o->pos = mem;
	o->end = o->start + size;
	o->overflow = false;
}

static inline size_t sl_out_len(const struct sl_out *o)
{
	return (size_t)(o->pos - o->start);
}

static inline size_t sl_out_room(const struct sl_out *o)
{
	return (size_t)(o->end - o->pos);
}

static inline struct sl_str sl_out_done(const struct sl_out *o)
{
	return (struct sl_str){ o->start, sl_out_len(o) };
}

static inline void sl_out_mem(struct sl_out *o, const void *p, size_t n)
{
	if (n > sl_out_room(o) || o->overflow) {
		o->overflow = true;
		return;
	}
	if (n)
		memcpy(o->pos, p, n);
	o->pos += n;
}

static inline void sl_out_str(struct sl_out *o, struct sl_str s)
{
	sl_out_mem(o, s.ptr, s.len);
}

#define sl_out_lit(o, lit) sl_out_mem(o, "" lit, sizeof(lit) - 1)

static inline void sl_out_char(struct sl_out *o, char c)
{
	sl_out_mem(o, &c, 1);
}

void sl_out_u64(struct sl_out *o, uint64_t v); /* decimal */
/* Lower case; without leading zeros, or with as many as make `digits` digits. */
void sl_out_hex(struct sl_out *o, uint64_t v);
void sl_out_hex_fixed(struct sl_out *o, uint64_t v, int digits);
void sl_out_json(struct sl_out *o, struct sl_str s); /* a JSON string with its quotes */
/* What stands between the quotes: a string may be written in several parts. */
void sl_out_json_part(struct sl_out *o, struct sl_str s);
/* As nginx's logs have it: '"', '\' and what is not printable ASCII as \xXX. */
void sl_out_escaped(struct sl_out *o, struct sl_str s);
void sl_out_fmt(struct sl_out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
