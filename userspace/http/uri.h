/* SPDX-License-Identifier: Apache-2.0 */
/* The request target, brought to the one form that routes, policies and upstreams all see. */
#ifndef SL_HTTP_URI_H
#define SL_HTTP_URI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum sl_encoded_slash {
	SL_ENCODED_SLASH_REFUSE, /* %2F and %5C in a path: 400 */
	SL_ENCODED_SLASH_KEEP, /* kept as written, unless decoding them would make a dot segment */
};

struct sl_uri {
	struct sl_str path;  /* starts with '/' */
	struct sl_str query; /* without '?'; ptr is NULL when there is no '?' at all */
};

/* Room that sl_uri_normalize needs at the most for a target of len bytes. */
#define SL_URI_ROOM(len) (3 * (len))

/*
 * Normalises an origin-form target (RFC 9112 3.2.1), or "?query", whose path is "/", in this order:
 *   - '#', a control character, SP or DEL anywhere: refused; a '\' in the path too
 *   - the path ends at the first '?'; the query is kept byte for byte (bytes >= 0x80 are
 *     percent-encoded, a broken %-escape in it is left alone: queries are not paths)
 *   - a broken %-escape and %00 in the path: refused
 *   - %XX of an unreserved character is decoded, other escapes get upper-case digits
 *     (RFC 3986 6.2.2); bytes >= 0x80 and the characters  " < > ^ ` { | }  are percent-encoded
 *   - "//" becomes "/"
 *   - dot segments are removed (RFC 3986 5.2.4); one that would climb above the root is refused
 *   - a segment that is "." or ".." up to its first ';' (or "%3B") is refused: servers that cut
 *     path parameters before they look for dots would climb ("/a/..;/b"); other ';' are kept
 *   - encoded slashes and backslashes: by `slash`
 * The result is a fixed point: normalising it again changes nothing.
 *
 * ret_uri points into raw where nothing had to change, else into mem (SL_URI_ROOM(raw.len) bytes).
 * Returns 0, or -EBADMSG with *ret_why set to a sentence for the client.
 */
int sl_uri_normalize(struct sl_str raw, enum sl_encoded_slash slash, char *mem,
		     struct sl_uri *ret_uri, const char **ret_why);

/* uri-host [ ":" port ] of RFC 9110 7.2: a registered name of letters, digits, "-", "_", ".", an
 * IPv4 address or a bracketed IPv6 address; a port is 1 to 5 digits, 0 to 65535.  ret_host is
 * without the port.  False when malformed or empty. */
bool sl_authority_split(struct sl_str authority, struct sl_str *ret_host, struct sl_str *ret_port);

#endif
