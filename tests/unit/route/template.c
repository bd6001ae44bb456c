// SPDX-License-Identifier: Apache-2.0
// Templates: the pieces that they fall into, and which braces are at fault.
#include "route/template.h"

#include "tap.h"

static const struct {
	const char *text, *pieces; /* names as <name>, what is broken as ! */
} facts[] = {
	{ "", "" },
	{ "x", "x" },
	{ "/{a}", "/<a>" },
	{ "{b}{a}{b}", "<b><a><b>" },
	{ "/v2/{b}/x?id={a}", "/v2/<b>/x?id=<a>" },
	{ "{}", "<>" },
	{ "{{", "{" },
	{ "}}", "}" },
	{ "{{a}}", "{a}" },
	{ "{{{a}}}", "{<a>}" },
	{ "{{\"a\":{{}}}}", "{\"a\":{}}" },
	{ "{", "!" },
	{ "}", "!" },
	{ "a}b", "a!" },
	{ "{a", "!" },
	{ "{a{b}", "!" },
	{ "{a}}", "<a>!" },
	{ "{{{", "{!" },
};

static struct sl_str take_apart(struct sl_str rest, char *mem)
{
	enum sl_template_piece kind;
	struct sl_str piece;
	size_t n = 0;

	while ((kind = sl_template_next(&rest, &piece)) != SL_TEMPLATE_END) {
		if (kind == SL_TEMPLATE_BROKEN) {
			mem[n++] = '!';
			break;
		}
		if (kind == SL_TEMPLATE_NAME)
			mem[n++] = '<';
		memcpy(mem + n, piece.ptr, piece.len);
		n += piece.len;
		if (kind == SL_TEMPLATE_NAME)
			mem[n++] = '>';
	}
	return (struct sl_str){ mem, n };
}

int main(void)
{
	char mem[64];

	for (unsigned i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		size_t len = strlen(facts[i].text);
		struct sl_str text = { guarded(facts[i].text, len), len };

		is_str(take_apart(text, mem), facts[i].pieces, "\"%s\"", facts[i].text);
	}
	is_int(sl_variable_of(SL_S("client_ip")), SL_VARIABLE_CLIENT_IP, "a variable");
	is_int(sl_variable_of(SL_S("client_i")), SL_VARIABLE_NONE, "none");
	is_int(sl_variable_of(SL_S("")), SL_VARIABLE_NONE, "nor this");
	return done_testing();
}
