/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the head of an HTTP/1.x message: start line, fields, and what they say of framing. */
#ifndef SL_HTTP1_HEAD_H
#define SL_HTTP1_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "http/field.h"
#include "http/method.h"

enum sl_body_kind {
	SL_BODY_NONE,
	SL_BODY_LENGTH,	     /* body_len bytes, more than 0 */
	SL_BODY_CHUNKED,     /* RFC 9112 7.1 */
	SL_BODY_UNTIL_CLOSE, /* responses only: RFC 9112 6.3, rule 8 */
};

enum sl_target_form { SL_TARGET_ORIGIN, SL_TARGET_ABSOLUTE, SL_TARGET_ASTERISK };

/* What a head may hold at the most. */
struct sl_head_limits {
	uint32_t line_bytes; /* start line, without CRLF */
	uint32_t head_bytes; /* all of it, with the empty line */
	uint16_t fields;     /* number of field lines; fields[] has this much room */
};

/* All of it points into the parsed bytes.  Set `fields` first; the parser sets the rest. */
struct sl_head {
	struct sl_field *fields; /* the caller's array of limits->fields elements */
	uint16_t fields_nr;
	uint8_t minor;	 /* HTTP/1.minor: 0 or 1 */
	bool keep_alive; /* this message leaves the connection open (RFC 9112 9.3) */
	bool is_upgrade; /* Connection: upgrade and an Upgrade field, over HTTP/1.1 */
	enum sl_body_kind body;
	uint64_t body_len;
	struct sl_str upgrade; /* the value of Upgrade; empty without is_upgrade */

	/* requests */
	enum sl_method method_id;
	struct sl_str method;
	enum sl_target_form form;
	/* Path and query; "*" in asterisk-form; "?query" for "http://host?query": sl_uri_normalize
	 * gives that its "/". */
	struct sl_str target;
	/* Of the target in absolute-form, else of Host; "" in HTTP/1.0 without Host. */
	struct sl_str authority;
	struct sl_str host;   /* authority without its port, brackets kept; a valid one */
	bool expect_continue; /* Expect: 100-continue over HTTP/1.1 */

	/* responses */
	uint16_t status;
	struct sl_str reason;

	/* After -EBADMSG: what to answer (requests: 400, 414, 417, 431, 501, 505; responses: 502),
	 * and a sentence that says why. */
	uint16_t error_status;
	const char *error;
};

/*
 * Parse one head at the start of p[0..len).  Return the length of the head with its empty line;
 * -EAGAIN when it is good so far but not complete; -EBADMSG when it is not acceptable, however
 * many bytes follow (head->error_status and head->error say why).  One strict pass: what two
 * readers could read differently is refused (bare CR or LF, NUL, obs-fold, white space before a
 * colon or before the first field, an empty line before the request line beyond one CRLF, several
 * Host or Content-Length fields, Content-Length with Transfer-Encoding, any transfer coding but a
 * single "chunked", any of those codings in HTTP/1.0).
 */
int sl_h1_request_parse(struct sl_head *head, const char *p, size_t len,
			const struct sl_head_limits *limits);
/* request_method: of the request that this answers; it tells whether a body follows (RFC 9112 6.3).
 * A 1xx is returned like any other head, with SL_BODY_NONE. */
int sl_h1_response_parse(struct sl_head *head, const char *p, size_t len,
			 const struct sl_head_limits *limits, enum sl_method request_method);
/* The trailer section behind a last chunk, with its empty line ("\r\n" alone is an empty section).
 * Fields that may not be trailers (framing, routing, authentication, content: RFC 9110 6.5.1) are
 * marked is_hop. */
int sl_h1_trailers_parse(struct sl_head *head, const char *p, size_t len,
			 const struct sl_head_limits *limits);

/* Index behind the first "\n\r\n" or "\n\n" at or after `from` (give it len of the last try, less
 * 3, or 0), 0 when there is none: parse again only then, so that a head that drips in costs linear
 * time.  An empty trailer section has no such end: it is "\r\n" and nothing before it. */
size_t sl_h1_head_end(const char *p, size_t len, size_t from);

/* The first field with this id, or NULL. */
const struct sl_field *sl_head_find(const struct sl_head *head, enum sl_field_id id);

#endif
