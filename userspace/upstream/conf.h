/* SPDX-License-Identifier: Apache-2.0 */
/* What an upstream is to be: its targets and how to talk to them. */
#ifndef SL_UPSTREAM_CONF_H
#define SL_UPSTREAM_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "net/addr.h"

enum sl_balance { SL_BALANCE_ROUND_ROBIN };

enum sl_proxy_version { SL_PROXY_OFF, SL_PROXY_V1, SL_PROXY_V2 };

struct sl_target_conf {
	const char *name; /* as written in the configuration: for logs and status */
	const char *host; /* the same with all that is substituted in it: as a Host field has it */
	struct sl_addr address;
	uint32_t weight; /* 1..1000 */
};

struct sl_upstream_conf {
	const char *name;
	struct sl_target_conf *targets;
	uint32_t targets_nr; /* at least 1 */
	enum sl_balance balance;
	uint64_t connect_timeout_ns;
	uint64_t response_timeout_ns; /* from the last byte of the request to the first of the
					 answer */
	uint64_t idle_timeout_ns;     /* an unused connection is closed after this */
	uint64_t down_for_ns; /* a target that refused a connection is left alone for this long */
	uint32_t idle_connections; /* kept open at the most, for each worker and target */
	enum sl_proxy_version send_proxy;
};

#endif
