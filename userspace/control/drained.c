// SPDX-License-Identifier: Apache-2.0
// Hands over which targets are drained or disabled: a line each, four words between tabs.
#include "control/drained.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/upgrade.h"
#include "upstream/state.h"

#define ENVIRONMENT "SLUICE_TARGETS"

enum { TEXT_MAX = 100 * 1024 }; /* execve(2) takes 128 KiB for a string */

/* ---- the old process ---- */

/* A path may have any byte in it; such a target is not handed over. */
static bool is_word(const char *text)
{
	return !strpbrk(text, "\t\n");
}

static enum sl_target_admin admin_of(const struct sl_rules *r, unsigned upstream, unsigned target)
{
	struct sl_target_status s;

	sl_upstream_status(r->states, upstream, target, sl_now_ns(), &s);
	return s.admin;
}

/* How many it has written. */
static unsigned write_upstream(FILE *f, const struct sl_rules *r, unsigned upstream)
{
	const struct sl_upstream_conf *u = &r->upstreams[upstream];
	unsigned nr = 0;

	for (unsigned k = 0; k < u->targets_nr && ftell(f) < TEXT_MAX; k++) {
		const struct sl_target_conf *t = &u->targets[k];
		enum sl_target_admin admin = admin_of(r, upstream, k);

		if (admin == SL_TARGET_READY || !is_word(t->name) || !is_word(t->key))
			continue;
		fprintf(f, "%s\t%s\t%s\t%s\n", u->name, t->name, t->key,
			sl_target_admin_name(admin));
		nr++;
	}
	return nr;
}

char *sl_drained_environment(const struct sl_daemon *d)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	unsigned nr = 0;
	bool is_good;

	if (!f)
		return NULL;
	fputs(ENVIRONMENT "=", f);
	for (unsigned i = 0; i < d->rules->upstreams_nr; i++)
		nr += write_upstream(f, d->rules, i);
	is_good = nr > 0 && ftell(f) < TEXT_MAX;
	if (nr > 0 && !is_good)
		sl_log_warn("upgrade",
			    "targets=%u effect=\"too many are out of service to be "
			    "told: they are in service again\"",
			    nr);
	if (fclose(f) == 0 && is_good)
		return text;
	free(text);
	return NULL;
}

/* ---- the new process ---- */

static bool find_admin(const char *word, enum sl_target_admin *ret_admin)
{
	static const enum sl_target_admin out[] = { SL_TARGET_DRAIN, SL_TARGET_DISABLED };

	for (unsigned i = 0; i < sizeof(out) / sizeof(*out); i++)
		if (strcmp(sl_target_admin_name(out[i]), word) == 0) {
			*ret_admin = out[i];
			return true;
		}
	return false;
}

static void take_out(const struct sl_rules *r, unsigned upstream, char *words[4])
{
	const struct sl_upstream_conf *u = &r->upstreams[upstream];
	enum sl_target_admin admin;

	for (unsigned k = 0; k < u->targets_nr; k++) {
		const struct sl_target_conf *t = &u->targets[k];

		if (strcmp(t->name, words[1]) != 0 || strcmp(t->key, words[2]) != 0 ||
		    !find_admin(words[3], &admin))
			continue;
		sl_upstream_set_admin(r->states, upstream, k, admin);
		sl_log_info("upstream.set", "upstream=%s target=%s state=%s", u->name, t->name,
			    words[3]);
	}
}

static void read_line(const struct sl_rules *r, char *line)
{
	char *words[4];

	for (unsigned i = 0; i < 4; i++)
		words[i] = strsep(&line, "\t");
	if (!words[3] || line)
		return;
	for (unsigned i = 0; i < r->upstreams_nr; i++)
		if (strcmp(r->upstreams[i].name, words[0]) == 0)
			take_out(r, i, words);
}

void sl_drained_inherit(struct sl_daemon *d)
{
	const char *text = getenv(ENVIRONMENT);
	char *copy = text && sl_upgrade_is_heir() ? strdup(text) : NULL, *rest = copy;

	while (rest)
		read_line(d->rules, strsep(&rest, "\n"));
	free(copy);
	unsetenv(ENVIRONMENT);
}
