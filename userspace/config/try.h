/* SPDX-License-Identifier: Apache-2.0 */
/* Whether this machine has what a configuration names: tried without leaving or taking anything. */
#ifndef SL_CONFIG_TRY_H
#define SL_CONFIG_TRY_H

#include "config/key.h"

/* Reports as faults, at their keys: the files of the logs, which are not made; user and group, if
 * root is to become them; the addresses of the listeners, where one that is taken is none, as a
 * daemon may run.  The rules are complete. */
void sl_config_try(struct sl_reader *r);

#endif
