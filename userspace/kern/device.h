/* SPDX-License-Identifier: Apache-2.0 */
/* Network interfaces, as far as attaching a program to one needs to know them. */
#ifndef SL_KERN_DEVICE_H
#define SL_KERN_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "kern/gate.h"

struct sl_device {
	char name[SL_INTERFACE_NAME_MAX];
	char driver[32]; /* "virtio_net"; empty: it does not say */
	uint32_t ifindex, mtu;
	bool is_virtual; /* no hardware below it: veth, tun, a bridge, a VLAN, ... */
};

/* What is attached to an interface. */
struct sl_holder {
	uint32_t program; /* id; 0: nothing is attached */
	enum sl_attach_mode mode;
	char name[16]; /* of the program */
};

/* Of this network namespace.  0, or a negative errno and why: -ENODEV if there is none. */
int sl_device_find(const char *name, struct sl_device *ret_device, struct sl_why *why);
/* 0 or a negative errno. */
int sl_device_holder(uint32_t ifindex, struct sl_holder *ret_holder);
/*
 * Attaches a program as a link, in native mode or else generic.  The link's descriptor, or a
 * negative errno and why, with what the driver said.
 */
int sl_device_link(const struct sl_device *device, int program, enum sl_attach_mode mode,
		   struct sl_why *why);

#endif
