/* SPDX-License-Identifier: Apache-2.0 */
/* A route: which requests it takes and what it does with them. */
#ifndef SL_ROUTE_ROUTE_H
#define SL_ROUTE_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "http/method.h"

enum sl_route_action { SL_ROUTE_UPSTREAM, SL_ROUTE_RESPOND, SL_ROUTE_REDIRECT };

struct sl_header_conf {
	struct sl_str name, value; /* checked: a token, a field value */
};

struct sl_respond_conf {
	uint16_t status; /* 200..599 */
	struct sl_header_conf *headers;
	unsigned headers_nr;
	struct sl_str body;
};

struct sl_redirect_conf {
	uint16_t status;	/* 301, 302, 303, 307, 308 */
	struct sl_str location; /* a template (template.h) that makes a URI reference */
};

/* Changes of header fields, as the Gateway API's header modifiers.  A name is there once. */
struct sl_header_edit {
	struct sl_header_conf *set, *add; /* values are templates (template.h) */
	struct sl_str *remove;
	unsigned set_nr, add_nr, remove_nr;
};

enum sl_condition_kind { SL_CONDITION_EXACT, SL_CONDITION_PRESENT, SL_CONDITION_REGEX };

/* What a route asks of one header field or one query parameter. */
struct sl_condition {
	struct sl_str name; /* fields: in any case; parameters: decoded */
	enum sl_condition_kind kind;
	struct sl_str value; /* EXACT: the only value of that name; REGEX: an expression that takes
				all of it; parameters: decoded */
	bool present;	     /* PRESENT: whether it has to be there, or must not */
};

struct sl_policy; /* policy/policy.h */

struct sl_route {
	const char *name; /* never empty: "route[3]" for one without a name */
	struct sl_str
		*hosts; /* lower case; "api.example.com" or "*.example.com"; none: every host */
	unsigned hosts_nr;
	struct sl_str path;	  /* "/exact", "/items/{id}", or a prefix with a star */
	struct sl_str path_regex; /* instead of path; empty: none.  Asked after all paths */
	uint32_t methods;	  /* mask of 1 << enum sl_method; 0: all.  GET includes HEAD */
	struct sl_condition *headers, *queries; /* all have to hold; a name is there once */
	unsigned headers_nr, queries_nr;
	struct sl_str strip_prefix; /* rewrite; empty: none.  The rest keeps its leading '/' */
	struct sl_str rewrite_path; /* a template of parameters; "?" starts a query; empty: none */
	struct sl_str rewrite_host; /* empty: as it came; "upstream": the target's name */
	struct sl_header_edit request_headers, response_headers;
	struct sl_policy *asked; /* as they are written */
	unsigned asked_nr;
	const struct sl_policy **policies; /* with what their lists stand for, in their order */
	unsigned policies_nr;
	enum sl_route_action action;
	unsigned upstream; /* index into the upstreams */
	struct sl_respond_conf respond;
	struct sl_redirect_conf redirect;
};

#endif
