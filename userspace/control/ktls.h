/* SPDX-License-Identifier: Apache-2.0 */
/* What listeners leave to the kernel of their TLS (net/ktls.h), and what it could not take, for the
 * operator. */
#ifndef SL_CONTROL_KTLS_H
#define SL_CONTROL_KTLS_H

#include <jansson.h>

#include "gate/rules.h"

/* At the start: logs what the kernel lacks, once for all listeners. */
void sl_ktls_tell(const struct sl_rules *rules);
/* For "status": { "kernel_tls": mode, "lost": what the kernel lacks, or null }. */
json_t *sl_ktls_status(const struct sl_tls_conf *conf);

#endif
