// SPDX-License-Identifier: Apache-2.0
// Request methods by name and number.

#include "http/method.h"

static const struct sl_str names[SL_METHODS_NR] = {
	[SL_METHOD_OTHER] = SL_STR(""),		 [SL_METHOD_GET] = SL_STR("GET"),
	[SL_METHOD_HEAD] = SL_STR("HEAD"),	 [SL_METHOD_POST] = SL_STR("POST"),
	[SL_METHOD_PUT] = SL_STR("PUT"),	 [SL_METHOD_DELETE] = SL_STR("DELETE"),
	[SL_METHOD_CONNECT] = SL_STR("CONNECT"), [SL_METHOD_OPTIONS] = SL_STR("OPTIONS"),
	[SL_METHOD_TRACE] = SL_STR("TRACE"),	 [SL_METHOD_PATCH] = SL_STR("PATCH"),
};

/* The only method that a name of this length and first character can be. */
static enum sl_method guess(struct sl_str name)
{
	switch (name.len) {
	case 3:
		return name.ptr[0] == 'G' ? SL_METHOD_GET : SL_METHOD_PUT;
	case 4:
		return name.ptr[0] == 'P' ? SL_METHOD_POST : SL_METHOD_HEAD;
	case 5:
		return name.ptr[0] == 'P' ? SL_METHOD_PATCH : SL_METHOD_TRACE;
	case 6:
		return SL_METHOD_DELETE;
	case 7:
		return name.ptr[0] == 'O' ? SL_METHOD_OPTIONS : SL_METHOD_CONNECT;
	default:
		return SL_METHOD_OTHER;
	}
}

enum sl_method sl_method_of(struct sl_str name)
{
	enum sl_method m = guess(name);

	return sl_str_eq(name, names[m]) ? m : SL_METHOD_OTHER;
}

struct sl_str sl_method_name(enum sl_method m)
{
	return names[m];
}

bool sl_method_is_idempotent(enum sl_method m)
{
	switch (m) {
	case SL_METHOD_GET:
	case SL_METHOD_HEAD:
	case SL_METHOD_PUT:
	case SL_METHOD_DELETE:
	case SL_METHOD_OPTIONS:
	case SL_METHOD_TRACE:
		return true;
	default:
		return false;
	}
}
