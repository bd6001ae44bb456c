// SPDX-License-Identifier: Apache-2.0
// Policy any_of.
#include "policy/any_of.h"

#include <string.h>

/* What there was before an alternative was tried. */
struct mark {
	const struct sl_consumer *consumer;
	const struct sl_api_key *key;
	bool is_anonymous, has_token, owns_cors;
	struct sl_str scopes, token_groups, claims;
	struct sl_content_digest *content;
	uint64_t body_limit;
	unsigned charges_nr;
	size_t fields_len;
};

static size_t fields_len(const struct sl_policy_call *call)
{
	return call->fields.start ? sl_out_len(&call->fields) : 0;
}

static struct mark mark_of(const struct sl_policy_call *call)
{
	return (struct mark){
		.consumer = call->consumer,
		.key = call->key,
		.is_anonymous = call->is_anonymous,
		.has_token = call->has_token,
		.owns_cors = call->owns_cors,
		.scopes = call->scopes,
		.token_groups = call->token_groups,
		.claims = call->claims,
		.content = call->content,
		.body_limit = call->body_limit,
		.charges_nr = call->charges_nr,
		.fields_len = fields_len(call),
	};
}

/* Nothing that it found out or took counts.  Its lines stay: it may be the one that answers. */
static void go_back(struct sl_policy_call *call, const struct mark *mark)
{
	sl_policies_give_back(call, mark->charges_nr);
	call->consumer = mark->consumer;
	call->key = mark->key;
	call->is_anonymous = mark->is_anonymous;
	call->has_token = mark->has_token;
	call->owns_cors = mark->owns_cors;
	call->content = mark->content;
	call->body_limit = mark->body_limit;
	call->scopes = mark->scopes;
	call->token_groups = mark->token_groups;
	call->claims = mark->claims;
}

/* Lines of [from, until) are not for this answer. */
static void drop_fields(struct sl_policy_call *call, size_t from, size_t until)
{
	size_t all = fields_len(call);

	if (from == until)
		return;
	memmove(call->fields.start + from, call->fields.start + until, all - until);
	call->fields.pos = call->fields.start + from + (all - until);
}

static const struct sl_refusal *run_list(const struct sl_policy_list *list,
					 struct sl_policy_call *call)
{
	for (unsigned i = 0; i < list->policies_nr; i++) {
		const struct sl_policy *p = &list->policies[i];
		const struct sl_refusal *refusal = p->kind->run(p->conf, call);

		if (refusal)
			return refusal;
	}
	return NULL;
}

/* RFC 9110 11.6.1: whoever may prove who it is in several ways is told of each. */
static void put_challenges(struct sl_policy_call *call, const struct sl_refusal *answer,
			   const struct sl_refusal *const *all, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		bool is_told = all[i]->status != 401 || sl_str_eq(all[i]->fields, answer->fields);

		for (unsigned k = 0; k < i; k++)
			is_told |= sl_str_eq(all[i]->fields, all[k]->fields);
		if (!is_told && sl_policy_want_fields(call))
			sl_out_str(&call->fields, all[i]->fields);
	}
}

/* The answer is that of the alternative which came furthest: who is known and may not, or has no
 * credit left, learns more by that than by being asked who it is. */
static const struct sl_refusal *run(const void *policy, struct sl_policy_call *call)
{
	const struct sl_refusal *refusals[SL_ALTERNATIVES_MAX], *answer = NULL;
	const struct sl_any_of *conf = policy;
	struct mark before = mark_of(call);

	for (unsigned i = 0; i < conf->names_nr; i++) {
		struct mark mark = mark_of(call);

		refusals[i] = run_list(conf->lists[i], call);
		if (!refusals[i]) {
			drop_fields(call, before.fields_len, mark.fields_len);
			return NULL;
		}
		go_back(call, &mark);
		if (answer && answer->status >= refusals[i]->status) {
			drop_fields(call, mark.fields_len, fields_len(call));
			continue;
		}
		answer = refusals[i];
		drop_fields(call, before.fields_len, mark.fields_len);
	}
	if (answer && answer->status == 401)
		put_challenges(call, answer, refusals, conf->names_nr);
	return answer;
}

const struct sl_policy_kind sl_policy_any_of = {
	.name = "any_of",
	.run = run,
};
