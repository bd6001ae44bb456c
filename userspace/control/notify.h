/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the service manager about our state (sd_notify(3)), without linking its library. */
#ifndef SL_CONTROL_NOTIFY_H
#define SL_CONTROL_NOTIFY_H

/* Does nothing unless $NOTIFY_SOCKET is set. */
void sl_notify(const char *state);

#endif
