/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that are given out, changed and revoked while the daemon runs. */
#ifndef SL_CONTROL_KEYS_H
#define SL_CONTROL_KEYS_H

#include <stdbool.h>

#include "control/daemon.h"

struct sl_kept_key;

/* Makes the keys good that gateway.state_dir has.  0 or -ENOMEM; the gateway serves without that
 * directory, and the log tells what is lost: then d->store is NULL. */
int sl_keys_open(struct sl_daemon *d);
void sl_keys_close(struct sl_daemon *d);

/* Is there a d->store?  One that nobody has named is made now. */
bool sl_keys_can_keep(struct sl_daemon *d);

/* In memory, in all workers; what the key has open is cut off. */
void sl_keys_revoke(struct sl_daemon *d, struct sl_kept_key *key);

/* After a reload: whoever is served by a key that the file has no longer is cut off. */
void sl_keys_note_reload(struct sl_daemon *d, const struct sl_rules *old);

/* Every now and then: what another daemon with the same directory has changed is so here too. */
void sl_keys_tick(struct sl_daemon *d);

#endif
