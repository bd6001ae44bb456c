// SPDX-License-Identifier: Apache-2.0
// Checks of single texts, and defaults that depend on the machine.
#include "config/check.h"

#include <sched.h>
#include <sys/resource.h>

#include "gate/certificate.h"
#include "http/field.h"
#include "http/uri.h"
#include "tls/shown.h"

enum {
	NAME_MAX_BYTES = 64,
	USER_MAX_BYTES = 32,
	RUN_DIR_MAX_BYTES = 80,
	FD_RESERVE = 64,
	WORKERS_MAX = 1024,
};

const char *sl_check_name(struct sl_str text)
{
	static const char why[] = "is not a name: 1 to 64 letters, digits, '-', '_' and '.'";

	if (text.len == 0 || text.len > NAME_MAX_BYTES)
		return why;
	for (size_t i = 0; i < text.len; i++) {
		char c = sl_lower(text.ptr[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("-_.", c)))
			return why;
	}
	return NULL;
}

/* What useradd(8) and most directories allow; whether there is one is asked at the start. */
const char *sl_check_user(struct sl_str text)
{
	if (text.len > USER_MAX_BYTES || sl_check_name(text) || text.ptr[0] == '-')
		return "is not the name of a user or a group: 1 to 32 letters, digits, '-', '_' "
		       "and '.', not beginning with '-'";
	return NULL;
}

/* Framing and hop-by-hop fields are the gateway's own (RFC 9110 6.4, 7.6.1; RFC 9112 6). */
static bool is_gateway_field(struct sl_str name)
{
	switch (sl_field_id_of(name)) {
	case SL_FIELD_CONNECTION:
	case SL_FIELD_CONTENT_LENGTH:
	case SL_FIELD_DATE:
	case SL_FIELD_KEEP_ALIVE:
	case SL_FIELD_PROXY_CONNECTION:
	case SL_FIELD_TE:
	case SL_FIELD_TRAILER:
	case SL_FIELD_TRANSFER_ENCODING:
	case SL_FIELD_UPGRADE:
		return true;
	default:
		return false;
	}
}

const char *sl_check_field_name(struct sl_str text)
{
	if (!sl_is_token(text))
		return "is not the name of a header field";
	return is_gateway_field(text) ? "is set by the gateway itself" : NULL;
}

const char *sl_check_path(struct sl_str text)
{
	/* What a relative path means would change with the directory of the start. */
	return sl_str_starts(text, SL_S("/")) ? NULL : "must be an absolute path";
}

const char *sl_check_run_dir(struct sl_str text)
{
	if (text.len > RUN_DIR_MAX_BYTES)
		return "is too long: the path of a socket in it has 80 bytes left";
	return sl_check_path(text);
}

const char *sl_check_log_path(struct sl_str text)
{
	return sl_str_eq(text, SL_S("-")) ? NULL : sl_check_path(text);
}

const char *sl_check_rooted(struct sl_str text)
{
	return sl_str_starts(text, SL_S("/")) ? NULL : "must start with '/'";
}

/* It goes into a request line or a Location field as it is: no space, no control character. */
static bool is_uri_text(struct sl_str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] <= ' ' || (unsigned char)text.ptr[i] >= 0x7f)
			return false;
	return true;
}

const char *sl_check_prefix(struct sl_str text)
{
	const char *why = sl_check_rooted(text);

	if (!why && text.ptr[text.len - 1] == '/')
		why = "must not end with '/'";
	return why;
}

const char *sl_check_rewrite_path(struct sl_str text)
{
	const char *why = sl_check_rooted(text);

	if (!why && (!is_uri_text(text) || memchr(text.ptr, '#', text.len)))
		why = "must be ASCII without spaces, control characters and '#'";
	return why;
}

const char *sl_check_location(struct sl_str text)
{
	if (text.len == 0 || !is_uri_text(text))
		return "is not a URI reference: ASCII without spaces and control characters";
	return NULL;
}

const char *sl_check_field_value(struct sl_str text)
{
	return sl_is_field_value(text) ? NULL : "has a control character";
}

