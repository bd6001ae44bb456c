/* SPDX-License-Identifier: Apache-2.0 */
/* What the admin listener says: a whole answer as one text. */
#ifndef SL_CONTROL_ADMIN_ANSWER_H
#define SL_CONTROL_ADMIN_ANSWER_H

#include "control/daemon.h"
#include "http1/head.h"

struct sl_admin_answer {
	char *text; /* head and body */
	size_t len;
};

/* Of a request; 0 or -ENOMEM. */
int sl_admin_make_answer(struct sl_admin_answer *ret_answer, struct sl_daemon *d,
			 const struct sl_head *req);
/* To what is no request. */
int sl_admin_refuse(struct sl_admin_answer *ret_answer, unsigned status, const char *detail);
void sl_admin_answer_fini(struct sl_admin_answer *a);

#endif
