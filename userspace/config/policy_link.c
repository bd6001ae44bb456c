// SPDX-License-Identifier: Apache-2.0
// Policies find what they name, and routes which policies they ask.
#include <stdio.h>
#include <string.h>

#include "base/siphash.h"
#include "config/check.h"
#include "policy/anonymous.h"
#include "policy/any_of.h"
#include "policy/concurrency_limit.h"
#include "policy/jwt.h"
#include "policy/key_auth.h"
#include "policy/mtls.h"
#include "policy/quota.h"
#include "policy/rate_limit.h"
#include "policy/require.h"
#include "policy/roster.h"

/* The same after a reload: credits go by it. */
static uint64_t id_of(const char *kind, const char *name, unsigned index)
{
	static const struct sl_sipkey any = { 0, 0 };
	struct sl_sipkey key = { sl_siphash(any, kind, strlen(kind)), index };

	return sl_siphash(key, name, strlen(name));
}

/* Another period has another credit: what is used of a day says nothing of a month. */
static void name_quota(struct sl_reader *r, struct sl_quota *quota, const char *name, uint64_t id)
{
	static const char *const every[] = { "minute", "hour", "day", "month" };
	size_t room = strlen(name) + sizeof("-minute");
	char *mem = sl_reader_alloc(r, 1, room);

	if (!mem)
		return;
	quota->name = (struct sl_str){ mem, (size_t)snprintf(mem, room, "%s-%s", name,
							     every[quota->every]) };
	quota->id = id ^ (uint64_t)(quota->every * 2 + quota->window + 1);
	r->rules->has_quota = true;
}

static void name_limits(struct sl_reader *r, struct sl_policy *policies, unsigned nr,
			const char *kind, const char *name)
{
	for (unsigned i = 0; i < nr; i++) {
		uint64_t id = id_of(kind, name, i);

		if (policies[i].rate_limit) {
			policies[i].rate_limit->name = sl_str_of(name);
			policies[i].rate_limit->id = id;
		}
		if (policies[i].concurrency_limit)
			policies[i].concurrency_limit->id = id;
		if (policies[i].quota)
			name_quota(r, policies[i].quota, name, id);
	}
}

static const struct sl_jwt *token_of(const struct sl_policy *p)
{
	return p->oidc ? &p->oidc->jwt : p->jwt;
}

/* A secret in a query is hidden in logs wherever its name is known. */
static void redact_queries(struct sl_reader *r, const struct sl_policy *policies, unsigned nr)
{
	struct sl_redact *redact = &r->rules->logs.redact;

	for (unsigned i = 0; i < nr; i++) {
		struct sl_str *names, name = { NULL, 0 };

		if (policies[i].key_auth)
			name = policies[i].key_auth->query;
		else if (token_of(&policies[i]))
			name = token_of(&policies[i])->query;
		if (!name.len)
			continue;
		names = sl_reader_alloc(r, redact->names_nr + 1, sizeof(*names));
		if (!names)
			return;
		if (redact->names_nr)
			memcpy(names, redact->names, redact->names_nr * sizeof(*names));
		names[redact->names_nr++] = name;
		redact->names = names;
	}
	sl_redact_index(redact);
}

static const struct sl_policy_list *find_list(const struct sl_rules *rules, const char *name)
{
	for (unsigned i = 0; i < rules->policies_nr; i++)
		if (strcmp(rules->policies[i].name, name) == 0)
			return &rules->policies[i];
	return NULL;
}

/* ---- policies that name others ---- */

static void fault_no_list(struct sl_reader *r, const char *name)
{
	sl_report_fault(&r->report, "there is no list '%.64s' in 'policies'", name);
}

/* What it changes, it would change for all. */
static bool is_for_all(struct sl_reader *r, const struct sl_policy_list *list)
{
	for (unsigned i = 0; i < list->policies_nr; i++)
		if (list->policies[i].headers || list->policies[i].request_id) {
			sl_report_fault(
				&r->report,
				"the list '%.64s' has a '%s', which is for all requests of a route",
				list->name, list->policies[i].kind->name);
			return true;
		}
	return false;
}

/* One level: an alternative has no alternatives, and so nothing goes round in circles. */
static const struct sl_policy_list *find_alternative(struct sl_reader *r, const char *name)
{
	const struct sl_policy_list *list = find_list(r->rules, name);

	if (!list)
		fault_no_list(r, name);
	if (list && is_for_all(r, list))
		return NULL;
	for (unsigned i = 0; list && i < list->policies_nr; i++)
		if (list->policies[i].any_of) {
			sl_report_fault(&r->report, "the list '%.64s' has an 'any_of' itself",
					name);
			return NULL;
		}
	return list;
}