const char *sl_check_host(struct sl_str text)
{
	struct sl_str host, port;

	return sl_authority_split(text, &host, &port)
		       ? NULL
		       : "is neither \"upstream\" nor a host such as \"api.example.com\", with or "
			 "without a port";
}

/* What the gateway itself tells the upstream of the request and its way. */
const char *sl_check_request_field(struct sl_str text)
{
	if (!sl_is_token(text))
		return "is not the name of a header field";
	switch (sl_field_id_of(text)) {
	case SL_FIELD_HOST:
		return "is changed by 'rewrite.host'";
	case SL_FIELD_FORWARDED:
	case SL_FIELD_X_FORWARDED_FOR:
	case SL_FIELD_X_FORWARDED_HOST:
	case SL_FIELD_X_FORWARDED_PORT:
	case SL_FIELD_X_FORWARDED_PROTO:
	case SL_FIELD_X_REAL_IP:
	case SL_FIELD_VIA:
		return "is set by the gateway itself, as 'forwarded' says";
	case SL_FIELD_EXPECT:
	case SL_FIELD_HTTP2_SETTINGS:
	case SL_FIELD_MAX_FORWARDS:
	case SL_FIELD_PROXY_AUTHENTICATE:
	case SL_FIELD_PROXY_AUTHORIZATION:
	case SL_FIELD_X_REQUEST_ID:
		return "is set by the gateway itself";
	default:
		if (sl_tls_client_is_field(text))
			return "is set by the gateway itself, as 'client_headers' says";
		return is_gateway_field(text) ? "is set by the gateway itself" : NULL;
	}
}

const char *sl_check_response_field(struct sl_str text)
{
	enum sl_field_id id = sl_field_id_of(text);

	if (id == SL_FIELD_VIA)
		return "is set by the gateway itself, as 'forwarded' says";
	if (id == SL_FIELD_PROXY_AUTHENTICATE)
		return "is set by the gateway itself";
	return sl_check_field_name(text);
}

const char *sl_check_path_regex(struct sl_str text)
{
	return text.len ? NULL : "takes no path";
}

/* Routes see what upstreams get, and these they do not get as they came. */
const char *sl_check_match_header(struct sl_str text)
{
	if (!sl_is_token(text))
		return "is not the name of a header field";
	switch (sl_field_id_of(text)) {
	case SL_FIELD_HOST:
		return "is matched by 'hosts'";
	case SL_FIELD_EXPECT:
	case SL_FIELD_FORWARDED:
	case SL_FIELD_HTTP2_SETTINGS:
	case SL_FIELD_MAX_FORWARDS:
	case SL_FIELD_PROXY_AUTHENTICATE:
	case SL_FIELD_PROXY_AUTHORIZATION:
	case SL_FIELD_X_FORWARDED_FOR:
	case SL_FIELD_X_REQUEST_ID:
		return "is not passed on as it came, so no route can look at it";
	default:
		return is_gateway_field(text) || sl_tls_client_is_field(text)
			       ? "is not passed on as it came, so no route can look at it"
			       : NULL;
	}
}

const char *sl_check_match_parameter(struct sl_str text)
{
	return text.len ? NULL : "is not the name of a parameter";
}

const char *sl_check_match_value(struct sl_str text)
{
	if (sl_str_trim(text).len != text.len)
		return "has white space at an end, where no field has any";
	return sl_check_field_value(text);
}

uint64_t sl_auto_workers(void)
{
	cpu_set_t cpus;
	int nr;

	/* Fails where there are more CPUs than the set has room for. */
	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return WORKERS_MAX;
	nr = CPU_COUNT(&cpus);
	return nr > WORKERS_MAX ? WORKERS_MAX : (uint64_t)nr;
}

/* An exchange needs two descriptors: the client's and the upstream's. */
uint64_t sl_auto_connections(void)
{
	struct rlimit lim;
	uint64_t half;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return FD_RESERVE;
	half = lim.rlim_max / 2; /* the daemon raises its limit to that */
	if (half > UINT32_MAX)
		return UINT32_MAX;
	return half > 2ull * FD_RESERVE ? half - FD_RESERVE : FD_RESERVE;
}
