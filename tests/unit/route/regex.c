// SPDX-License-Identifier: Apache-2.0
// Regular expressions: whole texts, named groups, and an end to every search.
#include "route/regex.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tap.h"

#ifndef PR_SET_MDWE /* Linux 6.3 */
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif
#define NR(array) (sizeof(array) / sizeof((array)[0]))

static struct sl_regex *compile(const char *text)
{
	struct sl_regex_error error;
	struct sl_regex *regex = NULL;

	if (sl_regex_new(&regex, sl_str_of(text), &error) < 0) {
		ok(false, "%s: %s", text, error.text);
		exit(done_testing());
	}
	sl_regex_make_fast(regex);
	return regex;
}

static const struct {
	const char *regex, *text;
	bool takes;
} facts[] = {
	{ "/v[0-9]+/x", "/v12/x", true },
	{ "/v[0-9]+/x", "/v12/xx", false },
	{ "/v[0-9]+/x", "a/v12/x", false },
	{ "^/v[0-9]+/x$", "/v12/x", true },
	{ "/a|/b", "/b", true },
	{ "/a|/b", "/bc", false },
	{ "/a|/ab", "/ab", true },
	{ "/a.*", "/a", true },
	{ "", "", true },
	{ "", "a", false },
	{ "a$", "a\n", false },
	{ "a.b", "a\nb", true },
	{ "\xc3.", "\xc3\xa9", true },
	{ "(?i)/ABC", "/abc", true },
	{ "(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)", "abcdefghij", true },
};

static const struct {
	const char *regex, *why;
} faults[] = {
	{ "(", "missing closing parenthesis" },
	{ "[a", "missing terminating ] for character class" },
	{ "*", "quantifier does not follow a repeatable item" },
	{ "(*UTF)a", "using UTF is disabled by the application" },
	{ "a\\C", "using \\C is disabled by the application" },
	{ "(a)\\1", "reference to non-existent subpattern" },
	{ "(?<a>.)(?<a>.)", "two named subpatterns have the same name (PCRE2_DUPNAMES not set)" },
	{ "(?J)(?<a>.)(?<a>.)", "a group's name is used twice" },
	{ "(?<a>.)(?<b>.)(?<c>.)(?<d>.)(?<e>.)(?<f>.)(?<g>.)(?<h>.)(?<i>.)",
	  "at most 8 groups have names" },
	{ "((((((((((((((((((((((((((((((((((a))))))))))))))))))))))))))))))))))",
	  "parentheses are too deeply nested" },
};

static void check_matches(struct sl_regex_scratch *s)
{
	for (unsigned i = 0; i < NR(facts); i++) {
		struct sl_regex *regex = compile(facts[i].regex);
		size_t len = strlen(facts[i].text);
		struct sl_str text = { guarded(facts[i].text, len), len };

		is_int(sl_regex_match(regex, text, s), facts[i].takes, "\"%s\" %s \"%s\"",
		       facts[i].regex, facts[i].takes ? "takes" : "does not take", facts[i].text);
		sl_regex_free(regex);
	}
	ok(!sl_regex_gave_up(s), "none of these was given up");
}

static void check_faults(void)
{
	static char longest[SL_REGEX_BYTES_MAX + 1];
	struct sl_regex_error error;
	struct sl_regex *regex = NULL;

	for (unsigned i = 0; i < NR(faults); i++) {
		is_int(sl_regex_new(&regex, sl_str_of(faults[i].regex), &error), -EINVAL,
		       "\"%s\" is refused", faults[i].regex);
		is_str(sl_str_of(error.text), faults[i].why, "... for its reason");
	}
	memset(longest, 'a', sizeof(longest));
	is_int(sl_regex_new(&regex, (struct sl_str){ longest, sizeof(longest) }, &error), -EINVAL,
	       "1025 bytes: %s", error.text);
	is_int(sl_regex_new(&regex, (struct sl_str){ longest, SL_REGEX_BYTES_MAX }, &error), 0,
	       "1024 are not too many");
	sl_regex_free(regex);
	sl_regex_free(NULL);
	sl_regex_scratch_free(NULL);
}

static void check_groups(struct sl_regex_scratch *s)
{
	struct sl_regex *regex = compile("/(?<b>[a-z]+)/(x)(?<a>[0-9]+)?(?<c>.*)");
	struct sl_str text = SL_S("/abc/x12");

	ok(sl_regex_match(regex, text, s), "groups");
	is_int(sl_regex_groups_nr(regex), 3, "only those with a name");
	is_str(sl_regex_group_name(regex, 0), "a", "by name");
	is_str(sl_regex_group(regex, 0, text, s), "12", "its text");
	is_str(sl_regex_group_name(regex, 1), "b", "the next");
	is_str(sl_regex_group(regex, 1, text, s), "abc", "its text");
	is_str(sl_regex_group(regex, 2, text, s), "", "an empty one");
	text = SL_S("/abc/x");
	ok(sl_regex_match(regex, text, s), "a group that took no part");
	is_str(sl_regex_group(regex, 0, text, s), "", "is empty too");
	sl_regex_free(regex);
}

