// SPDX-License-Identifier: Apache-2.0
// Consumers and policies: their values, the rules over them, and which policies a route asks.
#include <crypt.h>
#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "base/siphash.h"
#include "config/check.h"
#include "config/units.h"
#include "kern/limit.h"
#include "policy/concurrency_limit.h"
#include "policy/jwt.h"
#include "policy/key_auth.h"
#include "policy/passwords.h"
#include "policy/quota.h"
#include "policy/rate_limit.h"
#include "policy/require.h"

/* ---- values ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = sl_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_sha256(struct sl_str text, uint8_t ret[SL_DIGEST_BYTES])
{
	if (text.len != 2ul * SL_DIGEST_BYTES)
		return false;
	for (size_t i = 0; i < SL_DIGEST_BYTES; i++) {
		int high = hex_digit(text.ptr[2 * i]), low = hex_digit(text.ptr[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static void read_sha256(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	const char *text = json_string_value(value);

	if (!text)
		sl_reader_type_fault(r, "a string of 64 hexadecimal digits", value);
	else if (!parse_sha256(sl_str_of(text), to)) /* it may be a key by mistake: not quoted */
		sl_report_fault(&r->report, "is no SHA-256: 64 hexadecimal digits, as "
					    "\"printf %%s KEY | sha256sum\" prints them");
}

static json_t *describe_sha256(const struct sl_key *key)
{
	return json_pack("{s:s, s:s}", "type", "string", "pattern", "^[0-9A-Fa-f]{64}$");
}

/* A day that no calendar has would become another one: it has to come back as it went in. */
static bool parse_time(const char *text, const char *format, uint64_t *ret_s)
{
	struct tm tm = { 0 }, back;
	const char *end = strptime(text, format, &tm);
	int day = tm.tm_mday;
	time_t t;

	if (!end || *end)
		return false;
	t = timegm(&tm);
	if (t <= 0 || !gmtime_r(&t, &back) || back.tm_mday != day)
		return false;
	*ret_s = (uint64_t)t;
	return true;
}

bool sl_time_parse(const char *text, uint64_t *ret_s)
{
	return parse_time(text, "%Y-%m-%d", ret_s) || parse_time(text, "%Y-%m-%dT%H:%M:%SZ", ret_s);
}

static void read_time(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	const char *text = json_string_value(value);
	uint64_t s;

	if (!text)
		sl_reader_type_fault(r, "a string", value);
	else if (sl_time_parse(text, &s))
		sl_key_store_number(key, to, s);
	else
		sl_report_fault(&r->report,
				"'%.64s' must be a time such as \"2027-01-31\" or "
				"\"2027-01-31T12:00:00Z\"",
				text);
}

static json_t *describe_time(const struct sl_key *key)
{
	return json_pack("{s:s, s:s}", "type", "string", "pattern",
			 "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?$");
}

const struct sl_kind sl_kind_sha256 = { read_sha256, describe_sha256, "64 hexadecimal digits" };
const struct sl_kind sl_kind_time = { read_time, describe_time, "time" };

const char *sl_check_parameter(struct sl_str text)
{
	if (text.len == 0 || text.len > SL_REDACT_NAME_MAX)
		return "is not the name of a parameter: 1 to 64 bytes";
	for (size_t i = 0; i < text.len; i++)
		if (!sl_is_token((struct sl_str){ text.ptr + i, 1 }) || text.ptr[i] == '&' ||
		    text.ptr[i] == '%' || text.ptr[i] == '+')
			return "is looked for as it is written: without '&', '=', '%', '+' and "
			       "what a query encodes";
	return NULL;
}

const char *sl_check_username(struct sl_str text)
{
	if (text.len == 0 || text.len > 128)
		return "must have 1 to 128 bytes";
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] == ':' || (unsigned char)text.ptr[i] < ' ')
			return "must be without ':' and control characters";
	return NULL;
}

