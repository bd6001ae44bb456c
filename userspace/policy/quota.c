// SPDX-License-Identifier: Apache-2.0
// Policy quota.
#include "policy/quota.h"

#define DAY_S 86400ul

static const struct sl_refusal used_up = {
	.status = 429,
	.error = "quota_exceeded",
	.detail = "The quota is used up: come back later, as Retry-After says.",
	.offence = "limited",
};

static const uint32_t lengths_s[] = { 60, 3600, DAY_S, 30 * DAY_S };

/* ---- when a window ends ---- */

/* Days of four hundred years, of a year that is not the last of them and has not begun yet. */
#define ERA_DAYS 146097ul
#define YEAR_BEGINS(y) (365 * (y) + (y) / 4 - (y) / 100)

/* The day, of those since 1970, on which the next month begins.  Years are taken to begin with
 * March: the leap day is then the last of its year, and months have a rule (Hinnant,
 * "chrono-Compatible Low-Level Date Algorithms"). */
static uint64_t next_month(uint64_t day)
{
	uint64_t z = day + 719468, of_era = z % ERA_DAYS;
	uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	uint64_t of_year = of_era - YEAR_BEGINS(year), month = (5 * of_year + 2) / 153;

	if (month < 11)
		return day - of_year + (153 * (month + 1) + 2) / 5;
	return day - of_era + (year == 399 ? ERA_DAYS : YEAR_BEGINS(year + 1));
}

uint64_t sl_quota_end(enum sl_quota_every every, enum sl_quota_window window, uint64_t now_s)
{
	if (window == SL_QUOTA_ROLLING)
		return now_s + lengths_s[every];
	if (every == SL_QUOTA_MONTH)
		return next_month(now_s / DAY_S) * DAY_S;
	return (now_s / lengths_s[every] + 1) * lengths_s[every];
}

/* ---- what the client is told ---- */

static void put_draft(struct sl_out *o, const struct sl_quota *conf, uint32_t left, uint64_t wait_s)
{
	sl_out_lit(o, "RateLimit-Policy: \"");
	sl_out_str(o, conf->name);
	sl_out_lit(o, "\";q=");
	sl_out_u64(o, conf->limit / conf->cost);
	sl_out_lit(o, ";w=");
	sl_out_u64(o, lengths_s[conf->every]);
	sl_out_lit(o, "\r\nRateLimit: \"");
	sl_out_str(o, conf->name);
	sl_out_lit(o, "\";r=");
	sl_out_u64(o, left);
	sl_out_lit(o, ";t=");
	sl_out_u64(o, wait_s);
	sl_out_lit(o, "\r\n");
}

static void put_x(struct sl_out *o, const struct sl_quota *conf, uint32_t left, uint64_t wait_s)
{
	sl_out_lit(o, "X-RateLimit-Limit: ");
	sl_out_u64(o, conf->limit / conf->cost);
	sl_out_lit(o, "\r\nX-RateLimit-Remaining: ");
	sl_out_u64(o, left);
	sl_out_lit(o, "\r\nX-RateLimit-Reset: ");
	sl_out_u64(o, wait_s);
	sl_out_lit(o, "\r\n");
}

static void tell(const struct sl_quota *conf, struct sl_policy_call *call, const struct sl_use *use,
		 bool is_refused)
{
	uint64_t wait_s = use->end_s > call->wall_s ? use->end_s - call->wall_s : 1;
	uint32_t left;

	if (!sl_limit_tells(conf->headers, is_refused) || !sl_policy_want_fields(call))
		return;
	/* A reload may have made the limit less than what is used. */
	left = use->used < conf->limit ? (conf->limit - use->used) / conf->cost : 0;
	if (conf->headers == SL_LIMIT_HEADERS_DRAFT)
		put_draft(&call->fields, conf, left, wait_s);
	else if (conf->headers == SL_LIMIT_HEADERS_X)
		put_x(&call->fields, conf, left, wait_s);
	if (!is_refused)
		return;
	sl_out_lit(&call->fields, "Retry-After: ");
	sl_out_u64(&call->fields, wait_s);
	sl_out_lit(&call->fields, "\r\n");
}

static const struct sl_refusal *run(const void *policy, struct sl_policy_call *call)
{
	const struct sl_quota *conf = policy;
	uint64_t subject = sl_subject_hash(&conf->subject, conf->id, call->ledger->secret, call);
	struct sl_use use;
	bool is_taken;

	is_taken = sl_ledger_take(call->ledger, subject, call->wall_s,
				  sl_quota_end(conf->every, conf->window, call->wall_s),
				  conf->limit, conf->cost, &use);
	tell(conf, call, &use, !is_taken);
	if (!is_taken)
		return &used_up;
	call->charges[call->charges_nr++] =
		(struct sl_charge){ .subject = subject, .use = use, .n = conf->cost };
	return NULL;
}

const struct sl_policy_kind sl_policy_quota = {
	.name = "quota",
	.run = run,
};
