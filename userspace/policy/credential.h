/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials in a request: found, and taken out, for they are shown to us alone. */
#ifndef SL_POLICY_CREDENTIAL_H
#define SL_POLICY_CREDENTIAL_H

#include <errno.h>

#include "policy/policy.h"

/*
 * Each takes what has this name out of the request: whoever looks at it from now on does not see
 * it.  1 with *ret_value, which lasts as long as the request; 0: there is none; -EEXIST: there are
 * several, of which two readers could take different ones (all are taken out); -ENOMEM.
 */

/* A field.  Of Authorization, what stands behind one of the schemes "Bearer", "Key" and "ApiKey"; a
 * field with another scheme is left as it is. */
int sl_credential_take_field(struct sl_policy_call *call, struct sl_str name,
			     struct sl_str *ret_value);
/* What stands behind Authorization's scheme "Basic". */
int sl_credential_take_basic(struct sl_policy_call *call, struct sl_str *ret_value);
/* A parameter of the query; the value is decoded (%XX and '+'), the name is looked for as it is
 * written. */
int sl_credential_take_query(struct sl_policy_call *call, struct sl_str name,
			     struct sl_str *ret_value);
/* A pair in Cookie (RFC 6265 4.2.1); quotes around the value are not part of it. */
int sl_credential_take_cookie(struct sl_policy_call *call, struct sl_str name,
			      struct sl_str *ret_value);

#endif