const char *sl_check_password_hash(struct sl_str text)
{
	if (text.len > SL_PASSWORD_HASH_MAX)
		return "is too long for a hash";
	switch (crypt_checksalt(text.ptr)) {
	case CRYPT_SALT_OK:
		return NULL;
	case CRYPT_SALT_METHOD_LEGACY:
		if (sl_str_starts(text, SL_S("$5$"))) /* not new, but not broken: htpasswd -2 */
			return NULL;
		if (text.ptr[0] != '$') /* DES has no mark: any two letters begin one */
			return "is no hash that crypt(5) knows: make one with \"htpasswd -nB\" or "
			       "\"mkpasswd\"";
		return "is a hash of a kind that is too weak: make one with \"htpasswd -nB\" or "
		       "\"mkpasswd\"";
	default:
		return "is no hash that crypt(5) knows: make one with \"htpasswd -nB\" or "
		       "\"mkpasswd\"";
	}
}

/* ---- rules over keys ---- */

/* What upstreams are told of it, once and for all. */
void sl_check_consumer(struct sl_reader *r, json_t *value, void *to)
{
	struct sl_consumer *self = to;
	size_t room = 64 + 64 + 64 + self->groups_nr * 66u;
	char *mem = sl_reader_alloc(r, 1, room);
	struct sl_out o;

	if (!mem || !self->name)
		return;
	sl_out_init(&o, mem, room);
	sl_out_fmt(&o, "X-Consumer-Username: %s\r\n", self->name);
	for (unsigned i = 0; i < self->groups_nr; i++) {
		sl_out_str(&o, i ? SL_S(", ") : SL_S("X-Consumer-Groups: "));
		sl_out_str(&o, self->groups[i]);
	}
	if (self->groups_nr)
		sl_out_lit(&o, "\r\n");
	self->fields = sl_out_done(&o);
}

void sl_check_key_auth(struct sl_reader *r, json_t *value, void *to)
{
	struct sl_key_auth *self = to;

	if (!json_object_get(value, "header") && !json_object_get(value, "query") &&
	    !json_object_get(value, "cookie"))
		self->header = SL_S("x-api-key");
}

static uint64_t window_of(const struct sl_rate_limit *self)
{
	double seconds =
		(double)self->burst * (double)self->rate.per_ns / 1e9 / (double)self->rate.nr;
	uint64_t whole = (uint64_t)seconds;

	return whole + ((double)whole < seconds) ?: 1;
}

static void make_window(struct sl_reader *r, json_t *value, struct sl_rate_limit *self)
{
	if (json_object_get(value, "burst"))
		sl_reader_fault_member(r, "burst", "has no meaning with 'sliding_window'");
	if (self->rate.nr > SL_WINDOW_LIMIT_MAX)
		sl_reader_fault_member(r, "rate", "is more than %d, the most of a sliding window",
				       SL_WINDOW_LIMIT_MAX);
	self->burst = self->rate.nr;
	self->window = (struct sl_window){ self->rate.per_ns, (uint32_t)self->rate.nr };
	if (self->cost > self->burst)
		sl_reader_fault_member(r, "cost", "is more than the rate: no request would pass");
	self->window_s = self->rate.per_ns / SL_SEC;
}

void sl_check_rate_limit(struct sl_reader *r, json_t *value, void *to)
{
	struct sl_rate_limit *self = to;

	if (!self->rate.nr) {
		if (self->rate.per_ns) /* else it is at fault already */
			sl_reader_fault_member(r, "rate", "must be more than 0");
		return;
	}
	sl_check_subject(r, &self->subject);
	if (self->algorithm == SL_RATE_SLIDING_WINDOW) {
		make_window(r, value, self);
		return;
	}
	if (!self->burst)
		self->burst = self->rate.nr;
	if (self->cost > self->burst)
		sl_reader_fault_member(r, "cost", "is more than the burst: no request would pass");
	if (sl_rate_make(&self->rate, self->burst, &self->gcra) < 0)
		sl_reader_fault_member(r, "burst",
				       "takes longer than 4 h 48 min to come together at this "
				       "rate: make it smaller, or the rate larger");
	self->window_s = window_of(self);
}

void sl_check_concurrency_limit(struct sl_reader *r, json_t *value, void *to)
{
	struct sl_concurrency_limit *self = to;

	sl_check_subject(r, &self->subject);
}

