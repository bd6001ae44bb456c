/* SPDX-License-Identifier: Apache-2.0 */
/* "${NAME}" and "${file:/PATH}" in strings: what they stand for is put in their place. */
#ifndef SL_CONFIG_EXPAND_H
#define SL_CONFIG_EXPAND_H

#include "config/key.h"

/* Of a file that is substituted, and of all strings that something was substituted in. */
enum { SL_EXPAND_FILE_MAX = 64 << 10, SL_EXPAND_MAX_BYTES = 16 << 20 };

/*
 * A new reference to the document with all strings expanded: to the document itself where there is
 * nothing to do, else to a copy of what leads there.  What cannot be expanded is reported, and null
 * stands in its place.  NULL without memory.
 */
json_t *sl_expand(struct sl_reader *r, json_t *document);

#endif
