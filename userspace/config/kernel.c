// SPDX-License-Identifier: Apache-2.0
// The section "kernel": its kinds of value, and rules over its keys.
#include <errno.h>
#include <inttypes.h>

#include "base/clock.h"
#include "config/check.h"
#include "config/units.h"
#include "kern/limit.h"
#include "sluice/abi.h"

enum { PINS_MAX_BYTES = 200, BYTES_BURST_MIN = 64 * 1024 };

/* ---- texts ---- */

/* What the kernel takes for the name of an interface (dev_valid_name()). */
const char *sl_check_interface(struct sl_str text)
{
	static const char why[] = "is not the name of a network interface";

	if (text.len == 0 || text.len >= SL_INTERFACE_NAME_MAX || sl_str_eq(text, SL_S(".")) ||
	    sl_str_eq(text, SL_S("..")))
		return why;
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] <= ' ' || text.ptr[i] == '/' || text.ptr[i] == ':' ||
		    text.ptr[i] == 0x7f)
			return why;
	return NULL;
}

const char *sl_check_pins(struct sl_str text)
{
	if (text.len > PINS_MAX_BYTES)
		return "is too long: 200 bytes at the most";
	return sl_check_path(text);
}

const char *sl_check_reason(struct sl_str text)
{
	static const char why[] = "is not a word: 1 to 15 letters, digits, '-', '_' and '.'";

	return text.len < SL_REASON_MAX && !sl_check_name(text) ? NULL : why;
}

/* ---- so many in so long ---- */

/* "20000/s": size_ok says whether "20KiB/s" is fine too. */
static int parse_rate(struct sl_str text, bool size_ok, struct sl_frequency *ret_rate)
{
	static const struct {
		char name;
		uint64_t ns;
	} units[] = { { 's', SL_SEC }, { 'm', 60 * SL_SEC }, { 'h', 3600 * SL_SEC } };
	struct sl_str number = { text.ptr, text.len < 3 ? 0 : text.len - 2 };

	if (sl_str_eq(text, SL_S("0"))) {
		*ret_rate = (struct sl_frequency){ 0, SL_SEC };
		return 0;
	}
	if (number.len == 0 || number.ptr[number.len] != '/')
		return -EINVAL;
	for (size_t i = 0; !size_ok && i < number.len; i++)
		if (number.ptr[i] < '0' || number.ptr[i] > '9')
			return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (text.ptr[text.len - 1] == units[i].name) {
			ret_rate->per_ns = units[i].ns;
			return sl_size_parse(number, &ret_rate->nr);
		}
	return -EINVAL;
}

static void read_rate(struct sl_reader *r, const struct sl_key *key, json_t *value, bool size_ok,
		      const char *what, void *to)
{
	struct sl_frequency rate = { 0, SL_SEC };
	const char *text = json_string_value(value);
	int ret;

	if (json_is_integer(value) && json_integer_value(value) == 0) {
		*(struct sl_frequency *)to = rate;
		return;
	}
	if (!text) {
		sl_reader_type_fault(r, what, value);
		return;
	}
	ret = parse_rate(sl_str_of(text), size_ok, &rate);
	if (ret == -ERANGE || (ret == 0 && rate.nr > key->max))
		sl_report_fault(&r->report, "'%.64s' is too large: %" PRIu64 " at the most", text,
				key->max);
	else if (ret < 0)
		sl_report_fault(&r->report, "'%.64s' must be %s", text, what);
	else if (rate.nr && rate.nr / (rate.per_ns / SL_SEC) < key->min)
		sl_report_fault(&r->report,
				"'%.64s' is too small: %" PRIu64 " a second at the least", text,
				key->min);
	else
		*(struct sl_frequency *)to = rate;
}

static json_t *describe_pattern(const char *pattern)
{
	return json_pack("{s:[{s:s, s:s}, {s:i}]}", "anyOf", "type", "string", "pattern", pattern,
			 "const", 0);
}

static void read_count_rate(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	read_rate(r, key, value, false, "a rate such as \"200/s\", \"10/m\" or 0", to);
}

static json_t *describe_count_rate(const struct sl_key *key)
{
	return describe_pattern("^(0|[0-9]+/[smh])$");
}

static void read_byte_rate(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	read_rate(r, key, value, true, "a rate such as \"10MiB/s\" or 0", to);
}

static json_t *describe_byte_rate(const struct sl_key *key)
{
	return describe_pattern(SL_RATE_PATTERN);
}

/* "50 failures in 10s" */
static int parse_failures(struct sl_str text, uint64_t max, struct sl_frequency *ret)
{
	static const struct sl_str words[] = { SL_STR(" failures in "), SL_STR(" failure in ") };
	const char *space = memchr(text.ptr, ' ', text.len);
	struct sl_str number = { text.ptr, space ? (size_t)(space - text.ptr) : 0 };
	struct sl_str rest = { space, text.len - number.len };

	for (size_t i = 0; space && i < sizeof(words) / sizeof(*words); i++) {
		struct sl_str time;

		if (!sl_str_starts(rest, words[i]))
			continue;
		time = (struct sl_str){ rest.ptr + words[i].len, rest.len - words[i].len };
		for (size_t k = 0; k < number.len; k++)
			if (number.ptr[k] < '0' || number.ptr[k] > '9')
				return -EINVAL;
		if (sl_size_parse(number, &ret->nr) < 0 ||
		    sl_duration_parse(time, &ret->per_ns) < 0)
			return -EINVAL;
		return ret->nr && ret->nr <= max && ret->per_ns >= SL_SEC &&
				       ret->per_ns <= 3600 * SL_SEC
			       ? 0
			       : -ERANGE;
	}
	return -EINVAL;
}

