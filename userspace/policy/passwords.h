/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords are checked by a thread of their own: their hashes are made to take long. */
#ifndef SL_POLICY_PASSWORDS_H
#define SL_POLICY_PASSWORDS_H

#include "base/str.h"
#include "core/loop.h"
#include "net/addr.h"

enum {
	SL_PASSWORD_MAX = 255,
	SL_PASSWORD_HASH_MAX = 255,
	SL_PASSWORDS_WAITING = 64,	 /* beyond, nobody is let in who was not there before */
	SL_PASSWORDS_WAITING_CLIENT = 4, /* of one client: it does not shut others out */
};

struct sl_passwords;

/* Starts the thread.  0 or a negative errno. */
int sl_passwords_start(struct sl_passwords **ret_passwords);
/* Call it when no loop runs that has asked anything.  NULL is fine. */
void sl_passwords_stop(struct sl_passwords *passwords);

/* In a fiber, which waits: 1 if it is the password of this hash, or 0; -EBUSY: too many wait
 * already, of this client or in all, or it has taken too long; -ECANCELED; -ENOMEM. */
int sl_passwords_check(struct sl_passwords *passwords, struct sl_loop *loop,
		       const struct sl_ip *client, struct sl_str hash, struct sl_str password);

#endif
