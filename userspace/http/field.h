/* SPDX-License-Identifier: Apache-2.0 */
/* A header or trailer field (RFC 9110 5), and the names that the gateway itself acts on. */
#ifndef SL_HTTP_FIELD_H
#define SL_HTTP_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum sl_field_id {
	SL_FIELD_OTHER,
	SL_FIELD_AGE,
	SL_FIELD_AUTHORIZATION,
	SL_FIELD_CONNECTION,
	SL_FIELD_CONTENT_LENGTH,
	SL_FIELD_CONTENT_TYPE,
	SL_FIELD_DATE,
	SL_FIELD_EXPECT,
	SL_FIELD_FORWARDED,
	SL_FIELD_HOST,
	SL_FIELD_HTTP2_SETTINGS,
	SL_FIELD_KEEP_ALIVE,
	SL_FIELD_MAX_FORWARDS,
	SL_FIELD_PROXY_AUTHENTICATE,
	SL_FIELD_PROXY_AUTHORIZATION,
	SL_FIELD_PROXY_CONNECTION,
	SL_FIELD_REFERER,
	SL_FIELD_SERVER,
	SL_FIELD_TE,
	SL_FIELD_TRAILER,
	SL_FIELD_TRANSFER_ENCODING,
	SL_FIELD_UPGRADE,
	SL_FIELD_USER_AGENT,
	SL_FIELD_VIA,
	SL_FIELD_X_FORWARDED_FOR,
	SL_FIELD_X_FORWARDED_HOST,
	SL_FIELD_X_FORWARDED_PORT,
	SL_FIELD_X_FORWARDED_PROTO,
	SL_FIELD_X_REAL_IP,
	SL_FIELD_X_REQUEST_ID,
	SL_FIELDS_NR
};

/* Points into the bytes that were parsed; the value is without white space at its ends. */
struct sl_field {
	const char *name, *value;
	uint32_t value_len;
	uint16_t name_len;
	uint8_t id;  /* enum sl_field_id */
	bool is_hop; /* ends at this hop: RFC 9110 7.6.1, or named by Connection */
};

/* Case-insensitive. */
enum sl_field_id sl_field_id_of(struct sl_str name);
struct sl_str sl_field_name(enum sl_field_id id); /* lower case; "" for SL_FIELD_OTHER */

static inline struct sl_str sl_field_value(const struct sl_field *f)
{
	return (struct sl_str){ f->value, f->value_len };
}

/* token = 1*tchar (RFC 9110 5.6.2). */
bool sl_is_token(struct sl_str s);
/* No control character but HTAB; obs-text is let through (RFC 9110 5.5). */
bool sl_is_field_value(struct sl_str s);

#endif
