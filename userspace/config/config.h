/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a configuration file into rules, and says of every fault where it is. */
#ifndef SL_CONFIG_CONFIG_H
#define SL_CONFIG_CONFIG_H

#include <jansson.h>
#include <stdio.h>

#include "gate/rules.h"

/* What is to be replaced: addresses of names that it knows are not waited for. */
struct sl_config_after {
	const struct sl_rules *running; /* NULL: nothing runs yet */
	int changed_fd; /* eventfd: the addresses of a name are others now; -1: nobody asks */
	bool is_trial;	/* what this machine lacks of it is a fault too: sl_config_try() */
};

/* Reads the file and what it includes; after may be NULL.  All faults are found in one run; each is
 * printed to errors (may be NULL) as FILE:LINE:COL: POINTER: what is wrong (and what to write
 * instead) 0 with *ret_rules (the caller's to free); -EINVAL; or the errno of an unreadable file.
 */
int sl_config_load(const char *path, const struct sl_config_after *after, FILE *errors,
		   struct sl_rules **ret_rules);
/* The same from memory; name stands for the file in messages, and includes are relative to it. */
int sl_config_parse(struct sl_str text, const char *name, const struct sl_config_after *after,
		    FILE *errors, struct sl_rules **ret_rules);
void sl_config_free(struct sl_rules *rules); /* NULL is fine */

enum sl_show {
	SL_SHOW_WRITTEN,   /* as it is written, all files merged */
	SL_SHOW_EFFECTIVE, /* with every default, and no shorthand */
};

/* The configuration as one JSON object, the caller's to put.  What is substituted may be a secret:
 * "${NAME}" stands there as it is written.  0 or -ENOMEM. */
int sl_config_show(const struct sl_rules *rules, enum sl_show what, json_t **ret_document);
/*
 * What changes from one configuration to the other: an array, the caller's to put, of
 *   { "pointer": RFC 6901, "name": of the route if it has one, "old": value, "new": value }
 * without "old" for what is added, without "new" for what is removed.  The pointer is into the
 * fresh one, and into the running one for what is removed.  A key that is not written has its
 * default.  Routes are the same by their name, or in their order where they have none; the place
 * of a route among the others is no difference.  What a substitution stands for is not compared.
 * 0 or -ENOMEM.
 */
int sl_config_diff(const struct sl_rules *running, const struct sl_rules *fresh,
		   json_t **ret_changes);

/* JSON Schema 2020-12 of the configuration, from the tables that the reader itself works by. */
void sl_config_print_schema(FILE *to);
/* The section KEYS of sluice.json(5), from the same tables. */
void sl_config_print_manual(FILE *to);

#endif
