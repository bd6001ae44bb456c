// SPDX-License-Identifier: Apache-2.0
// A configuration in several files: what they make together, and each fault in its own file.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "config/files.h"
#include "tap.h"

static char dir[] = "/tmp/sluice-unit-XXXXXX";

/* Quotes are written as ', to be read more easily. */
static void put(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	for (; *text; text++)
		fputc(*text == '\'' ? '"' : *text, f);
	fclose(f);
}

static int load(const char *file, char **ret_said, struct sl_rules **ret_rules)
{
	size_t len;
	FILE *errors = open_memstream(ret_said, &len);
	int ret = sl_config_load(file, NULL, errors, ret_rules);

	fclose(errors);
	return ret;
}

static void expect(const char *want, const char *name)
{
	struct sl_rules *rules = NULL;
	char *said;

	is_int(load("main.json", &said, &rules), -EINVAL, "refused: %.*s", (int)strcspn(name, "\n"),
	       name);
	is_str(sl_str_of(said), want, "for its reason");
	ok(!rules, "and without rules");
	free(said);
}

static struct sl_rules *expect_good(const char *name)
{
	struct sl_rules *rules = NULL;
	char *said;

	if (!is_int(load("main.json", &said, &rules), 0, "read: %s", name))
		exit(done_testing());
	is_str(sl_str_of(said), "", "without a word");
	free(said);
	return rules;
}

#define L "'listeners':{'l':'127.0.0.1:1'}"
#define R "'routes':[{'name':'main','respond':{}}]"

static void make_tree(void)
{
	mkdir("d", 0700);
	mkdir("d/sub", 0700);
	mkdir("empty", 0700);
	put("d/b.json",
	    "{ 'routes': [ { 'name': 'b', 'match': { 'path': '/b' }, 'upstream': 'u' } ],\n"
	    "  'limits': { 'header_count': 9 } }");
	put("d/a.json",
	    "// first by name\n"
	    "{ 'upstreams': { 'u': { 'targets': [ '127.0.0.1:2' ] } },\n"
	    "  '$schema': 'x', 'include': 'sub/c.json', 'limits': { 'client_connections': 5 },\n"
	    "  'routes': [ { 'name': 'a1', 'match': { 'path': '/a' }, 'respond': {} },\n"
	    "              { 'name': 'a2', 'match': { 'path': '/a2' }, 'respond': {} } ] }");
	put("d/sub/c.json", "{ 'routes': [ { 'name': 'c', 'match': { 'path': '/c' }, "
			    "'respond': {} } ], 'logs': { 'level': 'debug' } }");
	put("d/.hidden.json", "no JSON");
	put("d/notes.txt", "no JSON");
}

static void test_merge(void)
{
	static const char *const order[] = { "main", "a1", "a2", "c", "b" };
	struct sl_rules *r;

	put("main.json", "{ '$schema': 'y', 'include': 'd', " L ", " R ",\n"
			 "  'limits': { 'memory': '1MiB' } }");
	r = expect_good("a directory");
	is_int(r->routes_nr, 5, "the routes of all files");
	for (unsigned i = 0; i < 5 && r->routes_nr == 5; i++)
		is_str(sl_str_of(r->routes[i].name), order[i], "route %u", i);
	is_int(r->upstreams_nr, 1, "the upstreams of all files");
	is_int(r->limits.header_count, 9, "a limit of one file");
	is_int(r->limits.client_connections, 5, "another one of another file");
	is_int((int64_t)r->limits.memory_bytes, 1 << 20, "one of the first file");
	is_int(r->logs.level, 3, "what a file says that is included by an included one");
	is_str(sl_str_of(r->file), "main.json", "the file is the first one");
	sl_config_free(r);
}

static void test_forms(void)
{
	static const struct {
		const char *include;
		unsigned routes;
	} forms[] = {
		{ "[]", 1 },
		{ "'empty'", 1 },
		{ "'empty/'", 1 },
		{ "'d/*.conf'", 1 },
		{ "['empty','d/[a]*.json']", 4 },
		{ "'d/sub/?.json'", 2 },
		{ "['./d/sub/c.json']", 2 },
	};
	char text[256];

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct sl_rules *r;

		snprintf(text, sizeof(text), "{ 'include': %s, " L ", " R " }", forms[i].include);
		put("main.json", text);
		r = expect_good(forms[i].include);
		is_int(r->routes_nr, forms[i].routes, "with its routes");
		sl_config_free(r);
	}
	snprintf(text, sizeof(text), "{ 'include': '%s/d/sub', " L ", " R " }", dir);
	put("main.json", text);
	sl_config_free(expect_good("an absolute path"));
	mkdir("a*b", 0700);
	put("a*b/x.json", "{ 'routes': [] }");
	mkdir("aab", 0700);
	put("aab/x.json", "no JSON");
	put("main.json", "{ 'include': 'a*b', " L ", " R " }");
	sl_config_free(expect_good("a directory that is named like a pattern"));
}

