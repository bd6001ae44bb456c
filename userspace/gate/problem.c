// SPDX-License-Identifier: Apache-2.0
// Errors as problem+json (RFC 9457), as a page, as a line of text.
#include "gate/problem.h"

#include "http/accept.h"
#include "http/status.h"

enum sl_problem_form sl_problem_choose(const struct sl_head *req)
{
	static const struct sl_str types[] = {
		SL_STR("application/problem+json"),
		SL_STR("application/json"), /* who reads that reads the other */
		SL_STR("text/html"),
		SL_STR("text/plain"),
	};
	static const enum sl_problem_form forms[] = { SL_PROBLEM_JSON, SL_PROBLEM_JSON,
						      SL_PROBLEM_HTML, SL_PROBLEM_TEXT };

	return forms[sl_accept_choose(req->fields, req->fields_nr, types, 4)];
}

struct sl_str sl_problem_type(enum sl_problem_form form)
{
	static const struct sl_str types[] = {
		[SL_PROBLEM_JSON] = SL_STR("application/problem+json"),
		[SL_PROBLEM_HTML] = SL_STR("text/html; charset=utf-8"),
		[SL_PROBLEM_TEXT] = SL_STR("text/plain; charset=utf-8"),
	};

	return types[form];
}

static void write_json(struct sl_out *o, const struct sl_problem *p)
{
	sl_out_lit(o, "{\"type\":\"about:blank\",\"title\":");
	sl_out_json(o, sl_status_reason(p->status));
	sl_out_lit(o, ",\"status\":");
	sl_out_u64(o, p->status);
	sl_out_lit(o, ",\"detail\":");
	sl_out_json(o, p->detail);
	sl_out_lit(o, ",\"request_id\":");
	sl_out_json(o, p->request_id);
	sl_out_lit(o, "}\n");
}

/* What is not plain ASCII text is shown as '?': nothing that is put in can be markup. */
static void put_escaped(struct sl_out *o, struct sl_str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (c == '&')
			sl_out_lit(o, "&amp;");
		else if (c == '<')
			sl_out_lit(o, "&lt;");
		else if (c == '>')
			sl_out_lit(o, "&gt;");
		else if (c == '"')
			sl_out_lit(o, "&quot;");
		else if (c == '\'')
			sl_out_lit(o, "&#39;");
		else
			sl_out_char(o, c >= ' ' && c < 0x7f ? c : '?');
	}
}

static void write_html(struct sl_out *o, const struct sl_problem *p)
{
	struct sl_str reason = sl_status_reason(p->status);

	sl_out_lit(o, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>");
	sl_out_u64(o, p->status);
	sl_out_char(o, ' ');
	put_escaped(o, reason);
	sl_out_lit(o, "</title>\n<h1>");
	put_escaped(o, reason);
	sl_out_lit(o, "</h1>\n<p>");
	put_escaped(o, p->detail);
	sl_out_lit(o, "</p>\n<p>Status ");
	sl_out_u64(o, p->status);
	sl_out_lit(o, ", request <code>");
	put_escaped(o, p->request_id);
	sl_out_lit(o, "</code></p>\n</html>\n");
}

static void write_text(struct sl_out *o, const struct sl_problem *p)
{
	sl_out_u64(o, p->status);
	sl_out_char(o, ' ');
	sl_out_str(o, sl_status_reason(p->status));
	sl_out_lit(o, "\n");
	sl_out_str(o, p->detail);
	sl_out_lit(o, "\nRequest ");
	sl_out_str(o, p->request_id);
	sl_out_lit(o, "\n");
}

void sl_problem_write(struct sl_out *o, enum sl_problem_form form, const struct sl_problem *p)
{
	static void (*const writers[])(struct sl_out * o, const struct sl_problem *p) = {
		[SL_PROBLEM_JSON] = write_json,
		[SL_PROBLEM_HTML] = write_html,
		[SL_PROBLEM_TEXT] = write_text,
	};

	writers[form](o, p);
}
