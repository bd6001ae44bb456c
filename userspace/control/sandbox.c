// SPDX-License-Identifier: Apache-2.0
// Says what the workers' sandbox keeps them from, what it cannot, and what it has refused.
#include "control/sandbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"

/* What a worker that an attacker has taken over could do without it. */
static const char *const effects[SL_SANDBOX_LAYERS] = {
	[SL_SANDBOX_RING] = "a worker's ring takes every operation, of files too",
	[SL_SANDBOX_CAPS] = "a worker keeps the process's capabilities",
	[SL_SANDBOX_LANDLOCK] = "files are kept from a worker by seccomp and its ring alone",
	[SL_SANDBOX_SECCOMP] = "a worker may make every system call",
};

static const char *const mode_names[] = { "auto", "off", "require" };

void sl_sandbox_prepare(void)
{
	tzset(); /* reads a file, and workers write times */
	sl_sandbox_watch();
}

/* Landlock can be compiled in and still not be switched on. */
static const char *reason(int error)
{
	return error == -ENOSYS	      ? "the kernel has it not"
	       : error == -EOPNOTSUPP ? "it is not in the kernel's lsm="
				      : strerror(-error);
}

bool sl_sandbox_explain(const struct sl_daemon *d, const struct sl_worker *w)
{
	enum sl_log_level level = d->sandbox == SL_SANDBOX_REQUIRE ? SL_LOG_ERROR : SL_LOG_WARN;
	bool is_lost = false;

	for (int i = 0; i < SL_SANDBOX_LAYERS && d->sandbox != SL_SANDBOX_OFF; i++) {
		if (w->sandbox.error[i] == 0)
			continue;
		is_lost = true;
		sl_log_at(level, "sandbox.lost",
			  "layer=%s error=\"%s\" effect=\"%s\" key=/gateway/sandbox",
			  sl_sandbox_names[i], reason(w->sandbox.error[i]), effects[i]);
	}
	return is_lost;
}

/* Each call once: an attacker may try as often as he likes. */
static void tell_refused(void)
{
	char *call;

	while ((call = sl_sandbox_tell())) {
		sl_log_error("sandbox.refused",
			     "call=%s effect=\"it failed with EPERM\" reason=\"no worker makes it: "
			     "an attack, or a bug to be reported\"",
			     call);
		free(call);
	}
}

void sl_sandbox_note(struct sl_daemon *d)
{
	struct sl_daemon_stats *s = sl_metrics_daemon(d->shared.metrics);
	uint64_t refused = sl_sandbox_refused();

	if (refused == s->sandbox_refused)
		return;
	sl_gauge_set(&s->sandbox_refused, refused);
	tell_refused();
}

json_t *sl_sandbox_status(const struct sl_daemon *d)
{
	const int *error = d->workers[0].sandbox.error;
	json_t *in_force = json_array(), *lost = json_array();

	for (int i = 0; i < SL_SANDBOX_LAYERS && d->sandbox != SL_SANDBOX_OFF; i++) {
		if (error[i] == 0)
			json_array_append_new(in_force, json_string(sl_sandbox_names[i]));
		else
			json_array_append_new(lost,
					      json_pack("{s:s, s:s}", "layer", sl_sandbox_names[i],
							"reason", reason(error[i])));
	}
	return json_pack("{s:s, s:o, s:o, s:I}", "mode", mode_names[d->sandbox], "in_force",
			 in_force, "lost", lost, "refused", (json_int_t)sl_sandbox_refused());
}
