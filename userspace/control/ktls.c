// SPDX-License-Identifier: Apache-2.0
// Says what the kernel does of TLS, and what it lacks.
#include "control/ktls.h"

#include "base/log.h"
#include "tls/conf.h"

static const char *const mode_names[] = {
	[SL_TLS_KERNEL_AUTO] = "auto",
	[SL_TLS_KERNEL_OFF] = "off",
	[SL_TLS_KERNEL_REQUIRE] = "require",
};

/* With "off" nothing is missed. */
static void explain(const struct sl_tls_conf *conf, char why[SL_KTLS_WHY_BYTES])
{
	why[0] = '\0';
	if (conf->kernel != SL_TLS_KERNEL_OFF)
		sl_ktls_explain(&conf->ktls, why);
}

/* Not a warning: most kernels without it do all that is asked of them. */
void sl_ktls_tell(const struct sl_rules *rules)
{
	char why[SL_KTLS_WHY_BYTES];

	for (unsigned i = 0; i < rules->listeners_nr; i++) {
		const struct sl_listener_conf *l = &rules->listeners[i];

		if (!l->tls)
			continue;
		explain(l->tls, why);
		if (!why[0])
			continue;
		sl_log_info("tls.kernel_lost",
			    "reason=\"%s\" effect=\"bodies are copied and sealed by this process\" "
			    "hint=\"modprobe tls\" key=/listeners/%s/tls/kernel_tls",
			    why, l->name);
		return;
	}
}

json_t *sl_ktls_status(const struct sl_tls_conf *conf)
{
	char why[SL_KTLS_WHY_BYTES];

	explain(conf, why);
	return json_pack("{s:s, s:s?}", "kernel_tls", mode_names[conf->kernel], "lost",
			 why[0] ? why : NULL);
}