static bool list_identifies(const struct sl_policy_list *list)
{
	for (unsigned i = 0; i < list->policies_nr; i++)
		if (list->policies[i].kind->identifies)
			return true;
	return false;
}

static void link_any_of(struct sl_reader *r, struct sl_policy *policy)
{
	struct sl_any_of *any = policy->any_of;

	any->lists = sl_reader_alloc(r, any->names_nr, sizeof(*any->lists));
	policy->identifies = true;
	for (unsigned i = 0; any->lists && i < any->names_nr; i++) {
		any->lists[i] = find_alternative(r, any->names[i].ptr);
		policy->identifies &= any->lists[i] && list_identifies(any->lists[i]);
	}
}

static void link_anonymous(struct sl_reader *r, struct sl_anonymous *conf)
{
	conf->who = sl_roster_find(r->rules->roster, conf->consumer);
	if (!conf->who)
		sl_report_fault(&r->report, "there is no consumer '%.64s' in 'consumers'",
				conf->consumer.ptr);
}

/* On all others nothing would pass: no certificate is ever shown. */
static void check_certificates(struct sl_reader *r, const struct sl_policy *policy)
{
	const struct sl_rules *rules = r->rules;

	const struct sl_jwt *token = token_of(policy);

	if (!policy->mtls && !(token && token->certificate_bound))
		return;
	for (unsigned i = 0; i < rules->listeners_nr; i++)
		if (rules->listeners[i].tls && rules->listeners[i].tls->client_ca)
			return;
	sl_report_fault(&r->report, "no listener asks clients for certificates: 'client_ca' in its "
				    "'tls'");
}

static void link_policy(struct sl_reader *r, struct sl_policy *policy)
{
	check_certificates(r, policy);
	policy->identifies = policy->kind && policy->kind->identifies;
	r->rules->has_hmac |= policy->hmac != NULL;
	if (policy->any_of)
		link_any_of(r, policy);
	if (policy->anonymous)
		link_anonymous(r, policy->anonymous);
}

static void link_all(struct sl_reader *r, struct sl_policy *policies, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		sl_report_enter_element(&r->report, i);
		link_policy(r, &policies[i]);
		sl_report_leave(&r->report);
	}
}

/* ---- what a route asks ---- */

static void append(struct sl_reader *r, struct sl_route *route, const struct sl_policy *policies,
		   unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		if (route->policies_nr == SL_POLICIES_MAX) {
			sl_report_fault(&r->report, "the route asks more than %d policies",
					SL_POLICIES_MAX);
			return;
		}
		if (!sl_config_link_headers(r, route, &policies[i]))
			route->policies[route->policies_nr++] = &policies[i];
	}
}

static void append_written(struct sl_reader *r, struct sl_route *route,
			   const struct sl_policy *policy)
{
	const struct sl_policy_list *list;

	if (!policy->use) {
		append(r, route, policy, 1);
		return;
	}
	list = find_list(r->rules, policy->use);
	if (list)
		append(r, route, list->policies, list->policies_nr);
	else
		fault_no_list(r, policy->use);
}

static bool stands_first(struct sl_reader *r, const struct sl_policy *policy)
{
	if (!policy->kind->asks_who || (policy->require && !policy->require->asks_who))
		return false;
	sl_report_fault(&r->report,
			"'%s' stands before any policy that finds out who asks, such as 'key_auth'",
			policy->kind->name);
	return true;
}

/* In an alternative too somebody has to have been found out before it is asked who it is. */
static bool check_alternatives(struct sl_reader *r, const struct sl_any_of *any)
{
	for (unsigned i = 0; i < any->names_nr; i++) {
		const struct sl_policy_list *list = any->lists[i];

		for (unsigned k = 0; k < list->policies_nr && !list->policies[k].identifies; k++)
			if (stands_first(r, &list->policies[k]))
				return false;
	}
	return true;
}

static unsigned count_of(const struct sl_policy *policy)
{
	unsigned most = 1;

	for (unsigned i = 0; policy->any_of && i < policy->any_of->names_nr; i++)
		if (policy->any_of->lists[i]->policies_nr > most)
			most = policy->any_of->lists[i]->policies_nr;
	return most;
}

static unsigned seats_in(const struct sl_policy *policies, unsigned nr)
{
	unsigned seats = 0;

	for (unsigned i = 0; i < nr; i++)
		seats += policies[i].concurrency_limit != NULL;
	return seats;
}

