/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's hold on the kernel half, and what its workers enforce themselves. */
#ifndef SL_CONTROL_KERNEL_H
#define SL_CONTROL_KERNEL_H

#include <jansson.h>
#include <stdio.h>

#include "control/daemon.h"
#include "control/loader.h"
#include "kern/gate.h"
#include "kern/rules.h"
#include "kern/sweep.h"

/* What a successor that comes to nothing may have changed there. */
struct sl_kernel_lent {
	struct sl_gcra_rate rates[SL_CREDITS], syns;
	uint32_t flags; /* enum sl_flag */
	struct sl_interface interfaces[SL_INTERFACES_MAX];
};

/* One for the daemon's life; made while it is still root. */
struct sl_kernel {
	struct sl_gate gate;
	struct sl_loader loader;
	char pins[SL_PINS_MAX];
	bool is_open;		   /* there are maps */
	bool is_listed;		   /* the pinned list has the configuration's entries */
	bool is_list_lost;	   /* `lost` is about that */
	uint64_t retry_ns;	   /* when it is tried again */
	struct sl_gcra_set *cells; /* the kernel's, mapped */
	uint32_t image_id;	   /* of the pinned list that workers look things up in */
	struct sl_image own_image; /* of the configuration that runs */
	struct sl_sweep sweep;
	struct sl_why lost;	    /* what the kernel does not do, why, and how to get it; "" */
	bool is_behind;		    /* the pinned list has changed, and we cannot read it: told */
	struct sl_kernel_lent lent; /* as it was when the last successor was started */
};

/* Loads, attaches and publishes what d->rules say; and, where root is about to be given up, starts
 * the process that will do so when it is gone.  0, or a negative
 * errno, logged: the configuration says "require", or there is no memory. */
int sl_kernel_start(struct sl_daemon *d);
/* What another configuration needs, as far as it can fail: called before workers go over.  0, or a
 * negative errno, logged, and told to errors unless that is NULL; then nothing has changed. */
int sl_kernel_change(struct sl_daemon *d, const struct sl_rules *fresh, FILE *errors);
/* Before a successor is started, which goes over to a configuration of its own; and when it has
 * failed: what runs here holds there again. */
void sl_kernel_lend(struct sl_daemon *d);
void sl_kernel_take_back(struct sl_daemon *d);
/* Now and then: follows what sluicectl has done to the pinned list and to interfaces. */
void sl_kernel_tick(struct sl_daemon *d);
/* When no worker runs any more.  What is attached stays, and enforces. */
void sl_kernel_free(struct sl_daemon *d);

/* For "status". */
json_t *sl_kernel_status(struct sl_daemon *d);

#endif
