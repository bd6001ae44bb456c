// SPDX-License-Identifier: Apache-2.0
// GET /metrics, /healthz and /readyz, and what is said to everything else.
#include "control/admin_answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/certificates.h"
#include "control/kernel.h"
#include "control/kernel_metrics.h"
#include "gate/problem.h"
#include "http/accept.h"
#include "http/status.h"
#include "observe/expose.h"

/* ---- an answer ---- */

/* Takes over body. */
static int write_answer(struct sl_admin_answer *ret, unsigned status, const char *type,
			const char *more, char *body, size_t len, bool is_head)
{
	FILE *f = open_memstream(&ret->text, &ret->len);
	int failed = !f || !body;

	if (!failed) {
		fprintf(f,
			"HTTP/1.1 %u %.*s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
			"Cache-Control: no-store\r\nConnection: close\r\n%s\r\n",
			status, SL_STR_ARG(sl_status_reason(status)), type, len, more);
		if (!is_head)
			fwrite(body, 1, len, f);
	}
	if (f)
		failed |= ferror(f) | (fclose(f) != 0);
	free(body);
	return failed ? -ENOMEM : 0;
}

static int write_problem(struct sl_admin_answer *ret, unsigned status, const char *detail,
			 const char *more, bool is_head)
{
	struct sl_problem problem = { .status = status, .detail = sl_str_of(detail) };
	char *body = malloc(SL_PROBLEM_MAX);
	struct sl_out o;

	if (!body)
		return -ENOMEM;
	sl_out_init(&o, body, SL_PROBLEM_MAX);
	sl_problem_write(&o, SL_PROBLEM_JSON, &problem);
	return write_answer(ret, status, "application/problem+json", more, body, sl_out_len(&o),
			    is_head);
}

static int write_text(struct sl_admin_answer *ret, unsigned status, const char *text, bool is_head)
{
	return write_answer(ret, status, "text/plain; charset=utf-8", "", strdup(text),
			    strlen(text), is_head);
}

/* ---- what is asked for ---- */

/* Prometheus names OpenMetrics first if it wants it; whoever is silent gets the older form. */
static enum sl_exposition choose(const struct sl_head *req)
{
	static const struct sl_str types[] = { SL_STR("text/plain"),
					       SL_STR("application/openmetrics-text") };

	return sl_accept_choose(req->fields, req->fields_nr, types, 2) == 1 ? SL_EXPOSE_OPENMETRICS
									    : SL_EXPOSE_PROMETHEUS;
}

static int tell_metrics(struct sl_admin_answer *ret, struct sl_daemon *d, const struct sl_head *req,
			bool is_head)
{
	enum sl_exposition form = choose(req);
	struct sl_reading r;
	char *body = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&body, &len);
	bool failed;

	if (!f)
		return -ENOMEM;
	sl_daemon_note(d);
	sl_reading_borrow(&r, sl_metrics_header(d->shared.metrics));
	sl_expose_reading(f, form, &r);
	sl_kernel_expose(f, form, d->kernel->is_open ? &d->kernel->gate : NULL);
	sl_certificates_expose(f, form, d);
	sl_expose_end(f, form);
	failed = ferror(f);
	failed |= fclose(f) != 0;
	if (failed) {
		free(body);
		return -ENOMEM;
	}
	return write_answer(ret, 200, sl_expose_type(form), "Vary: Accept\r\n", body, len, is_head);
}

static int tell_ready(struct sl_admin_answer *ret, struct sl_daemon *d, bool is_head)
{
	bool is_stopping = atomic_load(&d->shared.is_draining);

	return write_text(ret, is_stopping ? 503 : 200, is_stopping ? "stopping\n" : "ready\n",
			  is_head);
}

int sl_admin_make_answer(struct sl_admin_answer *ret, struct sl_daemon *d,
			 const struct sl_head *req)
{
	bool is_head = req->method_id == SL_METHOD_HEAD;
	const char *question = memchr(req->target.ptr, '?', req->target.len);
	struct sl_str path = req->target;
	bool is_metrics, is_ready, is_health;

	if (question)
		path.len = (size_t)(question - path.ptr);
	is_metrics = sl_str_eq(path, SL_S("/metrics"));
	is_ready = sl_str_eq(path, SL_S("/readyz"));
	is_health = sl_str_eq(path, SL_S("/healthz"));
	if (!is_metrics && !is_ready && !is_health)
		return write_problem(ret, 404, "There are /metrics, /healthz and /readyz.", "",
				     is_head);
	if (!is_head && req->method_id != SL_METHOD_GET)
		return write_problem(ret, 405, "It can only be read.", "Allow: GET, HEAD\r\n",
				     false);
	if (is_metrics)
		return tell_metrics(ret, d, req, is_head);
	return is_ready ? tell_ready(ret, d, is_head) : write_text(ret, 200, "alive\n", is_head);
}

int sl_admin_refuse(struct sl_admin_answer *ret, unsigned status, const char *detail)
{
	return write_problem(ret, status, detail, "", false);
}

void sl_admin_answer_fini(struct sl_admin_answer *a)
{
	free(a->text);
	a->text = NULL;
}