static unsigned seats_of(const struct sl_policy *policy)
{
	unsigned most = seats_in(policy, 1);

	for (unsigned i = 0; policy->any_of && i < policy->any_of->names_nr; i++) {
		const struct sl_policy_list *list = policy->any_of->lists[i];
		unsigned seats = seats_in(list->policies, list->policies_nr);

		most = seats > most ? seats : most;
	}
	return most;
}

static void check_asked(struct sl_reader *r, const struct sl_route *route)
{
	bool is_identified = false;
	unsigned nr = 0, seats = 0;

	for (unsigned i = 0; i < route->policies_nr; i++)
		seats += seats_of(route->policies[i]);
	if (seats > SL_POLICY_SEATS_MAX)
		sl_report_fault(&r->report, "the route asks more than %d of 'concurrency_limit'",
				SL_POLICY_SEATS_MAX);
	for (unsigned i = 0; i < route->policies_nr; i++) {
		const struct sl_policy *policy = route->policies[i];

		nr += count_of(policy);
		is_identified |= policy->identifies;
		if (is_identified)
			continue;
		if (stands_first(r, policy) ||
		    (policy->any_of && !check_alternatives(r, policy->any_of)))
			return;
	}
	if (nr > SL_POLICIES_MAX)
		sl_report_fault(&r->report, "the route asks more than %d policies",
				SL_POLICIES_MAX);
}

static bool may_find_token(const struct sl_policy *policy)
{
	for (unsigned i = 0; policy->any_of && i < policy->any_of->names_nr; i++)
		for (unsigned k = 0; k < policy->any_of->lists[i]->policies_nr; k++)
			if (token_of(&policy->any_of->lists[i]->policies[k]))
				return true;
	return token_of(policy) != NULL;
}

static bool counts_by_claim(const struct sl_policy *p)
{
	return (p->rate_limit && p->rate_limit->subject.claim.len) ||
	       (p->quota && p->quota->subject.claim.len) ||
	       (p->concurrency_limit && p->concurrency_limit->subject.claim.len);
}

/* Nobody else brings scopes: nothing would pass, and limits would count by address alone. */
static void check_scopes(struct sl_reader *r, const struct sl_route *route)
{
	for (unsigned i = 0; i < route->policies_nr; i++) {
		const struct sl_policy *policy = route->policies[i];

		if (may_find_token(policy))
			return;
		if (counts_by_claim(policy)) {
			sl_report_fault(
				&r->report,
				"'%s' counts by a claim before any 'jwt' that could have found it",
				policy->kind->name);
			return;
		}
		if (!policy->require || !policy->require->asks_token)
			continue;
		sl_report_fault(&r->report,
				"'require' wants scopes%s before any 'jwt' that could "
				"have found some",
				policy->require->scopes_nr ? "" : " or claims");
		return;
	}
}

static void link_route(struct sl_reader *r, struct sl_route *route)
{
	route->policies = sl_reader_alloc(r, SL_POLICIES_MAX, sizeof(struct sl_policy *));
	if (!route->policies)
		return;
	name_limits(r, route->asked, route->asked_nr, "route", route->name);
	sl_report_enter_member(&r->report, "routes");
	sl_report_enter_element(&r->report, (unsigned)(route - r->rules->routes));
	sl_report_enter_member(&r->report, "policies");
	link_all(r, route->asked, route->asked_nr);
	for (unsigned i = 0; i < route->asked_nr; i++) {
		sl_report_enter_element(&r->report, i);
		append_written(r, route, &route->asked[i]);
		sl_report_leave(&r->report);
	}
	if (r->report.count == 0 && !r->out_of_memory)
		check_asked(r, route);
	if (r->report.count == 0 && !r->out_of_memory)
		check_scopes(r, route);
	sl_report_leave(&r->report);
	sl_report_leave(&r->report);
	sl_report_leave(&r->report);
	redact_queries(r, route->asked, route->asked_nr);
}

static void link_list(struct sl_reader *r, struct sl_policy_list *list)
{
	name_limits(r, list->policies, list->policies_nr, "list", list->name);
	redact_queries(r, list->policies, list->policies_nr);
	sl_report_enter_member(&r->report, "policies");
	sl_report_enter_member(&r->report, list->name);
	link_all(r, list->policies, list->policies_nr);
	sl_report_leave(&r->report);
	sl_report_leave(&r->report);
}

void sl_config_link_policies(struct sl_reader *r)
{
	struct sl_rules *rules = r->rules;

	for (unsigned i = 0; i < rules->policies_nr; i++)
		link_list(r, &rules->policies[i]);
	for (unsigned i = 0; i < rules->routes_nr; i++)
		if (rules->routes[i].asked_nr)
			link_route(r, &rules->routes[i]);
}
