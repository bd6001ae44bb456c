/* SPDX-License-Identifier: Apache-2.0 */
/* What an error looks like: problem+json, a page or a text, as the client would have it. */
#ifndef SL_GATE_PROBLEM_H
#define SL_GATE_PROBLEM_H

#include "base/out.h"
#include "http1/head.h"

enum sl_problem_form { SL_PROBLEM_JSON, SL_PROBLEM_HTML, SL_PROBLEM_TEXT };

enum { SL_PROBLEM_MAX = 3072 }; /* bytes of a body, with an id and a detail of 256 bytes each */

/* By its Accept fields; JSON where they leave it open. */
enum sl_problem_form sl_problem_choose(const struct sl_head *req);
struct sl_str sl_problem_type(enum sl_problem_form form); /* for Content-Type */

struct sl_problem {
	unsigned status;
	struct sl_str detail, request_id; /* any bytes: they are escaped */
};
void sl_problem_write(struct sl_out *o, enum sl_problem_form form, const struct sl_problem *p);

#endif
