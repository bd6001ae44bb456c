/* SPDX-License-Identifier: Apache-2.0 */
/* From files to one document: reads what is included, and merges it. */
#ifndef SL_CONFIG_INCLUDE_H
#define SL_CONFIG_INCLUDE_H

#include "config/key.h"

/* Parses the first file and, as their "include" says, adds and parses the others.  False after a
 * fault that leaves the document incomplete, or without memory. */
bool sl_files_read(struct sl_reader *r);
/* What they say together, as they are written and without "include": a new reference; NULL without
 * memory.  Who says what somebody else has said is reported. */
json_t *sl_files_merge(struct sl_reader *r);

#endif