static void read_failures(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	static const char what[] = "a number and a time such as \"50 failures in 10s\"";
	struct sl_frequency after;
	const char *text = json_string_value(value);
	int ret;

	if (!text) {
		sl_reader_type_fault(r, what, value);
		return;
	}
	ret = parse_failures(sl_str_of(text), key->max, &after);
	if (ret == -ERANGE)
		sl_report_fault(&r->report, "'%.64s' must be 1 to %" PRIu64 " failures in 1s to 1h",
				text, key->max);
	else if (ret < 0)
		sl_report_fault(&r->report, "'%.64s' must be %s", text, what);
	else
		*(struct sl_frequency *)to = after;
}

static json_t *describe_failures(const struct sl_key *key)
{
	return json_pack("{s:s, s:s}", "type", "string", "pattern",
			 "^[0-9]+ failures? in [0-9]+(ms|s|m|h|d)$");
}

const struct sl_kind sl_kind_count_rate = { read_count_rate, describe_count_rate, "rate" };
const struct sl_kind sl_kind_byte_rate = { read_byte_rate, describe_byte_rate, "rate" };
const struct sl_kind sl_kind_failures = { read_failures, describe_failures,
					  "number of failures in a time" };

/* ---- rules over keys ---- */

static void check_limit(struct sl_reader *r, struct sl_limit_conf *l, uint64_t burst_min)
{
	struct sl_gcra_rate rate;

	if (l->rate.nr == 0)
		return;
	if (l->burst == 0)
		l->burst = l->rate.nr / (l->rate.per_ns / SL_SEC);
	else if (l->burst < burst_min)
		fault_member(r, "burst", "must be %" PRIu64 " at the least", burst_min);
	if (l->burst < burst_min)
		l->burst = burst_min;
	if (sl_rate_make(&l->rate, l->burst, &rate) < 0)
		fault_member(r, "burst", "takes more than 4 hours to come together at this rate");
}

void sl_check_count_limit(struct sl_reader *r, json_t *value, void *to)
{
	check_limit(r, to, 1);
}

void sl_check_syn_flood(struct sl_reader *r, json_t *value, void *to)
{
	struct sl_syn_flood_conf *f = to;

	check_limit(r, &f->limit, 1);
}

/* A frame that is larger than the burst could never pass. */
void sl_check_byte_limit(struct sl_reader *r, json_t *value, void *to)
{
	check_limit(r, to, BYTES_BURST_MIN);
}

void sl_check_punish(struct sl_reader *r, json_t *value, void *to)
{
	const struct sl_punish_conf *p = to;

	if (p->max_ns && p->max_ns < p->for_ns)
		fault_member(r, "max", "must not be shorter than 'for'");
}

static void check_twice(struct sl_reader *r, const struct sl_kernel_conf *k)
{
	for (unsigned i = 1; i < k->interfaces_nr; i++)
		for (unsigned j = 0; j < i; j++)
			if (sl_str_eq(k->interfaces[i], k->interfaces[j])) {
				sl_report_enter_member(&r->report, "interfaces");
				sl_report_enter_element(&r->report, i);
				sl_report_fault(&r->report, "'%.16s' is there twice",
						k->interfaces[i].ptr);
				sl_report_leave(&r->report);
				sl_report_leave(&r->report);
				return;
			}
}

static void allow_nets(struct sl_kernel_conf *k, const struct sl_net *nets, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		k->proxies[k->proxies_nr++] = (struct sl_listed){
			.net = nets[i],
			.reason = SL_STR("trusted_proxy"),
		};
}

/* Entries for all who may speak for others, of listeners (PROXY protocol) and by header fields. */
void sl_config_allow_proxies(struct sl_reader *r)
{
	struct sl_rules *rules = r->rules;
	struct sl_kernel_conf *k = &rules->kernel;
	size_t nr = rules->forwarded.trusted_proxies_nr;

	for (unsigned i = 0; i < rules->listeners_nr; i++)
		nr += rules->listeners[i].proxy_from_nr;
	k->proxies = nr ? sl_reader_alloc(r, nr, sizeof(*k->proxies)) : NULL;
	if (!k->proxies)
		return;
	allow_nets(k, rules->forwarded.trusted_proxies, rules->forwarded.trusted_proxies_nr);
	for (unsigned i = 0; i < rules->listeners_nr; i++)
		allow_nets(k, rules->listeners[i].proxy_from, rules->listeners[i].proxy_from_nr);
}

void sl_check_kernel(struct sl_reader *r, json_t *value, void *to)
{
	struct sl_kernel_conf *k = to;

	k->is_there = true;
	check_twice(r, k);
	if (k->interfaces_nr == 0 && k->mode != SL_KERNEL_AUTO && k->mode != SL_KERNEL_OFF)
		fault_member(r, "mode", "does nothing without 'interfaces'");
}
