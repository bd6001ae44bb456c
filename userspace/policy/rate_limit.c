// SPDX-License-Identifier: Apache-2.0
// Policy rate_limit.
#include "policy/rate_limit.h"

#include "policy/credit.h"

#define UNITS_A_SECOND (1000000000ull >> SL_GCRA_UNIT_SHIFT)

static const struct sl_refusal limited = {
	.status = 429,
	.error = "rate_limited",
	.detail = "Too many requests: come back later, as Retry-After says.",
	.offence = "limited",
};

/* ---- whose credit it is ---- */

static uint64_t hash_part(struct sl_sipkey secret, uint64_t so_far, const void *mem, size_t len)
{
	secret.k0 ^= so_far;
	return sl_siphash(secret, mem, len);
}

static uint64_t hash_client(struct sl_sipkey secret, uint64_t so_far, const struct sl_ip *ip)
{
	/* Whoever has one address of a /64 has them all (RFC 4291 2.5.4). */
	return hash_part(secret, so_far, ip->b, sl_ip_is_v4(ip) ? sizeof(ip->b) : 8);
}

static uint64_t hash_consumer(struct sl_sipkey secret, uint64_t so_far,
			      const struct sl_policy_call *call)
{
	if (!call->consumer)
		return hash_client(secret, so_far, call->client);
	return hash_part(secret, so_far, call->consumer->name, strlen(call->consumer->name));
}

static uint64_t hash_field(struct sl_sipkey secret, uint64_t so_far,
			   const struct sl_policy_call *call, struct sl_str name)
{
	for (unsigned i = 0; i < call->req->fields_nr; i++) {
		const struct sl_field *f = &call->req->fields[i];

		if (f->name_len == name.len &&
		    sl_str_ieq((struct sl_str){ f->name, f->name_len }, name))
			so_far = hash_part(secret, so_far, f->value, f->value_len);
	}
	return so_far;
}

static uint64_t hash_subject(const struct sl_rate_limit *conf, const struct sl_policy_call *call)
{
	struct sl_sipkey secret = call->credits->secret;
	uint64_t h = hash_part(secret, 0, &conf->id, sizeof(conf->id));

	if (conf->per & 1u << SL_SUBJECT_CLIENT)
		h = hash_client(secret, h, call->client);
	if (conf->per & 1u << SL_SUBJECT_KEY && call->key)
		h = hash_part(secret, h, call->key->sha256, sizeof(call->key->sha256));
	else if (conf->per & (1u << SL_SUBJECT_CONSUMER | 1u << SL_SUBJECT_KEY))
		h = hash_consumer(secret, h, call);
	if (conf->per & 1u << SL_SUBJECT_ROUTE)
		h = hash_part(secret, h, call->match->route->name,
			      strlen(call->match->route->name));
	return conf->header.len ? hash_field(secret, h, call, conf->header) : h;
}

/* ---- what the client is told ---- */

static uint64_t ceil_seconds(uint64_t units)
{
	return (units + UNITS_A_SECOND - 1) / UNITS_A_SECOND;
}

/* How many requests are left, rounded down. */
static uint64_t left_of(const struct sl_rate_limit *conf, uint64_t ahead)
{
	uint64_t room = conf->gcra.burst > ahead ? conf->gcra.burst - ahead : 0;
	uint64_t price = conf->gcra.period * conf->cost;

	return (room << SL_GCRA_PERIOD_SHIFT) / price;
}

/* The newest draft of the IETF's working group, "RateLimit header fields for HTTP", -08 to -11. */
static void put_draft(struct sl_out *o, const struct sl_rate_limit *conf, uint64_t ahead)
{
	sl_out_lit(o, "RateLimit-Policy: \"");
	sl_out_str(o, conf->name);
	sl_out_lit(o, "\";q=");
	sl_out_u64(o, conf->burst / conf->cost);
	sl_out_lit(o, ";w=");
	sl_out_u64(o, conf->window_s);
	sl_out_lit(o, "\r\nRateLimit: \"");
	sl_out_str(o, conf->name);
	sl_out_lit(o, "\";r=");
	sl_out_u64(o, left_of(conf, ahead));
	sl_out_lit(o, ";t=");
	sl_out_u64(o, ceil_seconds(ahead));
	sl_out_lit(o, "\r\n");
}

static void put_x(struct sl_out *o, const struct sl_rate_limit *conf, uint64_t ahead)
{
	sl_out_lit(o, "X-RateLimit-Limit: ");
	sl_out_u64(o, conf->burst / conf->cost);
	sl_out_lit(o, "\r\nX-RateLimit-Remaining: ");
	sl_out_u64(o, left_of(conf, ahead));
	sl_out_lit(o, "\r\nX-RateLimit-Reset: ");
	sl_out_u64(o, ceil_seconds(ahead));
	sl_out_lit(o, "\r\n");
}

/* When there will be credit for one more: never 0, which would mean now. */
static void put_retry(struct sl_out *o, const struct sl_rate_limit *conf, uint64_t ahead)
{
	uint64_t wanted = ahead + sl_gcra_cost(&conf->gcra, conf->cost);
	uint64_t wait = wanted > conf->gcra.burst ? ceil_seconds(wanted - conf->gcra.burst) : 1;

	sl_out_lit(o, "Retry-After: ");
	sl_out_u64(o, wait ? wait : 1);
	sl_out_lit(o, "\r\n");
}

static void tell(const struct sl_rate_limit *conf, struct sl_policy_call *call,
		 const struct sl_account *account, bool is_refused)
{
	bool tells_always = conf->headers <= SL_LIMIT_HEADERS_X;
	uint64_t ahead;

	if (conf->headers == SL_LIMIT_HEADERS_OFF || (!is_refused && !tells_always) ||
	    !sl_policy_want_fields(call))
		return;
	ahead = sl_account_ahead(account, &conf->gcra, sl_gcra_now(call->now_ns));
	if (conf->headers == SL_LIMIT_HEADERS_DRAFT)
		put_draft(&call->fields, conf, ahead);
	else if (conf->headers == SL_LIMIT_HEADERS_X)
		put_x(&call->fields, conf, ahead);
	if (is_refused)
		put_retry(&call->fields, conf, ahead);
}

static const struct sl_refusal *run(const void *policy, struct sl_policy_call *call)
{
	const struct sl_rate_limit *conf = policy;
	struct sl_account account = sl_account_of(call->credits, hash_subject(conf, call));
	bool is_refused;

	is_refused = sl_gcra_take(account.set, account.tag, &conf->gcra, conf->cost,
				  sl_gcra_now(call->now_ns)) == SL_GCRA_REFUSED;
	tell(conf, call, &account, is_refused);
	if (is_refused)
		return &limited;
	call->charges[call->charges_nr++] = (struct sl_charge){ account, &conf->gcra, conf->cost };
	return NULL;
}

const struct sl_policy_kind sl_policy_rate_limit = {
	.name = "rate_limit",
	.run = run,
};
