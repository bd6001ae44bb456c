/* SPDX-License-Identifier: Apache-2.0 */
/* What the routes of a configuration are, and which one takes a request: as JSON, for people. */
#ifndef SL_CONFIG_ROUTES_H
#define SL_CONFIG_ROUTES_H

#include <jansson.h>

struct sl_rules;

/* Both are objects as sluice/admin.h has them, the caller's to put; NULL without memory. */
json_t *sl_routes_show(const struct sl_rules *rules);
/* Of METHOD, URL and any number of NAME:VALUE; at least two words.  { "error" } when no head can be
 * made of them: a control character, or more than fits in two lines of the control socket. */
json_t *sl_routes_match(const struct sl_rules *rules, char *const *word, unsigned nr);

#endif
