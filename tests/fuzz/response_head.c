// SPDX-License-Identifier: Apache-2.0
// Fuzzes response heads; the first byte of the input chooses the request's method.

#include "heads.h"

static struct sl_field fields[FUZZ_FIELDS];

static int parse(struct sl_head *head, const char *p, size_t len, enum sl_method method)
{
	char *copy = copy_exactly(p, len);
	int ret = sl_h1_response_parse(head, copy, len, &fuzz_limits, method);

	if (ret == -EBADMSG)
		must(head->error && head->error_status == 502);
	free(copy);
	return ret;
}

static void check_response(const struct sl_head *head, const char *p, int len,
			   enum sl_method method)
{
	check_head(head, p, len);
	check_framing(head);
	must(head->status >= 100 && head->status <= 599);
	must(is_inside(head->reason, p, len) && sl_is_field_value(head->reason));
	if (method == SL_METHOD_HEAD || head->status < 200 || head->status == 204 ||
	    head->status == 304)
		must(head->body == SL_BODY_NONE);
	if (head->body == SL_BODY_UNTIL_CLOSE)
		must(!head->keep_alive);
}

static void check_prefixes(const char *p, size_t size, int whole, enum sl_method method)
{
	struct sl_head head = { .fields = fields };
	size_t until = whole > 0 ? (size_t)whole : size;

	for (size_t n = 0; n < until; n++) {
		int ret = parse(&head, p, n, method);

		must(ret == -EAGAIN || ret == -EBADMSG);
		must(whole == -EBADMSG || ret == -EAGAIN);
		if (ret == -EBADMSG)
			return;
	}
	if (whole > 0)
		must(parse(&head, p, (size_t)whole, method) == whole);
}

/* The same bytes as a trailer section: what is accepted is as clean. */
static void check_trailers(const char *p, size_t size)
{
	struct sl_head head = { .fields = fields };
	int ret = sl_h1_trailers_parse(&head, p, size, &fuzz_limits);

	if (ret < 0)
		return;
	check_head(&head, p, ret);
	for (size_t i = 0; i < head.fields_nr; i++) {
		must(head.fields[i].is_hop || head.fields[i].id != SL_FIELD_CONTENT_LENGTH);
		must(head.fields[i].is_hop || head.fields[i].id != SL_FIELD_TRANSFER_ENCODING);
		must(head.fields[i].is_hop || head.fields[i].id != SL_FIELD_HOST);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_head head = { .fields = fields };
	enum sl_method method;
	char *p;
	int ret;

	if (size == 0)
		return 0;
	method = data[0] == 'H' ? SL_METHOD_HEAD : SL_METHOD_GET;
	size--;
	p = copy_exactly(data + 1, size);
	ret = sl_h1_response_parse(&head, p, size, &fuzz_limits, method);
	if (ret >= 0) {
		must((size_t)ret <= size);
		check_response(&head, p, ret, method);
	}
	check_prefixes(p, size, ret, method);
	check_trailers(p, size);
	free(p);
	return 0;
}
