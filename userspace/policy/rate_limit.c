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
	uint64_t ahead;

	if (!sl_limit_tells(conf->headers, is_refused) || !sl_policy_want_fields(call))
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
	uint64_t subject = sl_subject_hash(&conf->subject, conf->id, call->credits->secret, call);
	struct sl_account account = sl_account_of(call->credits, subject);
	bool is_refused;

	is_refused = sl_gcra_take(account.set, account.tag, &conf->gcra, conf->cost,
				  sl_gcra_now(call->now_ns)) == SL_GCRA_REFUSED;
	tell(conf, call, &account, is_refused);
	if (is_refused)
		return &limited;
	call->charges[call->charges_nr++] =
		(struct sl_charge){ .account = account, .rate = &conf->gcra, .n = conf->cost };
	return NULL;
}

const struct sl_policy_kind sl_policy_rate_limit = {
	.name = "rate_limit",
	.run = run,
};
