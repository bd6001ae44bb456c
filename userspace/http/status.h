/* SPDX-License-Identifier: Apache-2.0 */
/* Status codes and their reason phrases (RFC 9110 15). */
#ifndef SL_HTTP_STATUS_H
#define SL_HTTP_STATUS_H

#include "base/str.h"

/* "Unknown" for a number without a registered phrase. */
struct sl_str sl_status_reason(unsigned status);

#endif
