// SPDX-License-Identifier: Apache-2.0
// Fuzz target of signed requests: a head, of which all that is said of signatures and digests is
// read.  What is signed has a line for each component, and nothing in it could be taken for another
// line.
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "policy/content_digest.h"
#include "policy/dictionary.h"
#include "policy/signed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS_MAX = 64 };

static void demand(bool held)
{
	if (!held)
		abort();
}

static bool is_within(struct sl_str part, struct sl_str all)
{
	return part.ptr >= all.ptr && part.ptr + part.len <= all.ptr + all.len;
}

static void check_base(const struct sl_signed *s, const struct sl_signed_request *req)
{
	struct sl_str base;
	unsigned lines = 0;
	int ret = sl_signed_base(s, req, &base);

	demand(ret == 0 || ret == -ENOENT || ret == -ENOMEM);
	if (ret < 0)
		return;
	for (size_t i = 0; i < base.len; i++)
		lines += base.ptr[i] == '\n';
	demand(lines == s->components_nr);
	demand(base.len >= s->params.len &&
	       memcmp(base.ptr + base.len - s->params.len, s->params.ptr, s->params.len) == 0);
}

static void check_inputs(struct sl_str inputs, const struct sl_signed_request *req)
{
	struct sl_member m;
	struct sl_signed s;

	while (sl_dictionary_next(&inputs, &m) > 0) {
		demand(m.name.len > 0 && m.name.len < 1 << 16);
		if (!sl_signed_read(m.value, &s))
			continue;
		demand(s.components_nr <= SL_SIGNED_COMPONENTS_MAX);
		for (unsigned i = 0; i < s.components_nr; i++) {
			demand(is_within(s.components[i], s.params));
			sl_signed_has(&s, req->head, s.components[i]);
		}
		demand(!s.keyid.ptr || is_within(s.keyid, s.params));
		if (!s.is_odd) /* as the policy does: others are refused before */
			check_base(&s, req);
	}
}

static void check_digest(struct sl_str value)
{
	struct sl_content_digest d;

	if (!sl_content_digest_init(&d, value))
		return;
	demand(d.has_sha256 || d.has_sha512);
	sl_content_digest_add(&d, value.ptr, value.len);
	demand(sl_content_digest_is_good(&d) == sl_content_digest_is_good(&d));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sl_head_limits limits = { 4096, 32768, FIELDS_MAX };
	struct sl_field fields[FIELDS_MAX];
	struct sl_head head = { .fields = fields };
	struct sl_arena arena;
	struct sl_signed_request req = { &head, size % 2, &arena };
	struct sl_str value;
	char mac[32];

	if (sl_h1_request_parse(&head, (const char *)data, size, &limits) <= 0)
		return 0;
	sl_arena_init(&arena, NULL, 0, 1 << 20);
	if (sl_signed_field(&req, SL_S("signature-input"), &value) > 0)
		check_inputs(value, &req);
	if (sl_signed_field(&req, SL_S("signature"), &value) > 0 &&
	    sl_dictionary_find(value, SL_S("s"), &value) > 0)
		sl_dictionary_bytes(value, mac, sizeof(mac));
	if (sl_signed_field(&req, SL_S("content-digest"), &value) > 0)
		check_digest(value);
	sl_arena_fini(&arena);
	return 0;
}
