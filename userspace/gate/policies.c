// SPDX-License-Identifier: Apache-2.0
// Policies see a request through a struct of their own, which is filled and read here.
#include "gate/policies.h"

#include "tls/records.h"

static bool is_secure(const struct sl_exchange *x)
{
	const struct sl_field *f;

	if (x->client->tls || !x->is_peer_trusted)
		return x->client->tls;
	f = sl_head_find(&x->req, SL_FIELD_X_FORWARDED_PROTO);
	return f && sl_str_ieq(sl_field_value(f), SL_S("https"));
}

/* Until the exchange ends; of a request that was refused none are left. */
static void take_seats(struct sl_exchange *x, const struct sl_policy_call *call)
{
	for (unsigned i = 0; i < call->charges_nr; i++)
		if (call->charges[i].seat && x->seats_nr < SL_POLICY_SEATS_MAX)
			x->seats[x->seats_nr++] = call->charges[i].seat;
}

const struct sl_refusal *sl_policies_ask(struct sl_exchange *x)
{
	struct sl_worker *w = x->worker;
	struct sl_policy_call call;
	const struct sl_refusal *refusal;

	/* Not all of it: what is behind charges_nr is a kilobyte that nobody reads. */
	call.req = &x->req;
	call.uri = &x->uri;
	call.match = &x->match;
	call.client = &x->client_ip;
	call.is_secure = is_secure(x);
	call.certificate = x->client->tls ? x->client->tls->client : NULL;
	call.arena = &x->arena;
	call.now_ns = w->loop.now_ns;
	sl_wall_date(&w->wall, w->loop.now_ns); /* it moves the clock on */
	call.wall_s = w->wall.epoch_s;
	call.loop = &w->loop;
	call.digest = w->digest;
	call.verdicts = w->verdicts;
	call.passwords = w->shared->passwords;
	call.credits = w->shared->credits;
	call.ledger = w->shared->ledger;
	call.seats = w->shared->seats;
	call.windows = w->shared->windows;
	call.keys = x->rules->keys;
	call.roster = x->rules->roster;
	call.kept = w->shared->kept;
	call.tokens = w->tokens;
	call.hmac_keys = x->rules->hmac_keys;
	call.seen = w->shared->seen;
	call.consumer = NULL;
	call.key = NULL;
	call.is_anonymous = false;
	call.takes_token = false;
	call.has_token = false;
	call.has_signed = false;
	call.content = NULL;
	call.scopes = call.token_groups = call.claims = (struct sl_str){ NULL, 0 };
	call.fields = (struct sl_out){ .start = NULL };
	call.answer_fields = SL_S("");
	call.owns_cors = false;
	call.body_limit = 0;
	call.charges_nr = 0;
	refusal = sl_policies_run(x->match.route->policies, x->match.route->policies_nr, &call);
	x->consumer = call.consumer;
	x->key = call.key;
	x->is_anonymous = call.is_anonymous;
	x->client->key_mark = call.key ? sl_api_key_mark(call.key) : 0;
	take_seats(x, &call);
	x->refusal_fields = call.answer_fields;
	x->owns_cors = call.owns_cors;
	if (call.body_limit && (!x->body_limit || call.body_limit < x->body_limit))
		x->body_limit = call.body_limit;
	x->has_token = call.has_token;
	x->content = call.content;
	if (call.fields.start && !call.fields.overflow)
		x->policy_fields = sl_out_done(&call.fields);
	return refusal;
}

#define KEY_LINE "X-Credential-Identifier: "
#define NOBODY_LINE "X-Anonymous-Consumer: true\r\n"

size_t sl_policies_fields_len(const struct sl_exchange *x)
{
	size_t n = x->policy_fields.len + sizeof(KEY_LINE) + sizeof(NOBODY_LINE);

	if (x->consumer)
		n += x->consumer->fields.len;
	return x->key ? n + x->key->id.len : n;
}

/* Whether anybody has been asked who it is. */
static bool is_identified(const struct sl_route *route)
{
	for (unsigned i = 0; i < route->policies_nr; i++)
		if (route->policies[i]->identifies)
			return true;
	return false;
}

void sl_policies_put_consumer(const struct sl_exchange *x, struct sl_out *o)
{
	if (!x->consumer) {
		if (!x->has_token && is_identified(x->match.route))
			sl_out_lit(o, NOBODY_LINE);
		return;
	}
	sl_out_str(o, x->consumer->fields);
	if (x->is_anonymous)
		sl_out_lit(o, NOBODY_LINE);
	if (!x->key || !x->key->id.len)
		return;
	sl_out_lit(o, KEY_LINE);
	sl_out_str(o, x->key->id);
	sl_out_lit(o, "\r\n");
}
