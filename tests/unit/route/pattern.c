// SPDX-License-Identifier: Apache-2.0
// Path patterns: which are well-formed, and the pieces that they fall into.
#include "route/pattern.h"

#include "tap.h"

#define SEG16 "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p"

static const struct {
	const char *pattern;
	const char *pieces; /* text as it is, parameters as <name>, a prefix as ~; NULL: refused */
} facts[] = {
	{ "/", "/" },
	{ "/*", "~" },
	{ "/a", "/a" },
	{ "/a/", "/a/" },
	{ "/a/*", "/a~" },
	{ "/{a}", "/<a>" },
	{ "/{a}/", "/<a>/" },
	{ "/{a}/*", "/<a>~" },
	{ "/x/{a-1}/y/{B_2}/z", "/x/<a-1>/y/<B_2>/z" },
	{ "/{a}/{b}", "/<a>/<b>" },
	{ "/{1}/{2}/{3}/{4}/{5}/{6}/{7}/{8}", "/<1>/<2>/<3>/<4>/<5>/<6>/<7>/<8>" },
	{ "/a.b/...;v=1/~x/@:$&'()+,=!", "/a.b/...;v=1/~x/@:$&'()+,=!" },
	{ "/a%20b%2F%C3%A9", "/a%20b%2F%C3%A9" },
	{ SEG16 SEG16 SEG16 SEG16, SEG16 SEG16 SEG16 SEG16 },
	{ "", NULL },
	{ "a", NULL },
	{ "*", NULL },
	{ "{a}", NULL },
	{ "//", NULL },
	{ "/a//b", NULL },
	{ "/a//*", NULL },
	{ "//*", NULL },
	{ "/.", NULL },
	{ "/a/../b", NULL },
	{ "/./*", NULL },
	{ "/a*", NULL },
	{ "/*/a", NULL },
	{ "/a/*/", NULL },
	{ "/a/**", NULL },
	{ "/{}", NULL },
	{ "/{a", NULL },
	{ "/a}", NULL },
	{ "/{a}b", NULL },
	{ "/b{a}", NULL },
	{ "/{a}{b}", NULL },
	{ "/{a b}", NULL },
	{ "/{a*}", NULL },
	{ "/{a}/{a}", NULL },
	{ "/{path}", NULL },
	{ "/{query}", NULL },
	{ "/{1}/{2}/{3}/{4}/{5}/{6}/{7}/{8}/{9}", NULL },
	{ SEG16 SEG16 SEG16 SEG16 "/q", NULL },
	{ SEG16 SEG16 SEG16 SEG16 "/", NULL },
	{ "/a?b", NULL },
	{ "/a#b", NULL },
	{ "/a b", NULL },
	{ "/a\\b", NULL },
	{ "/a\tb", NULL },
	{ "/a\x7f", NULL },
	{ "/\xc3\xa9", NULL },
	{ "/a\"b", NULL },
	{ "/a|b", NULL },
	{ "/%", NULL },
	{ "/%2", NULL },
	{ "/%2f", NULL },
	{ "/%zz", NULL },
	{ "/%41", NULL },
	{ "/%7E", NULL },
};

static struct sl_str take_apart(struct sl_str pattern, char *mem)
{
	bool is_prefix;
	struct sl_str base = sl_pattern_base(pattern, &is_prefix), piece;
	enum sl_pattern_piece kind;
	size_t at = 0;

	while ((kind = sl_pattern_next(&base, &piece)) != SL_PIECE_END) {
		if (kind == SL_PIECE_PARAM)
			mem[at++] = '<';
		memcpy(mem + at, piece.ptr, piece.len);
		at += piece.len;
		if (kind == SL_PIECE_PARAM)
			mem[at++] = '>';
	}
	if (is_prefix)
		mem[at++] = '~';
	return (struct sl_str){ mem, at };
}

static const struct {
	const char *pattern, *text;
	bool may;
} starts[] = {
	{ "/v1/*", "/v1", true },	    { "/v1/*", "/v1/a", true },
	{ "/v1/*", "/v2", false },	    { "/v1/*", "/v", false },
	{ "/*", "/anything/at/all", true }, { "/v1/a", "/v1", true },
	{ "/v1/a", "/v1/a", true },	    { "/v1/a", "/v1/a/b", false },
	{ "/{x}/a", "/v1", true },	    { "/{x}/a", "/v1/a", true },
	{ "/{x}/a", "/v1/b", false },	    { "/v1/*", "/v1/%41", false },
	{ "/v1/*", "/v1//a", false },	    { "/v1/*", "/v1/../a", false },
	{ "/{x}/a", "/{x}", false },
};

static void check_starts(void)
{
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		is_int(sl_pattern_may_start(sl_str_of(starts[i].pattern),
					    sl_str_of(starts[i].text)),
		       starts[i].may, "\"%s\" %s begin with \"%s\"", starts[i].pattern,
		       starts[i].may ? "may" : "never can", starts[i].text);
}

int main(void)
{
	static char longest[SL_PATTERN_BYTES_MAX + 1];
	char mem[256];

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		size_t n = strlen(facts[i].pattern);
		struct sl_str pattern = { guarded(facts[i].pattern, n), n };
		const char *why = sl_pattern_check(pattern);

		if (!facts[i].pieces) {
			ok(why != NULL, "\"%s\" is refused: %s", facts[i].pattern, why ? why : "");
			continue;
		}
		if (ok(!why, "\"%s\" is good%s", facts[i].pattern, why ? why : ""))
			is_str(take_apart(pattern, mem), facts[i].pieces, "... and falls apart");
	}
	check_starts();
	memset(longest, 'a', sizeof(longest));
	longest[0] = '/';
	ok(!sl_pattern_check((struct sl_str){ longest, SL_PATTERN_BYTES_MAX }), "4096 bytes");
	ok(sl_pattern_check((struct sl_str){ longest, sizeof(longest) }) != NULL, "one more");
	return done_testing();
}
