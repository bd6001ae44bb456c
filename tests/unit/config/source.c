// SPDX-License-Identifier: Apache-2.0
// Comments are blanked where they are comments, and the limits that keep the parser safe.
#include "config/source.h"

#include <errno.h>
#include <stdlib.h>

#include "tap.h"

static void test_comments(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "{} // x\n1", "{}     \n1" },
		{ "//", "  " },
		{ "/", "/" },
		{ "\"//\" // x", "\"//\"     " },
		{ "\"\\\"//\" //", "\"\\\"//\"   " },
		{ "\"\\\\\" //", "\"\\\\\"   " },
		{ "\"never closed //", "\"never closed //" },
		{ "\"\\", "\"\\" },
		{ "1 / 2", "1 / 2" },
		{ "// \"\n\"a\"", "    \n\"a\"" },
		{ "", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t len = strlen(cases[i].text);
		char *text = (char *)guarded(cases[i].text, len);
		struct sl_place place;
		const char *why;

		is_int(sl_source_clean(text, len, &place, &why), 0, "'%s' is let through",
		       cases[i].text);
		is_str((struct sl_str){ text, len }, cases[i].want, "with its comments blanked");
	}
}

static void test_limits(void)
{
	char text[SL_SOURCE_MAX_DEPTH + 1], nul[] = "{\n \0}";
	struct sl_place place;
	const char *why;

	memset(text, '[', sizeof(text));
	is_int(sl_source_clean(text, SL_SOURCE_MAX_DEPTH, &place, &why), 0, "64 brackets are fine");
	is_int(sl_source_clean(text, sizeof(text), &place, &why), -EINVAL, "65 are not");
	is_int(place.column, 65, "and the last one is pointed at");
	is_int(sl_source_clean(nul, sizeof(nul) - 1, &place, &why), -EINVAL, "nor is a NUL");
	ok(place.line == 2 && place.column == 2, "at line 2, column 2");
}

static void test_files(void)
{
	struct sl_source_id id;
	size_t len;
	char *text;

	is_int(sl_source_read("/nowhere/at/all", &text, &len, &id), -ENOENT,
	       "a file that is not there");
	is_int(sl_source_read("/", &text, &len, &id), -EISDIR, "a directory");
	is_int(sl_source_read("/dev/zero", &text, &len, &id), -EFBIG, "a file without an end");
	is_int(sl_source_read("/dev/null", &text, &len, &id), 0, "an empty file");
	is_int((int64_t)len, 0, "is empty");
	free(text);
}

int main(void)
{
	test_comments();
	test_limits();
	test_files();
	return done_testing();
}
