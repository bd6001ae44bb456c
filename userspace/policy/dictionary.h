/* SPDX-License-Identifier: Apache-2.0 */
/* Structured fields (RFC 8941), as far as signatures need them: dictionaries, read strictly. */
#ifndef SL_POLICY_DICTIONARY_H
#define SL_POLICY_DICTIONARY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/str.h"

/* "name=value": the value as it is written, with its parameters; empty where there is no "=". */
struct sl_member {
	struct sl_str name, value;
};

/* Cuts the next member off the text of all lines, joined by commas: 1; 0: there is none left;
 * -EBADMSG: this is no dictionary. */
int sl_dictionary_next(struct sl_str *rest, struct sl_member *ret_member);
/* The member of that name: 1, 0 or -EBADMSG, which it is also if there are two of them: RFC 8941
 * takes the last one, and some take the first. */
int sl_dictionary_find(struct sl_str text, struct sl_str name, struct sl_str *ret_value);

/* A name at the front of the text (RFC 8941 3.1.2), or of nothing. */
struct sl_str sl_dictionary_key(struct sl_str text);

/* A byte sequence, ":base64:" and no parameters, of exactly `size` bytes. */
bool sl_dictionary_bytes(struct sl_str value, void *to, size_t size);

/* base64 with its padding, into at most `size` bytes: their number, or -EBADMSG. */
int sl_base64_read(struct sl_str text, void *to, size_t size);

#endif
