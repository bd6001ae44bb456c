/* SPDX-License-Identifier: Apache-2.0 */
/* Where the control socket is when the configuration does not say: for the daemon, and for whoever
 * looks for it. */
#ifndef SL_CONFIG_RUNDIR_H
#define SL_CONFIG_RUNDIR_H

#include <stdbool.h>

enum { SL_RUN_DIR_MAX = 64 };

/*
 * The first of these that applies: /run/sluice for root; $XDG_RUNTIME_DIR/sluice where that is set,
 * and of at most 63 bytes; /run/sluice where it is our own; /tmp/sluice-UID.  The last one is in a
 * directory where anybody may make one of that name: it is to be used only while
 * sl_run_dir_is_safe().
 */
void sl_run_dir_default(char ret_path[SL_RUN_DIR_MAX]);
/* Is it the one in /tmp? */
bool sl_run_dir_is_shared(const char *path);
/* A directory of our own, no link to one, that nobody else may enter; or not in /tmp. */
bool sl_run_dir_is_safe(const char *path);

#endif
