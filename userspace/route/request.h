/* SPDX-License-Identifier: Apache-2.0 */
/* What routes look at in a request. */
#ifndef SL_ROUTE_REQUEST_H
#define SL_ROUTE_REQUEST_H

#include <stdbool.h>

#include "base/str.h"
#include "http/field.h"
#include "http/method.h"

struct sl_regex_scratch;

struct sl_route_request {
	struct sl_str host;  /* in any case, without port; may be empty */
	struct sl_str path;  /* normalised */
	struct sl_str query; /* as it is sent, without '?' */
	enum sl_method method;
	const struct sl_field *fields; /* of the head, in their order */
	unsigned fields_nr;
	/* Whether upstreams get a field: routes do not see what upstreams do not.  NULL: they get
	 * all of them. */
	bool (*is_seen)(const void *context, const struct sl_field *f);
	const void *context;
	/* For expressions; NULL only where no route has any. */
	struct sl_regex_scratch *scratch;
};

#endif
