/* SPDX-License-Identifier: Apache-2.0 */
/* From any thread to a loop's own: work for it, done between two turns. */
#ifndef SL_CORE_MAILBOX_H
#define SL_CORE_MAILBOX_H

#include "core/loop.h"

/* Belongs to the sender until it is posted, and to open() from then on. */
struct sl_mail {
	struct sl_mail *next;
	void (*open)(struct sl_mail *m); /* on the loop's thread, in no fiber */
};

/* Never waits; mails are opened in the order in which they were posted.  A loop that has ended
 * opens none. */
void sl_mail_post(struct sl_loop *loop, struct sl_mail *m);
/* For the loop: opens what has come. */
void sl_mail_open_all(struct sl_loop *loop);

#endif
