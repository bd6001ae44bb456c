// SPDX-License-Identifier: Apache-2.0
// Normal forms of targets, and the targets that have none.

#include "http/uri.h"

#include <errno.h>
#include <stdlib.h>

#include "tap.h"

static const struct {
	const char *raw, *path, *query;
} good[] = {
	/* nothing to do */
	{ "/", "/", NULL },
	{ "/a/b", "/a/b", NULL },
	{ "/a/", "/a/", NULL },
	{ "/a?", "/a", "" },
	{ "/a?b=c&d", "/a", "b=c&d" },
	{ "/a?b?c", "/a", "b?c" },
	{ "/a?/../b//c", "/a", "/../b//c" },
	{ "/.well-known/x", "/.well-known/x", NULL },
	{ "/a/..b/.c./...", "/a/..b/.c./...", NULL },
	{ "/a;b=c/d;e", "/a;b=c/d;e", NULL },
	{ "/a;..", "/a;..", NULL },
	{ "/!$&'()*+,;=:@[]~-_.", "/!$&'()*+,;=:@[]~-_.", NULL },
	/* escapes */
	{ "/%41%7e%2D", "/A~-", NULL },
	{ "/%3a%2b%25", "/%3A%2B%25", NULL },
	{ "/%252e%252e/a", "/%252e%252e/a", NULL },
	{ "/%01%7f%c3%A9", "/%01%7F%C3%A9", NULL },
	{ "/\xc3\xa9", "/%C3%A9", NULL },
	{ "/\"<>^`{|}", "/%22%3C%3E%5E%60%7B%7C%7D", NULL },
	{ "/a?%zz%\"<", "/a", "%zz%\"<" },
	{ "/a?\xff%ff", "/a", "%FF%ff" },
	{ "/%41?\xff", "/A", "%FF" },
	{ "/%3F?x", "/%3F", "x" },
	{ "/%23", "/%23", NULL },
	/* slashes and dots */
	{ "//", "/", NULL },
	{ "//a///b//", "/a/b/", NULL },
	{ "/.", "/", NULL },
	{ "/./", "/", NULL },
	{ "/a/.", "/a/", NULL },
	{ "/a/..", "/", NULL },
	{ "/a/../", "/", NULL },
	{ "/a/../b", "/b", NULL },
	{ "/a/b/../../c", "/c", NULL },
	{ "/a/b/../..", "/", NULL },
	{ "/a//../b", "/b", NULL },
	{ "/a/%2e%2E/b", "/b", NULL },
	{ "/a/.%2e/b", "/b", NULL },
	{ "/a/%2e/b", "/a/b", NULL },
	{ "/a;x/../b", "/b", NULL },
	/* an absolute-form target without a path */
	{ "?a=b", "/", "a=b" },
	{ "?", "/", "" },
};

static const char *const bad[] = {
	"",	      "a",	  "*",	     "a/b",	 "/a#b",       "/a?b#c",  "/a b",
	"/a?b c",     "/a\tb",	  "/a?\t",   "/\x01",	 "/?\x01",     "/a\x7f",  "/a?\x7f",
	"/a\\b",      "/%",	  "/%4",     "/%zz",	 "/%4g",       "/%g4",	  "/%00",
	"/a%00b",     "/..",	  "/../",    "/a/../..", "/a/../../b", "/%2e%2e", "//..",
	"/./..",      "/a/..;/b", "/a/..;x", "/.;/a",	 "/a/.;x",     "/..%3b",  "/a/%2e%2e;/b",
	"/a/.%3Bx/b", "/a%2Fb",	  "/a%2fb",  "/a%5Cb",	 "/%2f",
};

static const struct {
	const char *raw, *path; /* NULL: refused */
} kept_slashes[] = {
	{ "/a%2Fb", "/a%2Fb" },	      { "/a%2fb%5c", "/a%2Fb%5C" }, { "/%2F", "/%2F" },
	{ "/a%2F..b", "/a%2F..b" },   { "/a;x%2Fb", "/a;x%2Fb" },   { "/a%2F;..", "/a%2F;.." },
	{ "/a%252F..", "/a%252F.." }, { "/a%2Fb/../c", "/c" },	    { "/a%2F..", NULL },
	{ "/..%2Fa", NULL },	      { "/a%2F../b", NULL },	    { "/a%5c..%5cb", NULL },
	{ "/.%2Fa", NULL },	      { "/a%2F%2e%2e", NULL },	    { "/a%2F..;x", NULL },
	{ "/a%2f..%3bx", NULL },      { "/a;b%2F..", NULL },	    { "/a%2F.", NULL },
};

static char room[SL_URI_ROOM(512)], again[SL_URI_ROOM(1536)];

static int normalize(const char *raw, enum sl_encoded_slash slash, struct sl_uri *ret_uri)
{
	size_t len = strlen(raw);
	const char *why = NULL;
	int ret = sl_uri_normalize((struct sl_str){ guarded(raw, len), len }, slash, room, ret_uri,
				   &why);

	if (ret < 0)
		ok(why && why[0], "a refusal has a reason: %s", why ? why : "");
	return ret;
}

static void is_fixed(const struct sl_uri *uri)
{
	char text[1536];
	struct sl_uri twice;
	const char *why;
	size_t len = uri->path.len;

	memcpy(text, uri->path.ptr, len);
	if (uri->query.ptr) {
		text[len++] = '?';
		memcpy(text + len, uri->query.ptr, uri->query.len);
		len += uri->query.len;
	}
	is_int(sl_uri_normalize((struct sl_str){ text, len }, SL_ENCODED_SLASH_KEEP, again, &twice,
				&why),
	       0, "its normal form is accepted");
	ok(twice.path.ptr == text && twice.path.len == uri->path.len, "and stays as it is");
}

static void test_good(void)
{
	struct sl_uri uri;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!is_int(normalize(good[i].raw, SL_ENCODED_SLASH_REFUSE, &uri), 0, "%s",
			    good[i].raw))
			continue;
		is_str(uri.path, good[i].path, "its path");
		ok(!uri.query.ptr == !good[i].query, "whether it has a query");
		is_str(uri.query, good[i].query ? good[i].query : "", "its query");
		is_fixed(&uri);
	}
}

static void test_bad(void)
{
	struct sl_uri uri;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		is_int(normalize(bad[i], SL_ENCODED_SLASH_REFUSE, &uri), -EBADMSG, "'%s'", bad[i]);
}

static void test_kept_slashes(void)
{
	struct sl_uri uri;

	for (size_t i = 0; i < sizeof(kept_slashes) / sizeof(kept_slashes[0]); i++) {
		int ret = normalize(kept_slashes[i].raw, SL_ENCODED_SLASH_KEEP, &uri);

		is_int(ret, kept_slashes[i].path ? 0 : -EBADMSG, "kept: %s", kept_slashes[i].raw);
		if (ret == 0 && kept_slashes[i].path) {
			is_str(uri.path, kept_slashes[i].path, "its path");
			is_fixed(&uri);
		}
	}
}

static void test_pointers(void)
{
	static const char raw[] = "/a/.b?c";
	struct sl_uri uri;
	const char *why;
	char mem[SL_URI_ROOM(sizeof(raw))];

	sl_uri_normalize(sl_str_of(raw), SL_ENCODED_SLASH_REFUSE, mem, &uri, &why);
	ok(uri.path.ptr == raw && uri.query.ptr == raw + 6, "an unchanged target is not copied");
}

int main(void)
{
	test_good();
	test_bad();
	test_kept_slashes();
	test_pointers();
	return done_testing();
}
