/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps what came by substitution out of messages. */
#ifndef SL_CONFIG_HIDE_H
#define SL_CONFIG_HIDE_H

#include <stddef.h>

/* Changes the message in text[size] about a value so that it shows what is written for it, never
 * what that stands for: not even a part of it. */
void sl_hide(char *text, size_t size, const char *written, const char *value);

#endif
