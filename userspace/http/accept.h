/* SPDX-License-Identifier: Apache-2.0 */
/* Which form of an answer a client would rather have (RFC 9110 12.5.1). */
#ifndef SL_HTTP_ACCEPT_H
#define SL_HTTP_ACCEPT_H

#include "http/field.h"

enum { SL_ACCEPT_TYPES_MAX = 8 };

/*
 * The index of the media type, written in lower case without parameters, that all Accept fields
 * together give the highest quality; of equals the first.  0 when they are silent, malformed, or
 * like none of them: RFC 9110 lets a server answer in its own way then.  Parameters but "q" are
 * not looked at.
 */
unsigned sl_accept_choose(const struct sl_field *fields, unsigned fields_nr,
			  const struct sl_str *types, unsigned types_nr);

#endif