void sl_check_quota(struct sl_reader *r, json_t *value, void *to)
{
	struct sl_quota *self = to;

	sl_check_subject(r, &self->subject);
	if (self->limit && self->cost > self->limit)
		sl_reader_fault_member(r, "cost", "is more than the limit: no request would pass");
}

void sl_check_policy(struct sl_reader *r, json_t *value, void *to)
{
	struct sl_policy *self = to;

#define SL_POLICY_CHOOSE(name)                                                                     \
	if (self->name)                                                                            \
		self->kind = &sl_policy_##name, self->conf = self->name;
	SL_POLICIES(SL_POLICY_CHOOSE)
#undef SL_POLICY_CHOOSE
}

static void fault_twice(struct sl_reader *r, const struct sl_consumer *consumer, const char *member,
			unsigned index, const char *what)
{
	sl_report_enter_member(&r->report, "consumers");
	sl_report_enter_member(&r->report, consumer->name);
	sl_report_enter_member(&r->report, member);
	sl_report_enter_element(&r->report, index);
	sl_report_fault(&r->report, "%s", what);
	for (int i = 0; i < 4; i++)
		sl_report_leave(&r->report);
}

static void fault_login(struct sl_reader *r, const struct sl_login *twice)
{
	const struct sl_rules *rules = r->rules;

	for (unsigned i = 0; i < rules->consumers_nr; i++) {
		const struct sl_consumer *c = &rules->consumers[i];

		if (twice >= c->logins && twice < c->logins + c->logins_nr)
			fault_twice(r, c, "basic_auth", (unsigned)(twice - c->logins),
				    "the same username is there before: nobody could tell whose it "
				    "is");
	}
}

static void fault_certificate(struct sl_reader *r, const struct sl_consumer_certificate *twice)
{
	const struct sl_rules *rules = r->rules;

	for (unsigned i = 0; i < rules->consumers_nr; i++) {
		const struct sl_consumer *c = &rules->consumers[i];

		if (twice >= c->certificates && twice < c->certificates + c->certificates_nr)
			fault_twice(r, c, "certificates", (unsigned)(twice - c->certificates),
				    "the same certificate is there before: nobody could tell whose "
				    "it is");
	}
}

static void fault_hmac_key(struct sl_reader *r, const struct sl_hmac_key *twice)
{
	const struct sl_rules *rules = r->rules;

	for (unsigned i = 0; i < rules->consumers_nr; i++) {
		const struct sl_consumer *c = &rules->consumers[i];

		if (twice >= c->hmac_keys && twice < c->hmac_keys + c->hmac_keys_nr)
			fault_twice(r, c, "hmac_keys", (unsigned)(twice - c->hmac_keys),
				    "the same id is there before: nobody could tell whose it is");
	}
}

static void make_hmac_keys(struct sl_reader *r)
{
	struct sl_rules *rules = r->rules;
	const struct sl_hmac_key *twice;

	rules->hmac_keys =
		sl_hmac_keys_new(&rules->arena, rules->consumers, rules->consumers_nr, &twice);
	if (twice)
		fault_hmac_key(r, twice);
	else if (!rules->hmac_keys)
		r->out_of_memory = true;
}

void sl_config_make_keys(struct sl_reader *r)
{
	struct sl_rules *rules = r->rules;
	struct sl_keyring_entry twice = { NULL, NULL };
	struct sl_roster_twice same;

	rules->roster = sl_roster_new(&rules->arena, rules->consumers, rules->consumers_nr, &same);
	rules->keys = sl_keyring_new(&rules->arena, rules->consumers, rules->consumers_nr, &twice);
	if (same.login)
		fault_login(r, same.login);
	else if (same.certificate)
		fault_certificate(r, same.certificate);
	else if (!rules->roster)
		r->out_of_memory = true;
	if (twice.consumer)
		fault_twice(r, twice.consumer, "api_keys",
			    (unsigned)(twice.key - twice.consumer->api_keys),
			    "the same key is there before: nobody could tell whose it is");
	else if (!rules->keys)
		r->out_of_memory = true;
	make_hmac_keys(r);
}
