/* SPDX-License-Identifier: Apache-2.0 */
/* base64url as RFC 7515 section 2 has it: no padding, no line ends, and one spelling for each
 * value. */
#ifndef SL_JOSE_BASE64URL_H
#define SL_JOSE_BASE64URL_H

#include "base/str.h"

/* How many bytes so many characters stand for, at most. */
#define SL_BASE64URL_BYTES(chars) ((chars) / 4 * 3 + 2)

/* The number of bytes written to `to`, at most size; -EBADMSG: not base64url, a length that no
 * bytes have, or unused bits that are not zero; -EMSGSIZE: it is longer than that. */
int sl_base64url_read(struct sl_str text, void *to, size_t size);

#endif
