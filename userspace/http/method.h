/* SPDX-License-Identifier: Apache-2.0 */
/* Request methods (RFC 9110 9, RFC 5789): the registered ones by number, for masks in routes. */
#ifndef SL_HTTP_METHOD_H
#define SL_HTTP_METHOD_H

#include <stdbool.h>

#include "base/str.h"

enum sl_method {
	SL_METHOD_OTHER, /* a token that is none of these: method names are open-ended */
	SL_METHOD_GET,
	SL_METHOD_HEAD,
	SL_METHOD_POST,
	SL_METHOD_PUT,
	SL_METHOD_DELETE,
	SL_METHOD_CONNECT,
	SL_METHOD_OPTIONS,
	SL_METHOD_TRACE,
	SL_METHOD_PATCH,
	SL_METHODS_NR
};

/* Case-sensitive, as methods are (RFC 9110 9.1). */
enum sl_method sl_method_of(struct sl_str name);
struct sl_str sl_method_name(enum sl_method m); /* "" for SL_METHOD_OTHER */
/* RFC 9110 9.2.2: may be sent a second time after a lost connection. */
bool sl_method_is_idempotent(enum sl_method m);

#endif