/* The text of main.json's include, and what is said. */
static const struct {
	const char *include, *want;
} bad_includes[] = {
	{ "1", "main.json:1:13: /include: must be a string or an array, not an integer\n" },
	{ "['empty',null]", "main.json:1:22: /include/1: must be a string, not null\n" },
	{ "''", "main.json:1:13: /include: '' names no file\n" },
	{ "'${D}/x'",
	  "main.json:1:13: /include: '${D}/x': nothing is substituted in an include\n" },
	{ "'x.json'", "main.json:1:13: /include: 'x.json': No such file or directory\n" },
	{ "'nowhere/'", "main.json:1:13: /include: 'nowhere/': No such file or directory\n" },
	{ "'nowhere/*.json'",
	  "main.json:1:13: /include: 'nowhere/*.json': No such file or directory\n" },
	{ "'main.json'", "main.json:1:13: /include: 'main.json' would include itself\n" },
	{ "'*/sub'", "main.json:1:13: /include: 'd/sub' is a directory\n" },
	{ "'pipe'", "main.json:1:13: /include: 'pipe' is not a plain file\n" },
	{ "'round.json'",
	  "round.json:1:14: /include: './deep/../main.json' would include itself\n" },
	{ "['d/sub','d/link.json']",
	  "main.json:1:22: /include/1: 'd/link.json' is included already, at main.json:1:14\n" },
	{ "['broken.json','x.json']", "main.json:1:28: /include/1: 'x.json': No such file or "
				      "directory\nbroken.json:2:1: unexpected token near '}'\n" },
	{ "'array.json'", "array.json:1:1: must be an object, not an array\n" },
	{ "'deep/1.json'",
	  "deep/8.json:1:14: /include: 'deep/9.json': files include each other more than 8 "
	  "deep\n" },
	{ "'big.json'", "main.json:1:13: /include: 'big.json': a configuration has at most 16 MiB, "
			"all files together\n" },
};

static void test_bad_includes(void)
{
	char text[256];

	symlink("sub/c.json", "d/link.json");
	mkfifo("pipe", 0600);
	put("round.json", "{ 'include': './deep/../main.json' }");
	put("broken.json", "{ 'a':\n}");
	put("array.json", "[]");
	put("big.json", "");
	truncate("big.json", SL_SOURCE_MAX_BYTES);
	mkdir("deep", 0700);
	for (int i = 1; i <= 8; i++) {
		char name[32];

		snprintf(name, sizeof(name), "deep/%d.json", i);
		snprintf(text, sizeof(text), "{ 'include': '%d.json' }", i + 1);
		put(name, text);
	}
	put("deep/9.json", "{}");
	for (size_t i = 0; i < sizeof(bad_includes) / sizeof(*bad_includes); i++) {
		snprintf(text, sizeof(text), "{ 'include':%s, " L ", " R " }",
			 bad_includes[i].include);
		put("main.json", text);
		expect(bad_includes[i].want, bad_includes[i].include);
	}
	unlink("d/link.json");
}

/* The text of other.json, and what is said. */
static const struct {
	const char *other, *want;
} bad_merges[] = {
	{ "'upstreams': {\n 'u': { 'targets': [ '127.0.0.1:9' ] } }",
	  "other.json:2:2: /upstreams/u: 'u' is set already at main.json:3:18\n" },
	{ "'limits': { 'memory': 0 }",
	  "other.json:1:15: /limits/memory: 'memory' is set already at main.json:5:15\n" },
	{ "'limits': []", "other.json:1:13: /limits: must be an object, not an array\n" },
	{ "'routes': {}", "other.json:1:13: /routes: must be an array, not an object\n" },
	{ "'paths': []", "other.json:1:12: /paths: must be an object, not an array\n" },
	{ "'rootes': []",
	  "other.json:1:3: /rootes: unknown key 'rootes'; did you mean 'routes'?\n" },
	{ "'admin': {}, 'policies': { 'p': 1 }",
	  "other.json:1:12: /admin: 'address' is missing\n"
	  "other.json:1:35: /policies/p: must be an array, not an integer\n" },
	{ "'routes': [ {}, { 'name': 'main', 'respond': {} } ]",
	  "other.json:1:15: /routes/0: needs 'upstream', 'respond' or 'redirect'\n"
	  "other.json:1:29: /routes/1/name: route 0 of main.json has the same name\n" },
	{ "'routes': [ { 'upstream': 'v' } ]",
	  "other.json:1:29: /routes/0/upstream: there is no upstream 'v'\n" },
	{ "'routes': [ { 'respond': {} } ]",
	  "other.json:1:15: /routes/0: takes the same requests as route 'main' (/routes/0 of "
	  "main.json): host, path, method and conditions are alike\n" },
	{ "'upstreams': { 'v': { 'targets': [] } }, 'limits': { 'header_count': 1 }",
	  "other.json:1:36: /upstreams/v/targets: needs at least 1 element, not 0\n"
	  "other.json:1:72: /limits/header_count: must be between 8 and 256\n" },
	{ "'listeners': { 'm': '127.0.0.1:1' }",
	  "other.json:1:23: /listeners/m: listener 'l' has the same address\n" },
};

