// SPDX-License-Identifier: Apache-2.0
// Commands "upstream show", "upstream drain", "upstream disable" and "upstream enable".
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/report.h"
#include "control/command.h"
#include "upstream/failure.h"
#include "upstream/state.h"

/* ---- show ---- */

/* One word for a glance; the facts follow. */
static const char *state_of(const struct sl_target_status *s)
{
	if (s->admin != SL_TARGET_READY)
		return sl_target_admin_name(s->admin);
	if (!s->is_healthy)
		return "unhealthy";
	if (s->ejected_ns)
		return "ejected";
	return s->failing_ns ? "failing" : "ready";
}

static void add_failure(json_t *item, const struct sl_target_status *s)
{
	if (s->failing_ns)
		json_object_set_new(item, "failing_ms",
				    json_integer((json_int_t)(s->failing_ns / SL_MS)));
	if (!s->last_error_ns)
		return;
	json_object_set_new(item, "last_error", json_string(sl_failure_word(s->last_error)));
	json_object_set_new(item, "last_error_ms",
			    json_integer((json_int_t)(s->last_error_ns / SL_MS)));
}

static json_t *make_target(const struct sl_rules *r, unsigned upstream, unsigned target)
{
	const struct sl_target_conf *conf = &r->upstreams[upstream].targets[target];
	struct sl_target_status s;
	json_t *item = json_object();

	sl_upstream_status(r->states, upstream, target, sl_now_ns(), &s);
	json_object_set_new(item, "name", json_string(conf->name));
	json_object_set_new(item, "address", sl_command_addr(&conf->address));
	json_object_set_new(item, "state", json_string(state_of(&s)));
	json_object_set_new(item, "weight", json_integer(conf->weight));
	json_object_set_new(item, "in_flight", json_integer((json_int_t)s.in_flight));
	json_object_set_new(item, "connections", json_integer((json_int_t)s.connections));
	json_object_set_new(item, "requests", json_integer((json_int_t)s.requests));
	json_object_set_new(item, "failures", json_integer((json_int_t)s.failures));
	json_object_set_new(item, "checks", json_integer((json_int_t)s.checks));
	json_object_set_new(item, "checks_failed", json_integer((json_int_t)s.checks_failed));
	json_object_set_new(item, "ejected_ms", json_integer((json_int_t)(s.ejected_ns / SL_MS)));
	add_failure(item, &s);
	return item;
}

json_t *sl_command_upstreams(struct sl_daemon *d, const struct sl_command_args *args)
{
	const struct sl_rules *r = d->rules;
	json_t *list = json_array();

	for (unsigned i = 0; i < r->upstreams_nr; i++) {
		json_t *targets = json_array();

		for (unsigned k = 0; k < r->upstreams[i].targets_nr; k++)
			json_array_append_new(targets, make_target(r, i, k));
		json_array_append_new(list, json_pack("{s:s,s:o}", "name", r->upstreams[i].name,
						      "targets", targets));
	}
	return json_pack("{s:o}", "upstreams", list);
}

/* ---- drain, disable, enable ---- */

/* "TARGET" in every upstream, or "UPSTREAM/TARGET"; what follows the name of this upstream. */
static const char *in_upstream(const char *word, const char *upstream)
{
	size_t n = strlen(upstream);

	return strncmp(word, upstream, n) == 0 && word[n] == '/' ? word + n + 1 : word;
}

static bool is_meant(const struct sl_target_conf *t, const char *word)
{
	return strcmp(t->name, word) == 0 || strcmp(t->key, word) == 0;
}

/* The target whose name is nearest is named: never the word, which may be any bytes. */
static json_t *no_such_target(const struct sl_rules *r, const char *word)
{
	const struct sl_report no_faults = { 0 };
	unsigned distance = sl_suggest_limit(&no_faults, sl_str_of(word));
	const char *best = NULL;
	char text[256];

	for (unsigned i = 0; i < r->upstreams_nr; i++) {
		const struct sl_upstream_conf *u = &r->upstreams[i];
		struct sl_str target = sl_str_of(in_upstream(word, u->name));

		for (unsigned k = 0; k < u->targets_nr; k++)
			if (sl_suggest_is_nearer(target, u->targets[k].name, &distance))
				best = u->targets[k].name;
	}
	if (!best)
		return sl_command_error("no upstream has such a target");
	snprintf(text, sizeof(text), "no upstream has such a target; did you mean '%.128s'?", best);
	return sl_command_error(text);
}

static json_t *set_all(struct sl_daemon *d, const char *word, enum sl_target_admin admin)
{
	const struct sl_rules *r = d->rules;
	int nr = 0;

	for (unsigned i = 0; i < r->upstreams_nr; i++) {
		const struct sl_upstream_conf *u = &r->upstreams[i];
		const char *target = in_upstream(word, u->name);

		for (unsigned k = 0; k < u->targets_nr; k++) {
			if (!is_meant(&u->targets[k], target))
				continue;
			sl_upstream_set_admin(r->states, i, k, admin);
			sl_log_info("upstream.set", "upstream=%s target=%s state=%s", u->name,
				    u->targets[k].name, sl_target_admin_name(admin));
			nr++;
		}
	}
	return nr ? json_pack("{s:i,s:s}", "targets", nr, "state", sl_target_admin_name(admin))
		  : no_such_target(r, word);
}

json_t *sl_command_drain(struct sl_daemon *d, const struct sl_command_args *args)
{
	return set_all(d, args->word[0], SL_TARGET_DRAIN);
}

json_t *sl_command_disable(struct sl_daemon *d, const struct sl_command_args *args)
{
	return set_all(d, args->word[0], SL_TARGET_DISABLED);
}

json_t *sl_command_enable(struct sl_daemon *d, const struct sl_command_args *args)
{
	return set_all(d, args->word[0], SL_TARGET_READY);
}
