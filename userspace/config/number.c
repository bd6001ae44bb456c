// SPDX-License-Identifier: Apache-2.0
// Kinds of value that are numbers: plain, of a list of words, with units, switches.
#include <errno.h>
#include <inttypes.h>

#include "config/key.h"
#include "config/units.h"

/* What a unit adds to a plain number. */
struct unit_kind {
	const char *what; /* for "must be ..." */
	int (*parse)(struct sl_str text, uint64_t *ret_value);
	void (*print)(struct sl_out *o, uint64_t value);
	const char *pattern;
	bool takes_numbers; /* without a unit */
};

static void print_plain(struct sl_out *o, uint64_t value)
{
	sl_out_u64(o, value);
}

static void print_rate(struct sl_out *o, uint64_t value)
{
	sl_size_print(o, value);
	if (value)
		sl_out_lit(o, "/s");
}

static const struct unit_kind duration = {
	"a duration such as \"250ms\", \"5s\", \"1h\" or 0",
	sl_duration_parse,
	sl_duration_print,
	SL_DURATION_PATTERN,
	false,
};

static const struct unit_kind size = {
	"a size such as \"64KiB\" or a number of bytes",
	sl_size_parse,
	sl_size_print,
	SL_SIZE_PATTERN,
	true,
};

static const struct unit_kind rate = {
	"a rate such as \"100/s\", \"64KiB/s\" or 0",
	sl_rate_parse,
	print_rate,
	SL_RATE_PATTERN,
	false,
};

void sl_key_store_number(const struct sl_key *key, void *to, uint64_t value)
{
	switch (key->size) {
	case sizeof(uint8_t):
		*(uint8_t *)to = (uint8_t)value;
		return;
	case sizeof(uint16_t):
		*(uint16_t *)to = (uint16_t)value;
		return;
	case sizeof(uint32_t):
		*(uint32_t *)to = (uint32_t)value;
		return;
	case sizeof(uint64_t):
		*(uint64_t *)to = value;
		return;
	}
}

/* "${NAME}" and nothing around it. */
static bool is_one_substitution(const char *written)
{
	const char *end = strchr(written, '}');

	return written[0] == '$' && written[1] == '{' && end && !end[1];
}

json_t *sl_reader_scalar(struct sl_reader *r, json_t *value)
{
	const char *written = json_is_string(value) ? sl_report_written(&r->report) : NULL;
	json_t *read;

	if (!written || !is_one_substitution(written))
		return json_incref(value);
	read = json_loads(json_string_value(value), JSON_DECODE_ANY, NULL);
	if (json_is_integer(read) || json_is_boolean(read))
		return read;
	json_decref(read);
	return json_incref(value);
}

static uint64_t max_of(const struct sl_key *key)
{
	if (key->max)
		return key->max;
	return key->size && key->size < 8 ? (1ull << 8 * key->size) - 1 : UINT64_MAX;
}

static void store_in_range(struct sl_reader *r, const struct sl_key *key, uint64_t value,
			   void (*print)(struct sl_out *o, uint64_t value), void *to)
{
	char low[32], high[32];
	struct sl_out lo, ho;

	if (value >= key->min && value <= max_of(key)) {
		sl_key_store_number(key, to, value);
		return;
	}
	sl_out_init(&lo, low, sizeof(low));
	sl_out_init(&ho, high, sizeof(high));
	print(&lo, key->min);
	print(&ho, max_of(key));
	sl_report_fault(&r->report, "must be between %.*s and %.*s", SL_STR_ARG(sl_out_done(&lo)),
			SL_STR_ARG(sl_out_done(&ho)));
}

static bool is_listed(const unsigned *numbers, json_int_t n)
{
	for (; *numbers; numbers++)
		if (*numbers == n)
			return true;
	return false;
}

static void fault_numbers(struct sl_reader *r, const unsigned *numbers)
{
	char list[128];
	struct sl_out o;

	sl_out_init(&o, list, sizeof(list));
	for (const unsigned *n = numbers; *n; n++)
		sl_out_fmt(&o, "%s%u", n == numbers ? "" : n[1] ? ", " : " or ", *n);
	sl_report_fault(&r->report, "must be %.*s", SL_STR_ARG(sl_out_done(&o)));
}

