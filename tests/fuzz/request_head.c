// SPDX-License-Identifier: Apache-2.0
// Fuzzes request heads: what is accepted is unambiguous, and no prefix or tail changes the answer.

#include "heads.h"

#include "http/uri.h"

static struct sl_field fields[FUZZ_FIELDS];

/* Parses p[0..len) from memory that ends right there. */
static int parse(struct sl_head *head, const char *p, size_t len)
{
	char *copy = copy_exactly(p, len);
	int ret = sl_h1_request_parse(head, copy, len, &fuzz_limits);

	if (ret == -EBADMSG)
		must(head->error && head->error_status >= 400 && head->error_status <= 505);
	free(copy);
	return ret;
}

static void check_request(const struct sl_head *head, const char *p, int len)
{
	struct sl_str host, port;

	check_head(head, p, len);
	check_framing(head);
	must(head->body != SL_BODY_UNTIL_CLOSE && head->minor <= 1);
	must(sl_is_token(head->method) && head->method_id == sl_method_of(head->method));
	must(head->method_id != SL_METHOD_CONNECT);
	must(head->target.len > 0);
	must(count(head, SL_FIELD_HOST) <= 1);
	must(head->minor == 0 || count(head, SL_FIELD_HOST) == 1);
	must((head->form == SL_TARGET_ASTERISK) == sl_str_eq(head->target, SL_S("*")));
	if (head->authority.len == 0) {
		must(head->minor == 0 && head->host.len == 0 && head->form != SL_TARGET_ABSOLUTE);
		return;
	}
	must(sl_authority_split(head->authority, &host, &port));
	must(sl_str_eq(host, head->host));
}

/* More bytes never mend a refusal, and an answer never depends on what follows. */
static void check_prefixes(const char *p, size_t size, int whole)
{
	struct sl_head head = { .fields = fields };
	size_t until = whole > 0 ? (size_t)whole : size;

	for (size_t n = 0; n < until; n++) {
		int ret = parse(&head, p, n);

		must(ret == -EAGAIN || ret == -EBADMSG);
		must(whole == -EBADMSG || ret == -EAGAIN);
		if (ret == -EBADMSG)
			return;
	}
	if (whole > 0)
		must(parse(&head, p, (size_t)whole) == whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_head head = { .fields = fields };
	char *p = copy_exactly(data, size);
	int ret = sl_h1_request_parse(&head, p, size, &fuzz_limits);

	if (ret >= 0) {
		must((size_t)ret <= size);
		check_request(&head, p, ret);
		must(sl_h1_head_end(p, size, 0) == (size_t)ret);
	}
	check_prefixes(p, size, ret);
	free(p);
	return 0;
}
