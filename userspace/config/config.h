/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a configuration file into rules, and says of every fault where it is. */
#ifndef SL_CONFIG_CONFIG_H
#define SL_CONFIG_CONFIG_H

#include <stdio.h>

#include "gate/rules.h"

/* Reads the file and what it includes.  All faults are found in one run; each is printed to errors
 * (may be NULL) as
 *   FILE:LINE:COL: POINTER: what is wrong (and what to write instead)
 * 0 with *ret_rules (the caller's to free); -EINVAL; or the errno of an unreadable file. */
int sl_config_load(const char *path, FILE *errors, struct sl_rules **ret_rules);
/* The same from memory; name stands for the file in messages, and includes are relative to it. */
int sl_config_parse(struct sl_str text, const char *name, FILE *errors,
		    struct sl_rules **ret_rules);
void sl_config_free(struct sl_rules *rules); /* NULL is fine */

/* JSON Schema 2020-12 of the configuration, from the tables that the reader itself works by. */
void sl_config_print_schema(FILE *to);

#endif
