/* SPDX-License-Identifier: Apache-2.0 */
/* From root to the user that the configuration names. */
#ifndef SL_CONTROL_USER_H
#define SL_CONTROL_USER_H

#include "gate/rules.h"

/* Before the first thread: no program that we start may gain what we have not, not even by a
 * setuid bit. */
void sl_user_give_up_gaining(void);

/*
 * Started as root, the process becomes gateway.user for good: its groups, and of the capabilities
 * CAP_NET_BIND_SERVICE alone, which programs that it starts have too.  What only root may do comes
 * before; what comes after is what a reload and an upgrade can do as well.  The directory of the
 * control socket is made, for it may be below /run, which is root's.  0, or a negative errno,
 * logged: then end the process, as it may be half of each.
 */
int sl_user_become(const struct sl_rules *rules);

#endif
