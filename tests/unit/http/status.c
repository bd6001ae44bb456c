// SPDX-License-Identifier: Apache-2.0
// Reason phrases: first, last, a gap, and numbers that are no status.

#include "http/status.h"

#include "tap.h"

int main(void)
{
	is_str(sl_status_reason(100), "Continue", "100");
	is_str(sl_status_reason(200), "OK", "200");
	is_str(sl_status_reason(431), "Request Header Fields Too Large", "431");
	is_str(sl_status_reason(511), "Network Authentication Required", "511, the last");
	is_str(sl_status_reason(512), "Unknown", "512, one after it");
	is_str(sl_status_reason(418), "Unknown", "418, a gap");
	is_str(sl_status_reason(0), "Unknown", "0");
	is_str(sl_status_reason(4294967295u), "Unknown", "the largest number");
	return done_testing();
}
