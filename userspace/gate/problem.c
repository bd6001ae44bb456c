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

/* %s is the status, %r its reason, %d the detail, %i the request's id. */
static const struct form {
	struct sl_str type;
	void (*put)(struct sl_out *o, struct sl_str s);
	const char *text;
} forms[] = {
	[SL_PROBLEM_JSON] = {
		SL_STR("application/problem+json"), sl_out_json,
		"{\"type\":\"%t\",\"title\":%r,\"status\":%s,\"detail\":%d,"
		"\"request_id\":%i}\n",
	},
	[SL_PROBLEM_HTML] = {
		SL_STR("text/html; charset=utf-8"), put_escaped,
		"<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
		"<title>%s %r</title>\n<h1>%r</h1>\n<p>%d</p>\n"
		"<p>Status %s, request <code>%i</code></p>\n</html>\n",
	},
	[SL_PROBLEM_TEXT] = {
		SL_STR("text/plain; charset=utf-8"), sl_out_str,
		"%s %r\n%d\nRequest %i\n",
	},
};

struct sl_str sl_problem_type(enum sl_problem_form form)
{
	return forms[form].type;
}

/* The IETF's draft of RateLimit fields registers it, for limits of any kind. */
#define QUOTA_EXCEEDED "https://iana.org/assignments/http-problem-types#quota-exceeded"

static void put_variable(struct sl_out *o, const struct form *form, char name,
			 const struct sl_problem *p)
{
	switch (name) {
	case 't':
		sl_out_str(o, p->status == 429 ? SL_S(QUOTA_EXCEEDED) : SL_S("about:blank"));
		return;
	case 's':
		sl_out_u64(o, p->status);
		return;
	case 'r':
		form->put(o, sl_status_reason(p->status));
		return;
	case 'd':
		form->put(o, p->detail);
		return;
	case 'i':
		form->put(o, p->request_id);
		return;
	}
}

void sl_problem_write(struct sl_out *o, enum sl_problem_form form, const struct sl_problem *p)
{
	for (const char *c = forms[form].text; *c; c++)
		if (*c == '%')
			put_variable(o, &forms[form], *++c, p);
		else
			sl_out_char(o, *c);
}
