/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines that a template describes: compiled into pieces when the configuration is read. */
#ifndef SL_OBSERVE_TEMPLATE_H
#define SL_OBSERVE_TEMPLATE_H

#include "base/arena.h"
#include "observe/format.h"

enum { SL_LOG_TEMPLATE_MAX = 4096, SL_LOG_PIECES_MAX = 256, SL_LOG_VARIABLES_MAX = 64 };

/* "json", "combined", "common"; NULL ends them. */
extern const char *const sl_log_formats[];
/* The names of all variables; NULL ends them. */
void sl_log_variable_names(const char *ret_names[SL_LOG_VARIABLES_MAX]);

/*
 * text is one of sl_log_formats or a template: "$name" or "${name}" is a variable, "$$" a dollar.
 * Pieces come from the arena and hold no part of text.  0; -ENOMEM; -ENOENT when text is neither a
 * known word nor has a variable; -EINVAL with *ret_why, or with *ret_variable (part of text) when
 * nobody knows that variable.
 */
int sl_log_format_parse(struct sl_log_format *f, struct sl_str text, struct sl_arena *arena,
			const char **ret_why, struct sl_str *ret_variable);
/* As sl_log_format_print(), for a format that has pieces. */
void sl_template_print(const struct sl_log_format *f, const struct sl_redact *redact,
		       struct sl_wall *wall, uint64_t now_ns, struct sl_out *o,
		       const struct sl_access *a);

#endif
