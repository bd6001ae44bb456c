// SPDX-License-Identifier: Apache-2.0
// Start lines, and the way through one head: start line, fields, judgement.

#include "http1/head.h"

#include <errno.h>
#include <limits.h>

#include "http/chars.h"
#include "http/uri.h"
#include "http1/parse.h"

int h1_refuse(struct sl_head *head, unsigned status, const char *why)
{
	head->error_status = (uint16_t)status;
	head->error = why;
	head->keep_alive = false;
	return -EBADMSG;
}

static void begin(struct h1_in *in, struct sl_head *head, struct sl_str bytes,
		  const struct sl_head_limits *limits)
{
	/* A length is returned as int. */
	size_t most = limits->head_bytes < INT_MAX ? limits->head_bytes : INT_MAX;

	*head = (struct sl_head){ .fields = head->fields };
	in->pos = bytes.ptr;
	in->is_cut = bytes.len >= most;
	in->end = bytes.ptr + (in->is_cut ? most : bytes.len);
	in->head = head;
	in->limits = limits;
	in->seen = in->repeated = 0;
}

/* The start line ends here with its CRLF, or is too long; is_full when no byte can be added. */
static const char *line_end(const struct h1_in *in, bool *ret_is_full)
{
	size_t most = (size_t)in->limits->line_bytes + 2;
	size_t here = (size_t)(in->end - in->pos);

	*ret_is_full = in->is_cut || here >= most;
	return in->pos + (here < most ? here : most);
}

