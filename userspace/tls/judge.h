/* SPDX-License-Identifier: Apache-2.0 */
/* Who is refused for what his hello says. */
#ifndef SL_TLS_JUDGE_H
#define SL_TLS_JUDGE_H

#include "tls/conf.h"
#include "tls/hello.h"
#include "tls/ja4.h"
#include "tls/names.h"

struct sl_tls_judge {
	const struct sl_tls_names *names; /* borrowed */
	char (*denied)[SL_JA4_LEN + 1];	  /* sorted */
	unsigned denied_nr;
	uint16_t least; /* version */
	bool refuses_unknown;
};

enum sl_tls_verdict {
	SL_TLS_WELCOME,
	SL_TLS_NO_VERSION,   /* it speaks none of ours */
	SL_TLS_UNKNOWN_NAME, /* it asks for a name that no certificate is for */
	SL_TLS_DENIED_JA4,
};

/* 0 or -ENOMEM. */
int sl_tls_judge_init(struct sl_tls_judge *j, const struct sl_tls_conf *conf,
		      const struct sl_tls_names *names);
void sl_tls_judge_fini(struct sl_tls_judge *j);
/* ja4: of the hello, "" when it has none, which is denied where any is; looked at only if
 * denied_nr. */
enum sl_tls_verdict sl_tls_judge_hello(const struct sl_tls_judge *j, const struct sl_tls_hello *h,
				       const char *ja4);

#endif
