// SPDX-License-Identifier: Apache-2.0
// Policy rate_limit.
#include "policy/rate_limit.h"

#include "base/clock.h"
#include "policy/credit.h"

#define UNITS_A_SECOND (1000000000ull >> SL_GCRA_UNIT_SHIFT)

static const struct sl_refusal limited = {
	.status = 429,
	.error = "rate_limited",
	.detail = "Too many requests: come back later, as Retry-After says.",
	.offence = "limited",
};

/* Of a subject, behind this request: requests and seconds, rounded down and up. */
struct standing {
	uint64_t left;
	uint64_t reset_s; /* until all of it is left */
	uint64_t retry_s; /* until one is */
};

/* ---- what the client is told ---- */

/* The newest draft of the IETF's working group, "RateLimit header fields for HTTP", -08 to -11. */
static void put_draft(struct sl_out *o, const struct sl_rate_limit *conf, const struct standing *s)
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
	sl_out_u64(o, s->left);
	sl_out_lit(o, ";t=");
	sl_out_u64(o, s->reset_s);
	sl_out_lit(o, "\r\n");
}

static void put_x(struct sl_out *o, const struct sl_rate_limit *conf, const struct standing *s)
{
	sl_out_lit(o, "X-RateLimit-Limit: ");
	sl_out_u64(o, conf->burst / conf->cost);
	sl_out_lit(o, "\r\nX-RateLimit-Remaining: ");
	sl_out_u64(o, s->left);
	sl_out_lit(o, "\r\nX-RateLimit-Reset: ");
	sl_out_u64(o, s->reset_s);
	sl_out_lit(o, "\r\n");
}

static void put(const struct sl_rate_limit *conf, struct sl_policy_call *call,
		const struct standing *s, bool is_refused)
{
	if (conf->headers == SL_LIMIT_HEADERS_DRAFT)
		put_draft(&call->fields, conf, s);
	else if (conf->headers == SL_LIMIT_HEADERS_X)
		put_x(&call->fields, conf, s);
	if (!is_refused)
		return;
	sl_out_lit(&call->fields, "Retry-After: ");
	sl_out_u64(&call->fields, s->retry_s ? s->retry_s : 1); /* 0 would mean now */
	sl_out_lit(&call->fields, "\r\n");
}

static bool has_to_tell(const struct sl_rate_limit *conf, struct sl_policy_call *call,
			bool is_refused)
{
	return sl_limit_tells(conf->headers, is_refused) && sl_policy_want_fields(call);
}

/* ---- by GCRA ---- */

static uint64_t ceil_seconds(uint64_t units)
{
	return (units + UNITS_A_SECOND - 1) / UNITS_A_SECOND;
}

static void tell_gcra(const struct sl_rate_limit *conf, struct sl_policy_call *call,
		      const struct sl_account *account, bool is_refused)
{
	uint64_t burst = conf->gcra.burst, ahead, wanted;
	struct standing s = { 0 };

	if (!has_to_tell(conf, call, is_refused))
		return;
	ahead = sl_account_ahead(account, &conf->gcra, sl_gcra_now(call->now_ns));
	wanted = ahead + sl_gcra_cost(&conf->gcra, conf->cost);
	if (burst > ahead)
		s.left = ((burst - ahead) << SL_GCRA_PERIOD_SHIFT) /
			 (conf->gcra.period * conf->cost);
	s.reset_s = ceil_seconds(ahead);
	if (wanted > burst)
		s.retry_s = ceil_seconds(wanted - burst);
	put(conf, call, &s, is_refused);
}

static const struct sl_refusal *take_gcra(const struct sl_rate_limit *conf,
					  struct sl_policy_call *call)
{
	uint64_t subject = sl_subject_hash(&conf->subject, conf->id, call->credits->secret, call);
	struct sl_account account = sl_account_of(call->credits, subject);
	bool is_refused;

	is_refused = sl_gcra_take(account.set, account.tag, &conf->gcra, conf->cost,
				  sl_gcra_now(call->now_ns)) == SL_GCRA_REFUSED;
	tell_gcra(conf, call, &account, is_refused);
	if (is_refused)
		return &limited;
	call->charges[call->charges_nr++] =
		(struct sl_charge){ .account = account, .rate = &conf->gcra, .n = conf->cost };
	return NULL;
}

/* ---- by a sliding window ---- */

static void tell_window(const struct sl_rate_limit *conf, struct sl_policy_call *call,
			const struct sl_window_use *use, bool is_refused)
{
	uint64_t reset_ns, wait_ns;
	struct standing s;

	if (!has_to_tell(conf, call, is_refused))
		return;
	reset_ns = sl_window_reset_ns(&conf->window, use);
	wait_ns = sl_window_wait_ns(&conf->window, use, (uint32_t)conf->cost);
	s.left = sl_window_left(&conf->window, use) / conf->cost;
	s.reset_s = (reset_ns + SL_SEC - 1) / SL_SEC;
	s.retry_s = (wait_ns + SL_SEC - 1) / SL_SEC;
	put(conf, call, &s, is_refused);
}

static const struct sl_refusal *take_window(const struct sl_rate_limit *conf,
					    struct sl_policy_call *call)
{
	uint64_t subject = sl_subject_hash(&conf->subject, conf->id, call->windows->secret, call);
	struct sl_window_use use;
	bool is_taken = sl_windows_take(call->windows, subject, &conf->window, (uint32_t)conf->cost,
					call->now_ns, &use);

	tell_window(conf, call, &use, !is_taken);
	if (!is_taken)
		return &limited;
	call->charges[call->charges_nr++] = (struct sl_charge){
		.window = &conf->window, .window_use = use, .subject = subject, .n = conf->cost
	};
	return NULL;
}

static const struct sl_refusal *run(const void *policy, struct sl_policy_call *call)
{
	const struct sl_rate_limit *conf = policy;

	if (conf->algorithm == SL_RATE_SLIDING_WINDOW)
		return take_window(conf, call);
	return take_gcra(conf, call);
}

const struct sl_policy_kind sl_policy_rate_limit = {
	.name = "rate_limit",
	.run = run,
};