static void read_integer(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	json_int_t n = json_integer_value(value);

	if (key->automatic && json_is_string(value) &&
	    strcmp(json_string_value(value), "auto") == 0) {
		sl_key_store_number(key, to, key->automatic());
		return;
	}
	if (!json_is_integer(value)) {
		sl_reader_type_fault(r, key->automatic ? "an integer or \"auto\"" : "an integer",
				     value);
		return;
	}
	if (key->numbers && !is_listed(key->numbers, n)) {
		fault_numbers(r, key->numbers);
		return;
	}
	if (n < 0) {
		sl_report_fault(&r->report, "must not be negative");
		return;
	}
	store_in_range(r, key, (uint64_t)n, print_plain, to);
}

static void read_int(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	json_t *scalar = sl_reader_scalar(r, value);

	read_integer(r, key, scalar, to);
	json_decref(scalar);
}

static json_t *describe_int(const struct sl_key *key)
{
	json_t *schema, *list;

	if (key->numbers) {
		list = json_array();
		for (const unsigned *n = key->numbers; *n; n++)
			json_array_append_new(list, json_integer(*n));
		return json_pack("{s:o}", "enum", list);
	}
	schema = json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum", (json_int_t)key->min,
			   "maximum", (json_int_t)max_of(key));
	if (!key->automatic)
		return schema;
	return json_pack("{s:[o, {s:s}]}", "anyOf", schema, "const", "auto");
}

static void read_bool(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	json_t *scalar = sl_reader_scalar(r, value);

	if (json_is_boolean(scalar))
		*(bool *)to = json_is_true(scalar);
	else
		sl_reader_type_fault(r, "true or false", value);
	json_decref(scalar);
}

static json_t *describe_bool(const struct sl_key *key)
{
	return json_pack("{s:s}", "type", "boolean");
}

static void fault_word(struct sl_reader *r, const struct sl_key *key, struct sl_str word)
{
	const char *near = sl_suggest(&r->report, word, key->words);
	char list[256];
	struct sl_out o;

	for (const char *const *w = key->later; w && *w; w++)
		if (sl_str_eq(word, sl_str_of(*w))) {
			sl_report_fault(&r->report, "'%s' is not available in this version", *w);
			return;
		}
	if (near) {
		sl_report_fault(&r->report, "unknown value '%.64s'; did you mean '%s'?", word.ptr,
				near);
		return;
	}
	sl_out_init(&o, list, sizeof(list));
	for (const char *const *w = key->words; *w; w++)
		sl_out_fmt(&o, "%s'%s'", w == key->words ? "" : w[1] ? ", " : " or ", *w);
	sl_report_fault(&r->report, "unknown value '%.64s'; must be %.*s", word.ptr,
			SL_STR_ARG(sl_out_done(&o)));
}

static void read_enum(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	struct sl_str word;

	if (!json_is_string(value)) {
		sl_reader_type_fault(r, "a string", value);
		return;
	}
	word = sl_str_of(json_string_value(value));
	for (unsigned i = 0; key->words[i]; i++)
		if (sl_str_eq(word, sl_str_of(key->words[i]))) {
			sl_key_store_number(key, to, i);
			return;
		}
	fault_word(r, key, word);
}

json_t *sl_words_describe(const char *const *words)
{
	json_t *list = json_array();

	for (; *words; words++)
		json_array_append_new(list, json_string(*words));
	return list;
}

static json_t *describe_enum(const struct sl_key *key)
{
	return json_pack("{s:o}", "enum", sl_words_describe(key->words));
}

static void read_unit(struct sl_reader *r, const struct sl_key *key, json_t *value,
		      const struct unit_kind *unit, void *to)
{
	json_int_t bare = json_integer_value(value);
	uint64_t n;
	int ret;

	if (json_is_integer(value) && (bare == 0 || (bare > 0 && unit->takes_numbers))) {
		store_in_range(r, key, (uint64_t)bare, unit->print, to);
		return;
	}
	if (!json_is_string(value)) {
		sl_reader_type_fault(r, unit->what, value);
		return;
	}
	ret = unit->parse(sl_str_of(json_string_value(value)), &n);
	if (ret == -ERANGE)
		sl_report_fault(&r->report, "'%.64s' is too large", json_string_value(value));
	else if (ret == -EDOM)
		sl_report_fault(&r->report, "'%.64s' must come to a whole number a second",
				json_string_value(value));
	else if (ret < 0)
		sl_report_fault(&r->report, "'%.64s' must be %s", json_string_value(value),
				unit->what);
	else
		store_in_range(r, key, n, unit->print, to);
}

