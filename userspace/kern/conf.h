/* SPDX-License-Identifier: Apache-2.0 */
/* Key "kernel": who is let in, who is not, and what a client may use up; in the kernel where that
 * is possible, else in userspace by the same rules. */
#ifndef SL_KERN_CONF_H
#define SL_KERN_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "net/addr.h"

enum sl_kernel_mode {
	SL_KERNEL_AUTO,
	SL_KERNEL_NATIVE,
	SL_KERNEL_GENERIC,
	SL_KERNEL_OFF,	   /* the kernel is left alone: all is enforced in userspace */
	SL_KERNEL_REQUIRE, /* as auto, and without it the gateway does not start */
};

enum sl_kernel_scope { SL_SCOPE_HOST, SL_SCOPE_PORTS };

/* In the order of the configuration's words. */
enum sl_listed_action { SL_LISTED_DROP, SL_LISTED_REJECT, SL_LISTED_SHADOW };

struct sl_listed {
	struct sl_net net;
	uint16_t port;	/* destination; 0: any */
	uint8_t action; /* enum sl_listed_action, of an entry of "deny" */
	struct sl_str reason;
};

/* So many in so long. */
struct sl_frequency {
	uint64_t nr, per_ns; /* nr 0: no limit */
};

struct sl_limit_conf {
	struct sl_frequency rate;
	uint64_t burst;
};

struct sl_client_limits {
	struct sl_limit_conf packets, bytes, connections;
};

struct sl_punish_conf {
	struct sl_frequency after; /* failures; nr 0: nobody is punished */
	uint64_t for_ns, max_ns;
	uint32_t budget; /* punishments in a minute at most, of all clients */
	bool shadow;
};

/* SYNs of all clients together, and what becomes of those beyond. */
struct sl_syn_flood_conf {
	struct sl_limit_conf limit;
	uint8_t answer; /* enum sl_syn_answer */
};

/* In the order of the configuration's words. */
enum sl_syn_answer { SL_SYN_COOKIE, SL_SYN_DROP };

struct sl_kernel_conf {
	bool is_there; /* the section is in the file */
	uint8_t mode;  /* enum sl_kernel_mode */
	uint8_t scope; /* enum sl_kernel_scope */
	bool shadow;   /* all of it counts, and lets pass */
	struct sl_str *interfaces;
	unsigned interfaces_nr;
	const char *pins;
	struct sl_listed *management, *allow, *deny;
	unsigned management_nr, allow_nr, deny_nr;
	struct sl_listed *proxies; /* not in the section: who speaks for others, and is allowed */
	unsigned proxies_nr;
	struct sl_client_limits limits;
	struct sl_syn_flood_conf syn_flood;
	struct sl_punish_conf punish;
};

#endif
