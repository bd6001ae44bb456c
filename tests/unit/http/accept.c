// SPDX-License-Identifier: Apache-2.0
// Accept: which of a server's types a client would rather have.
#include "http/accept.h"

#include "tap.h"

static const struct sl_str types[] = { SL_STR("application/problem+json"), SL_STR("text/html"),
				       SL_STR("text/plain") };

enum { JSON, HTML, TEXT };

static const struct {
	const char *accept; /* lines with '\n' between them */
	unsigned want;
	const char *says;
} facts[] = {
	{ "", JSON, "an empty field" },
	{ "*/*", JSON, "anything" },
	{ "text/html", HTML, "one type" },
	{ "TEXT/HTML", HTML, "in any case" },
	{ "text/plain", TEXT, "another" },
	{ "text/*", HTML, "of equals the first" },
	{ "application/*, text/*", JSON, "of equals the first again" },
	{ "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", HTML,
	  "what a browser sends" },
	{ "text/plain, */*; q=0.01", TEXT, "what a shell tool may send" },
	{ "text/html;q=0.5, text/plain;q=0.6", TEXT, "the higher quality" },
	{ "text/html;q=0.5, text/plain;q=0.499", HTML, "to the third digit" },
	{ "text/html;q=0", JSON, "none of them: ours" },
	{ "*/*, text/html;q=0.9", JSON, "a closer range decides, though it is lower" },
	{ "text/*, text/html;q=0, */*;q=0.1", TEXT, "in any order" },
	{ "application/problem+json;q=0.1, */*", HTML, "the first type disliked" },
	{ "*/*;q=0.5, text/plain ; level=1 ; Q=0.7", TEXT, "parameters, spaces and case" },
	{ "image/png", JSON, "nothing that we have" },
	{ "text/html;q=2, text/plain;q=0.1", TEXT, "a malformed quality does not count" },
	{ "text/html;q=, text/plain;q=0.1", TEXT, "nor an empty one" },
	{ "text/html;q=1.001, text/plain;q=0.1", TEXT, "nor one above 1" },
	{ "text/html;q=0.1234, text/plain;q=0.1", TEXT, "nor one of four digits" },
	{ "text/html;q=1.000, text/plain", HTML, "1.000 is 1" },
	{ ",,text/plain,,", TEXT, "empty elements" },
	{ ";;;,=;q,/,*,text/", JSON, "nonsense" },
	{ "text/htm", JSON, "a type cut short" },
	{ "image/png\ntext/plain;q=0.3\ntext/html;q=0.2", TEXT, "several fields are one list" },
};

int main(void)
{
	for (unsigned i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		struct sl_field fields[4];
		unsigned nr = 0;
		size_t len = strlen(facts[i].accept);
		const char *text = guarded(facts[i].accept, len), *end = text + len;

		for (const char *p = text; p <= end && nr < 4; nr++) {
			const char *stop = memchr(p, '\n', (size_t)(end - p));

			stop = stop ? stop : end;
			fields[nr] = (struct sl_field){ .name = "Accept",
							.name_len = 6,
							.value = p,
							.value_len = (uint32_t)(stop - p) };
			p = stop + 1;
		}
		is_int(sl_accept_choose(fields, nr, types, 3), facts[i].want, "%s", facts[i].says);
	}
	is_int(sl_accept_choose(NULL, 0, types, 3), JSON, "no field at all");
	return done_testing();
}