static json_t *describe_unit(const struct sl_key *key, const struct unit_kind *unit)
{
	json_t *text = json_pack("{s:s, s:s}", "type", "string", "pattern", unit->pattern);
	json_t *number;

	if (!unit->takes_numbers)
		number = json_pack("{s:i}", "const", 0);
	else
		number =
			json_pack("{s:s, s:I}", "type", "integer", "minimum", (json_int_t)key->min);
	if (unit->takes_numbers && key->max)
		json_object_set_new(number, "maximum", json_integer((json_int_t)key->max));
	return json_pack("{s:[o, o]}", "anyOf", text, number);
}

static void read_duration(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	read_unit(r, key, value, &duration, to);
}

static json_t *describe_duration(const struct sl_key *key)
{
	return describe_unit(key, &duration);
}

static void read_size(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	read_unit(r, key, value, &size, to);
}

static json_t *describe_size(const struct sl_key *key)
{
	return describe_unit(key, &size);
}

static void read_rate(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	read_unit(r, key, value, &rate, to);
}

static json_t *describe_rate(const struct sl_key *key)
{
	return describe_unit(key, &rate);
}

void sl_reader_mask(struct sl_reader *r, const struct sl_key *key, json_t *value,
		    void (*read_item)(struct sl_reader *r, const struct sl_key *key, json_t *item,
				      uint64_t *mask),
		    void *to)
{
	uint64_t mask = 0;
	json_t *item;
	size_t i;

	if (!json_is_array(value)) {
		sl_reader_type_fault(r, "an array", value);
		return;
	}
	json_array_foreach(value, i, item)
	{
		sl_report_enter_element(&r->report, i);
		read_item(r, key, item, &mask);
		sl_report_leave(&r->report);
	}
	sl_key_store_number(key, to, mask);
}

static void read_word(struct sl_reader *r, const struct sl_key *key, json_t *value, uint64_t *mask)
{
	struct sl_key word = { .words = key->words, .size = sizeof(uint32_t) };
	uint32_t bit = 0;

	read_enum(r, &word, value, &bit);
	*mask |= 1u << bit;
}

/* One word alone is as good as an array of it. */
static void read_words(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	uint64_t mask = 0;

	if (json_is_string(value)) {
		read_word(r, key, value, &mask);
		sl_key_store_number(key, to, mask);
		return;
	}
	sl_reader_mask(r, key, value, read_word, to);
}

static json_t *describe_words(const struct sl_key *key)
{
	return json_pack("{s:[{s:o}, {s:s, s:{s:o}}]}", "anyOf", "enum",
			 sl_words_describe(key->words), "type", "array", "items", "enum",
			 sl_words_describe(key->words));
}

enum { STATUS_FIRST = 500, STATUS_LAST = 563 };

static void read_status(struct sl_reader *r, const struct sl_key *key, json_t *value,
			uint64_t *mask)
{
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value))
		sl_reader_type_fault(r, "an integer", value);
	else if (n < STATUS_FIRST || n > STATUS_LAST)
		sl_report_fault(&r->report, "must be between %d and %d", STATUS_FIRST, STATUS_LAST);
	else
		*mask |= 1ull << (n - STATUS_FIRST);
}

static void read_statuses(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	sl_reader_mask(r, key, value, read_status, to);
}

static json_t *describe_statuses(const struct sl_key *key)
{
	return json_pack("{s:s, s:{s:s, s:i, s:i}}", "type", "array", "items", "type", "integer",
			 "minimum", STATUS_FIRST, "maximum", STATUS_LAST);
}

const struct sl_kind sl_kind_int = { read_int, describe_int, "integer" };
const struct sl_kind sl_kind_bool = { read_bool, describe_bool, "boolean" };
const struct sl_kind sl_kind_enum = { read_enum, describe_enum, "word" };
const struct sl_kind sl_kind_duration = { read_duration, describe_duration, "duration" };
const struct sl_kind sl_kind_size = { read_size, describe_size, "size" };
const struct sl_kind sl_kind_rate = { read_rate, describe_rate, "rate" };
const struct sl_kind sl_kind_statuses = { read_statuses, describe_statuses,
					  "array of status codes" };
const struct sl_kind sl_kind_words = { read_words, describe_words, "array of words" };