static void check_one_hostile(const char *pattern, struct sl_str text, struct sl_regex_scratch *s)
{
	struct sl_regex *regex = compile(pattern);
	size_t heap = mallinfo2().uordblks;
	uint64_t start = sl_now_ns(), us;
	bool held;

	sl_regex_begin(s);
	held = sl_regex_match(regex, text, s);
	us = (sl_now_ns() - start) / SL_US;
	ok(!held && us < 1000000, "\"%s\" is done after %u us%s", pattern, (unsigned)us,
	   sl_regex_gave_up(s) ? ", given up" : "");
	is_int((int64_t)mallinfo2().uordblks, (int64_t)heap, "... without heap");
	sl_regex_free(regex);
}

/* A text that these expressions would try in exponentially many ways, and its end fits none. */
static void check_hostile(struct sl_regex_scratch *s)
{
	static const char *const hostile[] = {
		"(a+)+b",      "(a|a)*b",	 "(a|aa)+b", "(.*)*,(.*)*,x",	 "([a-z]+)*1",
		"(a?){1000}b", "(?:a*a*a*a*)+b", "(?R)?a+b", "(?:(?=(a+))a*)*b",
	};
	static char text[8192];
	char interpreted[64];

	memset(text, 'a', sizeof(text));
	memcpy(text + sizeof(text) - 7, "1b,x,b!", 7);
	for (unsigned i = 0; i < NR(hostile); i++) {
		check_one_hostile(hostile[i], (struct sl_str){ text, sizeof(text) }, s);
		snprintf(interpreted, sizeof(interpreted), "(*NO_JIT)%s", hostile[i]);
		check_one_hostile(interpreted, (struct sl_str){ text, sizeof(text) }, s);
	}
	ok(sl_regex_gave_up(s), "what is given up is said to be");
	sl_regex_begin(s);
}

static void check_long_texts(struct sl_regex_scratch *s)
{
	static char text[SL_REGEX_TEXT_MAX + 1];
	struct sl_regex *regex = compile("a*");

	memset(text, 'a', sizeof(text));
	ok(sl_regex_match(regex, (struct sl_str){ text, SL_REGEX_TEXT_MAX }, s),
	   "a text of 8192 bytes");
	ok(!sl_regex_match(regex, (struct sl_str){ text, sizeof(text) }, s) && sl_regex_gave_up(s),
	   "one of 8193 is given up");
	ok(!sl_regex_match(regex, SL_S("a"), s), "after which none is asked");
	sl_regex_begin(s);
	ok(sl_regex_match(regex, SL_S("a"), s), "until the next request begins");
	sl_regex_free(regex);
}

/* How many expressions a request may ask in turn. */
static unsigned count_matches(const char *pattern, struct sl_str text, struct sl_regex_scratch *s)
{
	struct sl_regex *regex = compile(pattern);
	unsigned nr = 0;

	sl_regex_begin(s);
	for (; nr < 100000; nr++) {
		sl_regex_match(regex, text, s);
		if (sl_regex_gave_up(s))
			break;
	}
	sl_regex_begin(s);
	sl_regex_free(regex);
	return nr;
}

/* Each stays just below its own limit: what ends them is the limit of them all. */
static void check_budget(struct sl_regex_scratch *s)
{
	static char text[6000];
	struct sl_str path = SL_S("/v1/orders/0123456789/lines/17");
	uint64_t start = sl_now_ns(), us;
	unsigned nr;

	memset(text, 'a', sizeof(text));
	nr = count_matches(".*x.*y|.*[b-z]", (struct sl_str){ text, sizeof(text) }, s);
	us = (sl_now_ns() - start) / SL_US;
	ok(nr > 10 && nr < 50, "a request may ask %u expressions that take many steps", nr);
	ok(us < 2000000, "... in %u us", (unsigned)us);
	nr = count_matches("/v[0-9]+/(?<kind>[a-z]+)/(?<id>[0-9]+)", path, s);
	ok(nr > 4000 && nr < 5000, "or %u that take few", nr);
}

/* As systemd's MemoryDenyWriteExecute: no page is both written and executed. */
static void check_without_jit(struct sl_regex_scratch *s)
{
	pid_t pid;
	int status = -1;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct sl_regex *regex;

		if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) < 0)
			_exit(2);
		if (mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
		    MAP_FAILED)
			_exit(3);
		regex = compile("/v[0-9]+/.*");
		_exit(!sl_regex_match(regex, SL_S("/v12/x"), s) ||
		      sl_regex_match(regex, SL_S("/w12/x"), s));
	}
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		ok(true, "without machine code # SKIP this kernel has no PR_SET_MDWE");
	else
		is_int(status, 0, "where memory is not both written and executed it works too");
}

int main(void)
{
	struct sl_regex_scratch *s = sl_regex_scratch_new();

	if (!s)
		return 1;
	check_matches(s);
	check_faults();
	check_groups(s);
	check_hostile(s);
	check_long_texts(s);
	check_budget(s);
	check_without_jit(s);
	check_groups(s);
	sl_regex_scratch_free(s);
	return done_testing();
}
