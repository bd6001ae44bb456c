/* SPDX-License-Identifier: Apache-2.0 */
/* From the section "kernel" to lists and limits, for either half. */
#ifndef SL_KERN_RULES_H
#define SL_KERN_RULES_H

#include "kern/gate.h"
#include "kern/guard.h"

#define SL_CONFIG_LIST "config" /* the list that the configuration's entries are in */

/* Whether two configurations have the same entries. */
bool sl_kernel_is_same_list(const struct sl_kernel_conf *a, const struct sl_kernel_conf *b);
/* The configuration's entries, appended.  0, -ENOMEM, or -E2BIG: too many different ones. */
int sl_kernel_list(struct sl_prefixes *list, const struct sl_kernel_conf *conf);
/* Publishes those of the configuration in the place of those that the pinned list has of it; others
 * stay.  0, or a negative errno and why. */
int sl_kernel_publish(struct sl_gate *gate, const struct sl_prefixes *config, struct sl_why *why);
/* An image in our own memory, the caller's to free(), with no lines if there is no entry.  0, or a
 * negative errno and why. */
int sl_kernel_compile(const struct sl_kernel_conf *conf, struct sl_image *ret_image,
		      struct sl_why *why);
/* The limits that are configured, and those that `before` (may be NULL) had and are gone, go into
 * control; others are left alone, as are flags but SHADOW and PORTS. */
void sl_kernel_set_limits(struct sl_control *c, const struct sl_kernel_conf *conf,
			  const struct sl_kernel_conf *before);
/* What a SYN beyond the configured limit gets: a cookie if it is asked for and can_cookie, else
 * nothing.  Without a limit in the configuration the switch is left alone. */
void sl_kernel_set_cookies(struct sl_control *c, const struct sl_kernel_conf *conf,
			   bool can_cookie);
/* What a client may fail, and how many may be punished. */
void sl_kernel_set_punish(struct sl_guard_rules *r, const struct sl_punish_conf *conf);

#endif
