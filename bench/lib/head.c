// SPDX-License-Identifier: Apache-2.0
// Reads request and response heads.
#include "head.h"

#include <errno.h>

/* What all heads have: a first line, fields, and what they say of the body. */
struct head {
	struct sl_str line, fields;
	size_t len;
	uint64_t body_len;
	bool close, chunked;
};

/* Cuts s at the first sep: answers with what was before it and leaves s what is after it. */
static struct sl_str cut(struct sl_str *s, struct sl_str sep)
{
	const char *at = memmem(s->ptr, s->len, sep.ptr, sep.len);
	struct sl_str before = { s->ptr, at ? (size_t)(at - s->ptr) : s->len };
	size_t used = at ? before.len + sep.len : s->len;

	*s = (struct sl_str){ s->ptr + used, s->len - used };
	return before;
}

static int parse_length(struct sl_str digits, uint64_t *ret_len)
{
	uint64_t len = 0;

	if (!digits.len || digits.len > 18) /* 10^18 fits 64 bits */
		return -EBADMSG;
	for (size_t i = 0; i < digits.len; i++) {
		if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
			return -EBADMSG;
		len = len * 10 + (uint64_t)(digits.ptr[i] - '0');
	}
	*ret_len = len;
	return 0;
}

bool bench_field_next(struct sl_str *fields, struct sl_str *ret_name, struct sl_str *ret_value)
{
	if (!fields->len)
		return false;
	*ret_value = cut(fields, SL_S("\r\n"));
	*ret_name = cut(ret_value, SL_S(":"));
	*ret_value = sl_str_trim(*ret_value);
	return true;
}

static int parse_field(struct head *head, struct sl_str name, struct sl_str value)
{
	if (sl_str_ieq(name, SL_S("content-length")))
		return parse_length(value, &head->body_len);
	if (sl_str_ieq(name, SL_S("connection")))
		head->close |= sl_str_ieq(value, SL_S("close"));
	else if (sl_str_ieq(name, SL_S("transfer-encoding")))
		head->chunked = true;
	return 0;
}

static int parse_head(struct sl_str in, size_t max, struct head *head)
{
	const char *end = memmem(in.ptr, in.len, "\r\n\r\n", 4);
	struct sl_str left, name, value;

	if (!end)
		return in.len < max ? -EAGAIN : -EBADMSG;
	head->len = (size_t)(end - in.ptr) + 4;
	head->fields = (struct sl_str){ in.ptr, head->len - 2 };
	head->line = cut(&head->fields, SL_S("\r\n"));
	left = head->fields;
	while (bench_field_next(&left, &name, &value))
		if (parse_field(head, name, value) < 0)
			return -EBADMSG;
	return 0;
}

int bench_request_parse(struct sl_str in, size_t max, struct request *ret_req)
{
	struct head head = { .body_len = 0 };
	struct request req;
	int ret = parse_head(in, max, &head);

	if (ret < 0)
		return ret;
	req = (struct request){ .fields = head.fields,
				.head_len = head.len,
				.body_len = head.body_len,
				.close = head.close,
				.chunked = head.chunked };
	req.method = cut(&head.line, SL_S(" "));
	req.path = cut(&head.line, SL_S(" "));
	if (!req.method.len || !req.path.len || !sl_str_starts(head.line, SL_S("HTTP/1.")))
		return -EBADMSG;
	req.close |= sl_str_eq(head.line, SL_S("HTTP/1.0"));
	*ret_req = req;
	return 0;
}

int bench_response_parse(struct sl_str in, size_t max, struct response *ret_res)
{
	struct head head = { .body_len = 0 };
	struct sl_str version;
	uint64_t status;
	int ret = parse_head(in, max, &head);

	if (ret < 0)
		return ret;
	version = cut(&head.line, SL_S(" "));
	if (!sl_str_starts(version, SL_S("HTTP/1.")) || head.chunked)
		return -EBADMSG;
	if (parse_length(cut(&head.line, SL_S(" ")), &status) < 0 || status > 999)
		return -EBADMSG;
	*ret_res = (struct response){ .status = (int)status,
				      .head_len = head.len,
				      .body_len = head.body_len,
				      .close = head.close || sl_str_eq(version, SL_S("HTTP/1.0")) };
	return 0;
}
