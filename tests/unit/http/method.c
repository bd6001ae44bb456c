// SPDX-License-Identifier: Apache-2.0
// Methods: every name finds its number, and nothing else does.

#include "http/method.h"

#include "tap.h"

int main(void)
{
	static const char *const others[] = { "",      "G",	  "get",   "Get",
					      "GETS",  "PUTT",	  "HEADS", "CONNECT1",
					      "PATCh", "OPTIONZ", "PRI",   "PROPFIND" };

	for (enum sl_method m = SL_METHOD_GET; m < SL_METHODS_NR; m++) {
		struct sl_str name = sl_method_name(m);

		is_int(sl_method_of(name), m, "%.*s is known", SL_STR_ARG(name));
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		is_int(sl_method_of(sl_str_of(others[i])), SL_METHOD_OTHER, "'%s' is another",
		       others[i]);
	is_str(sl_method_name(SL_METHOD_OTHER), "", "another has no name");
	ok(sl_method_is_idempotent(SL_METHOD_GET), "GET may be sent again");
	ok(sl_method_is_idempotent(SL_METHOD_PUT), "PUT may be sent again");
	ok(sl_method_is_idempotent(SL_METHOD_DELETE), "DELETE may be sent again");
	ok(!sl_method_is_idempotent(SL_METHOD_POST), "POST may not");
	ok(!sl_method_is_idempotent(SL_METHOD_PATCH), "PATCH may not");
	ok(!sl_method_is_idempotent(SL_METHOD_OTHER), "an unknown method may not");
	return done_testing();
}