/* HTTP-version and CRLF: ten bytes (RFC 9112 2.3).  Sets in->pos behind them. */
static int read_version(struct h1_in *in, const char *p, const char *end)
{
	static const char shape[] = "HTTP/d.d\r\n";
	size_t n = end - p < 10 ? (size_t)(end - p) : 10;

	for (size_t i = 0; i < n; i++) {
		bool is_fit = shape[i] == 'd' ? sl_char_is(p[i], SL_CHAR_DIGIT) : p[i] == shape[i];

		if (!is_fit)
			return h1_refuse(
				in->head, 400,
				"The request line does not end in an HTTP version and CRLF.");
	}
	if (n < 10)
		return -EAGAIN;
	if (p[5] != '1' || p[7] > '1')
		return h1_refuse(in->head, 505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
	in->head->minor = (uint8_t)(p[7] - '0');
	in->pos = p + 10;
	return 0;
}

/* method SP request-target SP HTTP-version CRLF (RFC 9112 3), single spaces and nothing else. */
static int split_request_line(struct h1_in *in, const char *end)
{
	struct sl_head *head = in->head;
	const char *start = in->pos, *p = start;

	while (p < end && sl_char_is(*p, SL_CHAR_TOKEN))
		p++;
	if (p == end)
		return -EAGAIN;
	if (p == start || *p != ' ')
		return h1_refuse(head, 400, "The request line does not begin with a method.");
	head->method = (struct sl_str){ start, (size_t)(p - start) };

	start = ++p;
	p = sl_scan_graph(p, end);
	if (p == end)
		return -EAGAIN;
	if (p == start || *p != ' ')
		return h1_refuse(head, 400, "The request line has no well-formed target.");
	head->target = (struct sl_str){ start, (size_t)(p - start) };
	return read_version(in, p + 1, end);
}

static size_t scheme_len(struct sl_str target)
{
	static const struct sl_str schemes[] = { SL_STR("http://"), SL_STR("https://") };

	for (size_t i = 0; i < 2; i++) {
		struct sl_str start = { target.ptr, schemes[i].len };

		if (target.len >= start.len && sl_str_ieq(start, schemes[i]))
			return start.len;
	}
	return 0;
}

/* RFC 9112 3.2.2.  An empty path becomes "/", by sl_uri_normalize if a query follows. */
static int split_absolute(struct sl_head *head)
{
	size_t i, scheme = scheme_len(head->target);
	struct sl_str rest = { head->target.ptr + scheme, head->target.len - scheme };
	struct sl_str port;

	if (scheme == 0)
		return h1_refuse(head, 400,
				 "The target is neither a path nor an http or https URI.");
	for (i = 0; i < rest.len; i++)
		if (rest.ptr[i] == '/' || rest.ptr[i] == '?')
			break;
	head->authority = (struct sl_str){ rest.ptr, i };
	/* Userinfo, which RFC 9110 4.2.4 warns of, and a fragment fail this test too. */
	if (!sl_authority_split(head->authority, &head->host, &port))
		return h1_refuse(head, 400, "The target does not name a valid host.");
	head->form = SL_TARGET_ABSOLUTE;
	head->target = i < rest.len ? (struct sl_str){ rest.ptr + i, rest.len - i } : SL_S("/");
	return 0;
}

/* RFC 9112 3.2: the four forms of a target. */
static int judge_target(struct sl_head *head)
{
	head->method_id = sl_method_of(head->method);
	if (head->method_id == SL_METHOD_CONNECT)
		return h1_refuse(head, 501, "CONNECT is not offered here.");
	if (head->target.ptr[0] == '/') {
		head->form = SL_TARGET_ORIGIN;
		return 0;
	}
	if (!sl_str_eq(head->target, SL_S("*")))
		return split_absolute(head);
	if (head->method_id != SL_METHOD_OPTIONS)
		return h1_refuse(head, 400, "Only OPTIONS has the target '*'.");
	head->form = SL_TARGET_ASTERISK;
	return 0;
}

static int read_request_line(struct h1_in *in)
{
	const char *end;
	bool is_full;
	int ret;

	/* RFC 9112 2.2: some old clients send one CRLF too many after a body. */
	if (in->pos < in->end && *in->pos == '\r') {
		if (in->end - in->pos < 2)
			return -EAGAIN;
		if (in->pos[1] != '\n')
			return h1_refuse(in->head, 400, "A CR stands alone.");
		in->pos += 2;
	}
	end = line_end(in, &is_full);
	ret = split_request_line(in, end);
	if (ret == -EAGAIN && is_full)
		return h1_refuse(in->head, 414, "The request line is too long.");
	if (ret < 0)
		return ret;
	return judge_target(in->head);
}

int sl_h1_request_parse(struct sl_head *head, const char *p, size_t len,
			const struct sl_head_limits *limits)
{
	struct h1_in in;
	int ret;

	begin(&in, head, (struct sl_str){ p, len }, limits);
	ret = read_request_line(&in);
	if (ret < 0)
		return ret;
	ret = h1_fields_read(&in);
	if (ret < 0)
		return ret;
	ret = h1_connection_judge(&in);
	if (ret < 0)
		return ret;
	ret = h1_request_judge(&in);
	return ret < 0 ? ret : (int)(in.pos - p);
}

/* "HTTP/1.x SP 3DIGIT" (RFC 9112 4): the twelve bytes that a status line always has. */
static int read_status(struct h1_in *in, const char *end)
{
	static const char shape[] = "HTTP/1.d ddd";
	struct sl_head *head = in->head;
	const char *p = in->pos;
	size_t n = end - p < 12 ? (size_t)(end - p) : 12;

	for (size_t i = 0; i < n; i++) {
		bool is_fit = shape[i] == 'd' ? sl_char_is(p[i], SL_CHAR_DIGIT) : p[i] == shape[i];

		if (!is_fit)
			return h1_refuse(head, 502,
					 "The response does not begin with a status line.");
	}
	if (n < 12)
		return -EAGAIN;
	head->minor = (uint8_t)(p[7] - '0');
	head->status = (uint16_t)((p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0'));
	if (head->minor > 1 || head->status < 100 || head->status > 599)
		return h1_refuse(head, 502, "The response has an unknown version or status.");
	in->pos = p + 12;
	return 0;
}

/* Some servers leave out the space together with the reason: nothing can be misread in that. */
static int read_reason(struct h1_in *in, const char *end)
{
	const char *start = in->pos, *p = sl_scan_value(start, end);

	if (p > start && *start != ' ')
		return h1_refuse(in->head, 502, "The response's status is not three digits.");
	if (p == end)
		return -EAGAIN;
	if (*p != '\r' || (p + 1 < end && p[1] != '\n'))
		return h1_refuse(in->head, 502, "The response's status line does not end in CRLF.");
	if (p + 1 == end)
		return -EAGAIN;
	start += p > start;
	in->head->reason = (struct sl_str){ start, (size_t)(p - start) };
	in->pos = p + 2;
	return 0;
}

static int read_status_line(struct h1_in *in)
{
	bool is_full;
	const char *end = line_end(in, &is_full);
	int ret = read_status(in, end);

	if (ret == 0)
		ret = read_reason(in, end);
	if (ret == -EAGAIN && is_full)
		return h1_refuse(in->head, 502, "The response's status line is too long.");
	return ret;
}

static int parse_response(struct h1_in *in, enum sl_method request_method)
{
	int ret = read_status_line(in);

	if (ret < 0)
		return ret;
	ret = h1_fields_read(in);
	if (ret < 0)
		return ret;
	ret = h1_connection_judge(in);
	if (ret < 0)
		return ret;
	return h1_response_judge(in, request_method);
}

int sl_h1_response_parse(struct sl_head *head, const char *p, size_t len,
			 const struct sl_head_limits *limits, enum sl_method request_method)
{
	struct h1_in in;
	int ret;

	begin(&in, head, (struct sl_str){ p, len }, limits);
	ret = parse_response(&in, request_method);
	if (ret == -EBADMSG)
		head->error_status = 502; /* whatever a client would be told for the same fault */
	return ret < 0 ? ret : (int)(in.pos - p);
}

int sl_h1_trailers_parse(struct sl_head *head, const char *p, size_t len,
			 const struct sl_head_limits *limits)
{
	struct h1_in in;
	int ret;

	begin(&in, head, (struct sl_str){ p, len }, limits);
	ret = h1_fields_read(&in);
	if (ret < 0)
		return ret;
	h1_trailers_mark(head);
	return (int)(in.pos - p);
}

size_t sl_h1_head_end(const char *p, size_t len, size_t from)
{
	const char *end = p + len, *lf;

	if (from >= len)
		return 0;
	for (p += from; (lf = memchr(p, '\n', (size_t)(end - p))); p = lf + 1) {
		if (end - lf >= 2 && lf[1] == '\n')
			return (size_t)(lf + 2 - (end - len));
		if (end - lf >= 3 && lf[1] == '\r' && lf[2] == '\n')
			return (size_t)(lf + 3 - (end - len));
	}
	return 0;
}

const struct sl_field *sl_head_find(const struct sl_head *head, enum sl_field_id id)
{
	for (size_t i = 0; i < head->fields_nr; i++)
		if (head->fields[i].id == id)
			return &head->fields[i];
	return NULL;
}
