/* SPDX-License-Identifier: Apache-2.0 */
/* The files that the daemon's logs go to. */
#ifndef SL_CONTROL_LOG_H
#define SL_CONTROL_LOG_H

#include <stdio.h>

#include "control/daemon.h"

/* Opened, and not written to yet; -1: not open. */
struct sl_log_files {
	int access_fd, error_fd;
};

/* Opens what the rules name: without an access log that is nowhere, without an error log the
 * standard error that we were started with.  0, or a negative errno when the reason is logged, and
 * told to `errors` (NULL: to nobody) with its key: then each of them that could be opened is. */
int sl_log_files_open(struct sl_log_files *files, const struct sl_daemon *d,
		      const struct sl_logs *logs, FILE *errors);
void sl_log_files_fini(struct sl_log_files *files);
/* From now on the logs go there; what is not open goes on as it did.  The files are taken over. */
void sl_daemon_use_logs(struct sl_daemon *d, struct sl_log_files *files);
/* For log rotation.  0, or a negative errno as above: what could not be opened goes on in the old
 * file. */
int sl_daemon_reopen_logs(struct sl_daemon *d);

#endif
