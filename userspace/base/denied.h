/* SPDX-License-Identifier: Apache-2.0 */
/* Why a file cannot be had, with the user who may not: a daemon that root started is not root any
 * more, and whoever reads the message may not know. */
#ifndef SL_BASE_DENIED_H
#define SL_BASE_DENIED_H

struct sl_denied {
	char text[160];
};

/* strerror(error), as part of *mem or not; for EACCES and EPERM of anybody but root: "Permission
 * denied for user NAME: it needs chown or chmod".  error is an errno, positive. */
const char *sl_denied(struct sl_denied *mem, int error);

#endif
