/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the document as they take effect.  Each gives a new reference, NULL without memory. */
#ifndef SL_CONFIG_SHOW_H
#define SL_CONFIG_SHOW_H

#include "config/key.h"

/* The value with all defaults in it, in the order of the tables. */
json_t *sl_key_fill(const struct sl_key *key, json_t *value);
/* NULL for a key without a default, too. */
json_t *sl_key_default(const struct sl_key *key);
/* A shorthand becomes the object that it stands for; anything else stays. */
json_t *sl_object_spell_out(const struct sl_object *object, json_t *value);

#endif