static void test_bad_merges(void)
{
	char text[256];

	put("main.json", "{ 'include': 'other.json',\n"
			 "  " L ",\n"
			 "  'upstreams': { 'u': { 'targets': [ '127.0.0.1:2' ] } },\n"
			 "  " R ",\n"
			 "  'limits': { 'memory': 0 } }");
	for (size_t i = 0; i < sizeof(bad_merges) / sizeof(*bad_merges); i++) {
		snprintf(text, sizeof(text), "{ %s }", bad_merges[i].other);
		put("other.json", text);
		expect(bad_merges[i].want, bad_merges[i].other);
	}
}

/* The limit is on files, the first one counted. */
static void test_many(void)
{
	char name[32];

	mkdir("many", 0700);
	for (int i = 1; i < SL_FILES_MAX; i++) {
		snprintf(name, sizeof(name), "many/%04d.json", i);
		put(name, "{}");
	}
	put("main.json", "{ 'include': 'many', " L ", " R " }");
	sl_config_free(expect_good("1024 files"));
	put("many/x.json", "{}");
	expect("main.json:1:14: /include: 'many/x.json': a configuration has at most 1024 files\n",
	       "1025 files");
}

/* Each fault that is shown costs a walk through a file; there must not be one for each name. */
static void test_flood(void)
{
	enum { NAMES = 30000 };
	struct sl_rules *r = NULL;
	const char *last;
	char *said;

	for (int i = 0; i < 2; i++) {
		FILE *f = fopen(i ? "other.json" : "main.json", "w");

		fputs(i ? "{" : "{\"include\":\"other.json\",", f);
		fputs("\"upstreams\":{", f);
		for (int n = 0; n < NAMES; n++)
			fprintf(f, "%s\"u%d\":{\"targets\":[\"127.0.0.1:1\"]}", n ? "," : "", n);
		fputs("}}", f);
		fclose(f);
	}
	is_int(load("main.json", &said, &r), -EINVAL, "30,000 names twice");
	last = strstr(said, "\nmain.json: ");
	is_str(sl_str_of(last ? last + 1 : said), "main.json: 29938 more faults are not shown\n",
	       "are counted, and few of them shown");
	free(said);
}

static size_t allocations_left;

static void *failing_malloc(size_t size)
{
	return allocations_left && allocations_left-- ? malloc(size) : NULL;
}

/* Every allocation of the JSON library fails in turn; the sanitizers see that nothing is left. */
static void test_out_of_memory(void)
{
	struct sl_rules *r = NULL;
	size_t n = 0;
	char *said;
	int ret;

	setenv("SEVEN", "7", 1);
	put("main.json", "{ 'include': 'd', 'limits': { 'memory': '${SEVEN}' }, " L ", " R " }");
	json_set_alloc_funcs(failing_malloc, free);
	do {
		allocations_left = n++;
		ret = load("main.json", &said, &r);
		free(said);
	} while (ret < 0 && !r && n < 10000);
	json_set_alloc_funcs(malloc, free);
	is_int(ret, 0, "refused with any of %zu allocations missing, read with all of them", n - 1);
	is_int(ret == 0 ? r->routes_nr : 0, 5, "and nothing of it is missing then");
	sl_config_free(r);
}

int main(void)
{
	char command[64];

	if (!mkdtemp(dir) || chdir(dir) < 0)
		return 1;
	make_tree();
	test_merge();
	test_forms();
	test_bad_includes();
	test_bad_merges();
	test_many();
	test_flood();
	test_out_of_memory();
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ok(system(command) == 0, "nothing is left behind");
	return done_testing();
}
