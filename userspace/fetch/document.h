/* SPDX-License-Identifier: Apache-2.0 */
/* One document by HTTP, as a browser would get it but for all that would lead elsewhere: no
 * redirects, no proxies, no cookies.  libcurl does the work, on a thread that may wait. */
#ifndef SL_FETCH_DOCUMENT_H
#define SL_FETCH_DOCUMENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum {
	SL_FETCH_URL_MAX = 1024,
	SL_FETCH_BYTES_MAX = 1 << 20,
	SL_FETCH_TIMEOUT_S = 10, /* of all of it */
	SL_FETCH_WHY_BYTES = 200,
};

struct sl_fetch {
	const char *url;
	const char *ca; /* file in PEM; NULL: the system's authorities */
	const atomic_bool *is_given_up;
	/* What came of it. */
	char *text; /* the caller's to free; NULL: nothing */
	size_t len;
	int64_t max_age_s; /* of Cache-Control (RFC 9111 5.2.2.1); -1: it does not say */
	char why[SL_FETCH_WHY_BYTES];
};

/* NULL, or what is wrong with it: https://, or http:// to this machine alone, without a name and a
 * password. */
const char *sl_fetch_check_url(struct sl_str url);
/* True with the text of a 200; else `why`. */
bool sl_fetch_document(struct sl_fetch *f);
/* Before the first one, and before there are other threads that use libcurl.  False without
 * memory. */
bool sl_fetch_begin(void);

#endif
