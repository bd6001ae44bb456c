// SPDX-License-Identifier: Apache-2.0
// Looks at the files of certificates, keys and key sets: when they changed, they are read again.
#include "control/watch.h"

#include <errno.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/reload.h"
#include "policy/jwt.h"
#include "tls/files.h"

enum { LOOK_MS = 1000 };

struct prints {
	uint64_t in_use, now;
};

static struct prints take_prints(const struct sl_rules *rules)
{
	struct prints p = { 0, 0 };

	for (unsigned i = 0; i < rules->listeners_nr; i++) {
		const struct sl_tls_conf *conf = rules->listeners[i].tls;

		if (!conf)
			continue;
		/* Multiplied, so that the same change at two listeners is not none. */
		p.in_use = p.in_use * 31 + conf->files_print;
		p.now = p.now * 31 + sl_tls_files_print(conf);
	}
	for (const struct sl_tls_origin_conf *o = rules->origins; o; o = o->next) {
		p.in_use = p.in_use * 31 + o->files_print;
		p.now = p.now * 31 + sl_tls_origin_files_print(o);
	}
	for (const struct sl_jwks_file *f = rules->jwks; f; f = f->next) {
		if (!f->path)
			continue; /* its thread says when there is another */
		p.in_use = p.in_use * 31 + f->print;
		p.now = p.now * 31 + sl_tls_file_print(0, f->path);
	}
	return p;
}

/* A pair is two files: it is read when a second has gone by without another change, and what was
 * no good then is not tried again until there is one. */
static bool is_due(struct sl_file_watch *w, const struct prints *p)
{
	bool is_settled = p->now == w->seen;

	w->seen = p->now;
	if (p->now == p->in_use) {
		w->refused = 0;
		return false;
	}
	return is_settled && p->now != w->refused;
}

void sl_daemon_watch(struct sl_daemon *d)
{
	struct sl_file_watch *w = &d->file_watch;
	uint64_t now_ns = sl_now_ns();
	struct prints p;

	/* Without TLS and tokens there are no such files. */
	if (!(d->rules->tickets || d->rules->origins || d->rules->jwks) || now_ns < w->next_ns)
		return;
	w->next_ns = now_ns + LOOK_MS * SL_MS;
	p = take_prints(d->rules);
	if (!is_due(w, &p))
		return;
	sl_log_info("tls.files_changed", "effect=\"they are read again\"");
	w->refused = p.now;
	if (sl_daemon_refresh(d) == -EINVAL)
		d->refresh_ns = 0; /* it would be refused again */
	else
		w->refused = 0;
}
