// SPDX-License-Identifier: Apache-2.0
// Where the body ends (RFC 9112 6), which host is meant, what is expected.

#include <errno.h>

#include "http/chars.h"
#include "http/uri.h"
#include "http1/parse.h"

enum { LENGTH_DIGITS = 19 };

/* 1*DIGIT; a list of equal lengths, which RFC 9110 8.6 lets us take, is refused with the rest. */
static int read_length(struct h1_in *in)
{
	struct sl_head *head = in->head;
	struct sl_str s = h1_value(in, SL_FIELD_CONTENT_LENGTH);
	uint64_t n = 0;

	if (in->repeated & H1_BIT(SL_FIELD_CONTENT_LENGTH))
		return h1_refuse(head, 400, "The message has several Content-Length fields.");
	if (s.len == 0 || s.len > LENGTH_DIGITS)
		return h1_refuse(head, 400, "Content-Length is not a number of 1 to 19 digits.");
	for (size_t i = 0; i < s.len; i++) {
		if (!sl_char_is(s.ptr[i], SL_CHAR_DIGIT))
			return h1_refuse(head, 400, "Content-Length is not a number.");
		n = n * 10 + (uint64_t)(s.ptr[i] - '0');
	}
	if (n > INT64_MAX)
		return h1_refuse(head, 400, "Content-Length is too large.");
	head->body = n ? SL_BODY_LENGTH : SL_BODY_NONE;
	head->body_len = n;
	return 0;
}

/* A coding that is not ours: 501 if it is one at all (RFC 9112 6.1), else 400. */
static int refuse_coding(struct h1_in *in, struct sl_str list)
{
	struct sl_str item;
	bool is_unknown = false;

	while (sl_str_list_next(&list, &item)) {
		if (!sl_is_token(item))
			return h1_refuse(in->head, 400, "Transfer-Encoding is malformed.");
		if (!sl_str_ieq(item, SL_S("chunked")))
			is_unknown = true;
		else if (is_unknown || list.ptr)
			return h1_refuse(in->head, 400, "chunked is not the only transfer coding.");
	}
	return h1_refuse(in->head, 501, "The transfer coding is not known here.");
}

static int read_coding(struct h1_in *in)
{
	struct sl_head *head = in->head;
	struct sl_str coding = h1_value(in, SL_FIELD_TRANSFER_ENCODING);

	/* RFC 9112 6.1: whoever put it into HTTP/1.0 got the framing from elsewhere. */
	if (head->minor == 0)
		return h1_refuse(head, 400, "HTTP/1.0 has no Transfer-Encoding.");
	if (h1_has(in, SL_FIELD_CONTENT_LENGTH))
		return h1_refuse(head, 400, "Transfer-Encoding and Content-Length stand together.");
	if (in->repeated & H1_BIT(SL_FIELD_TRANSFER_ENCODING))
		return h1_refuse(head, 400, "The message has several Transfer-Encoding fields.");
	if (!sl_str_ieq(coding, SL_S("chunked")))
		return refuse_coding(in, coding);
	head->body = SL_BODY_CHUNKED;
	return 0;
}

/* RFC 9112 6.3, what requests and responses have in common; SL_BODY_NONE when nothing says more. */
static int read_framing(struct h1_in *in)
{
	if (h1_has(in, SL_FIELD_TRANSFER_ENCODING))
		return read_coding(in);
	if (h1_has(in, SL_FIELD_CONTENT_LENGTH))
		return read_length(in);
	return 0;
}

/* RFC 9112 3.2: an absolute target wins over Host, but Host must be there and be sound. */
static int read_host(struct h1_in *in)
{
	struct sl_head *head = in->head;
	struct sl_str authority, host, port;

	if (!h1_has(in, SL_FIELD_HOST))
		return head->minor == 0 ? 0
					: h1_refuse(head, 400, "The request has no Host field.");
	if (in->repeated & H1_BIT(SL_FIELD_HOST))
		return h1_refuse(head, 400, "The request has several Host fields.");
	authority = h1_value(in, SL_FIELD_HOST);
	if (!sl_authority_split(authority, &host, &port))
		return h1_refuse(head, 400, "The Host field does not hold a valid host.");
	if (head->form == SL_TARGET_ABSOLUTE)
		return 0;
	head->authority = authority;
	head->host = host;
	return 0;
}

/* RFC 9110 10.1.1 */
static int read_expect(struct h1_in *in)
{
	struct sl_head *head = in->head;

	if (!h1_has(in, SL_FIELD_EXPECT))
		return 0;
	if ((in->repeated & H1_BIT(SL_FIELD_EXPECT)) ||
	    !sl_str_ieq(h1_value(in, SL_FIELD_EXPECT), SL_S("100-continue")))
		return h1_refuse(head, 417, "Only 100-continue can be expected here.");
	head->expect_continue = head->minor == 1;
	return 0;
}

int h1_request_judge(struct h1_in *in)
{
	int ret = read_host(in);

	if (ret < 0)
		return ret;
	ret = read_framing(in);
	if (ret < 0)
		return ret;
	return read_expect(in);
}

/* RFC 9110 8.6, RFC 9112 6.1: 1xx and 204 carry no framing fields.  One that does may have a body
 * behind it, which must not be taken for the next response; and the fields go no further. */
static void distrust_framing(struct h1_in *in)
{
	struct sl_head *head = in->head;

	if (head->body != SL_BODY_NONE)
		head->keep_alive = false;
	for (size_t i = 0; i < head->fields_nr; i++)
		if (head->fields[i].id == SL_FIELD_CONTENT_LENGTH)
			head->fields[i].is_hop = true;
}

int h1_response_judge(struct h1_in *in, enum sl_method request_method)
{
	struct sl_head *head = in->head;
	bool is_bare = head->status < 200 || head->status == 204;
	int ret = read_framing(in);

	if (ret < 0)
		return ret;
	if (is_bare)
		distrust_framing(in);
	if (is_bare || head->status == 304 || request_method == SL_METHOD_HEAD) {
		head->body = SL_BODY_NONE;
		head->body_len = 0;
		return 0;
	}
	if (!h1_has(in, SL_FIELD_TRANSFER_ENCODING) && !h1_has(in, SL_FIELD_CONTENT_LENGTH)) {
		head->body = SL_BODY_UNTIL_CLOSE;
		head->keep_alive = false;
	}
	return 0;
}
