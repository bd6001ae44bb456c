/* SPDX-License-Identifier: Apache-2.0 */
/* Texts with "{name}" in them; "{{" and "}}" stand for one brace. */
#ifndef SL_ROUTE_TEMPLATE_H
#define SL_ROUTE_TEMPLATE_H

#include "base/str.h"

enum sl_template_piece {
	SL_TEMPLATE_END,
	SL_TEMPLATE_TEXT,   /* to be taken as it is */
	SL_TEMPLATE_NAME,   /* without its braces */
	SL_TEMPLATE_BROKEN, /* a brace without its partner */
};
/* Cuts the next piece off a template. */
enum sl_template_piece sl_template_next(struct sl_str *rest, struct sl_str *ret_piece);

/* Names that every request gives a meaning.  A parameter of the route's path goes before them. */
enum sl_variable {
	SL_VARIABLE_NONE,
	SL_VARIABLE_CLIENT_IP,
	SL_VARIABLE_HOST, /* of the request, without port */
	SL_VARIABLE_PATH, /* before it is rewritten */
	SL_VARIABLE_QUERY,
	SL_VARIABLE_REQUEST_ID,
	SL_VARIABLE_ROUTE, /* its name */
};
enum sl_variable sl_variable_of(struct sl_str name);

#endif
