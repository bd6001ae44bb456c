/* SPDX-License-Identifier: Apache-2.0 */
/* Routes and requests for tests, written as short texts. */
#ifndef TESTS_LIB_ROUTES_H
#define TESTS_LIB_ROUTES_H

#include "route/table.h"

enum { ROUTES_CONDITIONS_MAX = 4, ROUTES_FIELDS_MAX = 8, ROUTES_HOSTS_MAX = 3 };

/* Memory that a route points into; the texts stay the caller's. */
struct routes_memory {
	struct sl_str hosts[ROUTES_HOSTS_MAX];
	struct sl_condition headers[ROUTES_CONDITIONS_MAX], queries[ROUTES_CONDITIONS_MAX];
	char text[256];
};

/*
 * Conditions as words: "h:NAME=VALUE" and "q:NAME=VALUE" for a value, "h:NAME" for one that is
 * there, "h:!NAME" for one that is not, "h:NAME~REGEX" for an expression.  Aborts when there are
 * too many.
 */
void routes_set_conditions(struct sl_route *route, struct routes_memory *mem, const char *words);

/* Lines "name: value" with '\n' between them; returns how many. */
unsigned routes_fields(const char *lines, struct sl_field fields[ROUTES_FIELDS_MAX]);

#endif
