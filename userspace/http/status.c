// SPDX-License-Identifier: Apache-2.0
// Reason phrases, from the registry of RFC 9110 16.2.1.

#include "http/status.h"

static const struct sl_str reasons[] = {
	[100] = SL_STR("Continue"),
	[101] = SL_STR("Switching Protocols"),
	[102] = SL_STR("Processing"),
	[103] = SL_STR("Early Hints"),
	[200] = SL_STR("OK"),
	[201] = SL_STR("Created"),
	[202] = SL_STR("Accepted"),
	[203] = SL_STR("Non-Authoritative Information"),
	[204] = SL_STR("No Content"),
	[205] = SL_STR("Reset Content"),
	[206] = SL_STR("Partial Content"),
	[207] = SL_STR("Multi-Status"),
	[208] = SL_STR("Already Reported"),
	[226] = SL_STR("IM Used"),
	[300] = SL_STR("Multiple Choices"),
	[301] = SL_STR("Moved Permanently"),
	[302] = SL_STR("Found"),
	[303] = SL_STR("See Other"),
	[304] = SL_STR("Not Modified"),
	[305] = SL_STR("Use Proxy"),
	[307] = SL_STR("Temporary Redirect"),
	[308] = SL_STR("Permanent Redirect"),
	[400] = SL_STR("Bad Request"),
	[401] = SL_STR("Unauthorized"),
	[402] = SL_STR("Payment Required"),
	[403] = SL_STR("Forbidden"),
	[404] = SL_STR("Not Found"),
	[405] = SL_STR("Method Not Allowed"),
	[406] = SL_STR("Not Acceptable"),
	[407] = SL_STR("Proxy Authentication Required"),
	[408] = SL_STR("Request Timeout"),
	[409] = SL_STR("Conflict"),
	[410] = SL_STR("Gone"),
	[411] = SL_STR("Length Required"),
	[412] = SL_STR("Precondition Failed"),
	[413] = SL_STR("Content Too Large"),
	[414] = SL_STR("URI Too Long"),
	[415] = SL_STR("Unsupported Media Type"),
	[416] = SL_STR("Range Not Satisfiable"),
	[417] = SL_STR("Expectation Failed"),
	[421] = SL_STR("Misdirected Request"),
	[422] = SL_STR("Unprocessable Content"),
	[423] = SL_STR("Locked"),
	[424] = SL_STR("Failed Dependency"),
	[425] = SL_STR("Too Early"),
	[426] = SL_STR("Upgrade Required"),
	[428] = SL_STR("Precondition Required"),
	[429] = SL_STR("Too Many Requests"),
	[431] = SL_STR("Request Header Fields Too Large"),
	[451] = SL_STR("Unavailable For Legal Reasons"),
	[500] = SL_STR("Internal Server Error"),
	[501] = SL_STR("Not Implemented"),
	[502] = SL_STR("Bad Gateway"),
	[503] = SL_STR("Service Unavailable"),
	[504] = SL_STR("Gateway Timeout"),
	[505] = SL_STR("HTTP Version Not Supported"),
	[506] = SL_STR("Variant Also Negotiates"),
	[507] = SL_STR("Insufficient Storage"),
	[508] = SL_STR("Loop Detected"),
	[511] = SL_STR("Network Authentication Required"),
};

struct sl_str sl_status_reason(unsigned status)
{
	if (status >= sizeof(reasons) / sizeof(reasons[0]) || !reasons[status].ptr)
		return SL_S("Unknown");
	return reasons[status];
}
