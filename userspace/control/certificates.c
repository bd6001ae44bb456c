// SPDX-License-Identifier: Apache-2.0
// Until when certificates are good: warned of in time, and told to scrapers.
#include "control/certificates.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "observe/metrics.h"
#include "tls/shown.h"

enum {
	LOOK_SECONDS = 10,
	DAY_SECONDS = 86400,
	SOON_SECONDS = 14 * DAY_SECONDS,
	WARNINGS_MAX = 32, /* at once: a thousand say no more */
};

/* ---- which there are ---- */

static void fill(struct sl_certificate *ret, const struct sl_listener_conf *l, unsigned i)
{
	ret->listener = l->name;
	ret->index = i;
	ret->conf = &l->tls->certificates[i];
	ret->pair = sl_tls_server_pair(l->tls->server, i, &ret->ocsp);
	ret->until_s = sl_tls_pair_until(ret->pair);
}

bool sl_certificate_at(const struct sl_rules *r, unsigned i, struct sl_certificate *ret)
{
	for (unsigned k = 0; k < r->listeners_nr; k++) {
		const struct sl_listener_conf *l = &r->listeners[k];

		if (!l->tls)
			continue;
		if (i < l->tls->certificates_nr) {
			fill(ret, l, i);
			return true;
		}
		i -= l->tls->certificates_nr;
	}
	return false;
}

static void take_first(void *arg, const char *name, size_t len)
{
	char *to = arg;

	if (to[0] || len >= SL_CERTIFICATE_NAME_MAX)
		return;
	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return;
	memcpy(to, name, len);
	to[len] = '\0';
}

void sl_certificate_name(const struct sl_certificate *c, char to[SL_CERTIFICATE_NAME_MAX])
{
	char subject[SL_TLS_NAME_MAX];

	to[0] = '\0';
	sl_tls_pair_names(c->pair, take_first, to);
	if (to[0])
		return;
	sl_x509_print_name(X509_get_subject_name(c->pair->certificate), subject);
	if (strlen(subject) < SL_CERTIFICATE_NAME_MAX)
		strcpy(to, subject);
}

/* ---- warnings ---- */

/* Whether a moment lies between the last look and this one. */
static bool is_passed(const struct sl_certificate_watch *w, int64_t moment_s, int64_t now_s)
{
	return now_s >= moment_s && (w->is_new || w->looked_s < moment_s);
}

static void warn_of_end(const struct sl_certificate *c, const char *event, int64_t left_s)
{
	char name[SL_CERTIFICATE_NAME_MAX];

	sl_certificate_name(c, name);
	if (left_s > 0)
		sl_log_warn(event, "name=\"%s\" listener=%s file=%s days=%d", name, c->listener,
			    c->conf->certificate, (int)(left_s / DAY_SECONDS));
	else
		sl_log_warn(event,
			    "name=\"%s\" listener=%s file=%s days=%d effect=\"clients "
			    "refuse it\"",
			    name, c->listener, c->conf->certificate, (int)(left_s / DAY_SECONDS));
}

static bool look_at(const struct sl_certificate_watch *w, const struct sl_certificate *c,
		    int64_t now_s)
{
	if (is_passed(w, c->until_s, now_s)) {
		warn_of_end(c, "tls.certificate_expired", c->until_s - now_s);
		return true;
	}
	if (now_s < c->until_s && is_passed(w, c->until_s - SOON_SECONDS, now_s)) {
		warn_of_end(c, "tls.certificate_expires", c->until_s - now_s);
		return true;
	}
	return false;
}

static bool look_at_ocsp(const struct sl_certificate_watch *w, const struct sl_certificate *c,
			 int64_t now_s)
{
	const char *why = "it is too old";

	if (!c->ocsp->der)
		return false;
	if (!c->ocsp->is_good)
		why = "it does not say: good";
	if (c->ocsp->is_good ? !is_passed(w, c->ocsp->until_s, now_s) : !w->is_new)
		return false;
	sl_log_warn("tls.ocsp_not_told", "listener=%s file=%s reason=\"%s\"", c->listener,
		    c->conf->ocsp, why);
	return true;
}

static uint64_t print_of(const struct sl_rules *r)
{
	uint64_t print = 0;

	for (unsigned i = 0; i < r->listeners_nr; i++)
		if (r->listeners[i].tls)
			print = print * 31 + r->listeners[i].tls->files_print;
	return print;
}

/* Told anew when others are in use, and each day. */
static void begin_look(struct sl_certificate_watch *w, uint64_t print, int64_t now_s)
{
	w->is_new = w->print != print || now_s - w->told_s >= DAY_SECONDS || now_s < w->looked_s;
	w->print = print;
	if (w->is_new)
		w->told_s = now_s;
}

void sl_certificates_tick(struct sl_daemon *d)
{
	struct sl_certificate_watch *w = &d->certificate_watch;
	uint64_t now_ns = sl_now_ns(), print;
	int64_t now_s = time(NULL);
	struct sl_certificate c;
	unsigned told = 0;

	if (!d->rules->tickets) /* without TLS there are none */
		return;
	print = print_of(d->rules);
	if (print == w->print && now_ns < w->next_ns)
		return;
	w->next_ns = now_ns + LOOK_SECONDS * SL_SEC;
	begin_look(w, print, now_s);
	for (unsigned i = 0; told < WARNINGS_MAX && sl_certificate_at(d->rules, i, &c); i++) {
		told += look_at(w, &c, now_s);
		told += look_at_ocsp(w, &c, now_s);
	}
	w->looked_s = now_s;
}

/* ---- metrics ---- */

static void put_series(FILE *to, const struct sl_certificate *c)
{
	char labels[SL_METRICS_LABELS_MAX] = "", name[SL_CERTIFICATE_NAME_MAX];

	sl_certificate_name(c, name);
	if (strlen(name) > SL_METRICS_LABELS_MAX / 4)
		name[SL_METRICS_LABELS_MAX / 4] = '\0';
	sl_metrics_label(labels, "listener", sl_str_of(c->listener));
	sl_metrics_label(labels, "name", sl_str_of(name));
	fprintf(to, "sluice_tls_certificate_not_after_seconds{%s,index=\"%u\"} %" PRId64 "\n",
		labels, c->index, c->until_s);
}

/* The index, its place in the listener's list, keeps two for the same name apart. */
void sl_certificates_expose(FILE *to, enum sl_exposition form, const struct sl_daemon *d)
{
	struct sl_certificate c;

	if (!d->rules->tickets)
		return;
	sl_expose_family(to, form, SL_METRICS_GAUGE, "sluice_tls_certificate_not_after_seconds",
			 "When a certificate ends, in seconds since 1970");
	for (unsigned i = 0; sl_certificate_at(d->rules, i, &c); i++)
		put_series(to, &c);
}
