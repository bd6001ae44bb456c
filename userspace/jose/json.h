/* SPDX-License-Identifier: Apache-2.0 */
/* JSON of strangers: strict, and bounded before anything is made of it. */
#ifndef SL_JOSE_JSON_H
#define SL_JOSE_JSON_H

#include <jansson.h>

#include "base/str.h"

enum { SL_JOSE_JSON_DEPTH = 16 }; /* the parser calls itself, and a fiber's stack is small */

/* An object, the caller's to put: UTF-8 without a NUL in it, no member twice, nothing behind it,
 * at most 16 deep.  0, -EBADMSG with `why` (may be NULL), or -ENOMEM. */
int sl_jose_json_read(struct sl_str text, json_t **ret_object, char why[JSON_ERROR_TEXT_LENGTH]);

/* Borrowed, as long as the object; ptr is NULL if there is no such string. */
struct sl_str sl_jose_json_string(const json_t *object, const char *name);
/* Is there a member that is no string? */
bool sl_jose_json_is_other(const json_t *object, const char *name);

#endif
