// SPDX-License-Identifier: Apache-2.0
// Judges hellos, before anything is spent on them.
#include "tls/judge.h"

#include <errno.h>
#include <stdlib.h>

enum { TLS_1_2 = 0x0303, TLS_1_3 = 0x0304 };

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, SL_JA4_LEN);
}

int sl_tls_judge_init(struct sl_tls_judge *j, const struct sl_tls_conf *conf,
		      const struct sl_tls_names *names)
{
	*j = (struct sl_tls_judge){
		.names = names,
		.least = conf->profile == SL_TLS_MODERN ? TLS_1_3 : TLS_1_2,
		.refuses_unknown = conf->unknown_names == SL_TLS_NAMES_REFUSE,
	};
	if (conf->deny_ja4_nr == 0)
		return 0;
	j->denied = calloc(conf->deny_ja4_nr, sizeof(*j->denied));
	if (!j->denied)
		return -ENOMEM;
	for (unsigned i = 0; i < conf->deny_ja4_nr; i++)
		memcpy(j->denied[i], conf->deny_ja4[i].text, SL_JA4_LEN);
	j->denied_nr = conf->deny_ja4_nr;
	qsort(j->denied, j->denied_nr, sizeof(*j->denied), compare);
	return 0;
}

void sl_tls_judge_fini(struct sl_tls_judge *j)
{
	free(j->denied);
}

static bool has_version(const struct sl_tls_judge *j, const struct sl_tls_hello *h)
{
	return sl_tls_hello_offers(h, TLS_1_3) ||
	       (j->least <= TLS_1_2 && sl_tls_hello_offers(h, TLS_1_2));
}

static bool is_denied(const struct sl_tls_judge *j, const char *ja4)
{
	return !ja4[0] ||
	       bsearch(ja4, j->denied, j->denied_nr, sizeof(*j->denied), compare) != NULL;
}

enum sl_tls_verdict sl_tls_judge_hello(const struct sl_tls_judge *j, const struct sl_tls_hello *h,
				       const char *ja4)
{
	if (!has_version(j, h))
		return SL_TLS_NO_VERSION;
	if (j->refuses_unknown && h->name.ptr && sl_tls_names_find(j->names, h->name) < 0)
		return SL_TLS_UNKNOWN_NAME;
	if (j->denied_nr && is_denied(j, ja4))
		return SL_TLS_DENIED_JA4;
	return SL_TLS_WELCOME;
}
