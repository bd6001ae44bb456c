// SPDX-License-Identifier: Apache-2.0
// Numbers with units: digits, then a word of a table.
#include "config/units.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"

struct unit {
	struct sl_str name;
	uint64_t factor;
};

/* Ascending, for printing. */
static const struct unit time_units[] = {
	{ SL_STR("ms"), SL_MS },	 { SL_STR("s"), SL_SEC },
	{ SL_STR("m"), 60 * SL_SEC },	 { SL_STR("h"), 3600 * SL_SEC },
	{ SL_STR("d"), 86400 * SL_SEC }, { { NULL, 0 }, 0 },
};

static const struct unit size_units[] = {
	{ SL_STR("B"), 1 },
	{ SL_STR("KB"), 1000 },
	{ SL_STR("KiB"), 1ull << 10 },
	{ SL_STR("MB"), 1000000 },
	{ SL_STR("MiB"), 1ull << 20 },
	{ SL_STR("GB"), 1000000000 },
	{ SL_STR("GiB"), 1ull << 30 },
	{ SL_STR("TB"), 1000000000000 },
	{ SL_STR("TiB"), 1ull << 40 },
	{ { NULL, 0 }, 0 },
};

static const struct unit rate_units[] = {
	{ SL_STR("s"), 1 },
	{ SL_STR("m"), 60 },
	{ SL_STR("h"), 3600 },
	{ { NULL, 0 }, 0 },
};

/* Cuts the digits off the front of *text. */
static int cut_number(struct sl_str *text, uint64_t *ret_n)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < text->len && text->ptr[i] >= '0' && text->ptr[i] <= '9'; i++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(text->ptr[i] - '0'), &n))
			return -ERANGE;
	if (i == 0)
		return -EINVAL;
	*text = (struct sl_str){ text->ptr + i, text->len - i };
	*ret_n = n;
	return 0;
}

static int scale(uint64_t n, struct sl_str unit, const struct unit *units, uint64_t *ret_value)
{
	for (; units->factor; units++)
		if (sl_str_eq(unit, units->name))
			return __builtin_mul_overflow(n, units->factor, ret_value) ? -ERANGE : 0;
	return -EINVAL;
}

/* A number without a unit is taken up to bare_max. */
static int parse(struct sl_str text, const struct unit *units, uint64_t bare_max,
		 uint64_t *ret_value)
{
	uint64_t n, value;
	int ret = cut_number(&text, &n);

	if (ret < 0)
		return ret;
	if (n <= bare_max && text.len == 0) {
		*ret_value = n;
		return 0;
	}
	ret = scale(n, text, units, &value);
	if (ret < 0)
		return ret;
	*ret_value = value;
	return 0;
}

int sl_duration_parse(struct sl_str text, uint64_t *ret_ns)
{
	return parse(text, time_units, 0, ret_ns);
}

int sl_size_parse(struct sl_str text, uint64_t *ret_bytes)
{
	return parse(text, size_units, UINT64_MAX, ret_bytes);
}

int sl_rate_parse(struct sl_str text, uint64_t *ret_bytes_per_s)
{
	const char *slash = text.len ? memchr(text.ptr, '/', text.len) : NULL;
	struct sl_str per;
	uint64_t bytes, seconds;
	int ret;

	if (sl_str_eq(text, SL_S("0"))) {
		*ret_bytes_per_s = 0;
		return 0;
	}
	if (!slash)
		return -EINVAL;
	per = (struct sl_str){ slash + 1, text.len - (size_t)(slash + 1 - text.ptr) };
	if (scale(1, per, rate_units, &seconds) < 0)
		return -EINVAL;
	ret = sl_size_parse((struct sl_str){ text.ptr, (size_t)(slash - text.ptr) }, &bytes);
	if (ret < 0)
		return ret;
	if (bytes % seconds)
		return -EDOM; /* rounded, "10/m" would be 0: no limit at all */
	*ret_bytes_per_s = bytes / seconds;
	return 0;
}

static void print_scaled(struct sl_out *o, uint64_t v, const struct unit *units)
{
	const struct unit *best = units;

	for (; units->factor; units++)
		if (v % units->factor == 0 && v >= units->factor)
			best = units;
	assert(best->factor); /* a table has one unit at the least */
	sl_out_u64(o, v / best->factor);
	sl_out_str(o, best->name);
}

void sl_duration_print(struct sl_out *o, uint64_t ns)
{
	if (ns == 0)
		sl_out_char(o, '0');
	else
		print_scaled(o, ns, time_units);
}

void sl_size_print(struct sl_out *o, uint64_t bytes)
{
	if (bytes == 0)
		sl_out_char(o, '0');
	else
		print_scaled(o, bytes, size_units);
}
