/* SPDX-License-Identifier: Apache-2.0 */
/* Says why, and passes the error on. */
#ifndef SL_KERN_WHY_H
#define SL_KERN_WHY_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kern/gate.h"

/* Each returns error. */
__attribute__((format(printf, 3, 4))) static inline int sl_why_text(struct sl_why *why, int error,
								    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why->text, sizeof(why->text), format, args);
	va_end(args);
	return error;
}

static inline int sl_why_errno(struct sl_why *why, int error, const char *what)
{
	return sl_why_text(why, error, "%s: %s", what, strerror(-error));
}

#endif
