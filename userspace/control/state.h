/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of what survives a restart (gateway.state_dir), and the quotas in it. */
#ifndef SL_CONTROL_STATE_H
#define SL_CONTROL_STATE_H

#include <limits.h>

#include "control/daemon.h"

/* Its path, maybe within mem; NULL: there is none. */
const char *sl_state_directory(const struct sl_daemon *d, char mem[PATH_MAX]);
/* Makes it, unless it is there.  0 or -errno. */
int sl_state_make(const char *directory);

/* What quotas count in, and signatures are remembered in, once a configuration has some: before
 * workers see its rules.  Where there is no place for a file it is in memory, and the log tells
 * what is lost.  0 or -ENOMEM. */
int sl_state_open(struct sl_daemon *d, const struct sl_rules *rules);
/* Every now and then. */
void sl_state_tick(struct sl_daemon *d);

#endif
