// SPDX-License-Identifier: Apache-2.0
// What a configuration shows of itself, and what changes from one to another.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/config.h"
#include "tap.h"

/* Quotes are written as '. */
static struct sl_rules *load(const char *text)
{
	struct sl_rules *rules = NULL;
	char *json = strdup(text);

	for (char *p = json; *p; p++)
		if (*p == '\'')
			*p = '"';
	if (sl_config_parse(sl_str_of(json), "t", NULL, stdout, &rules) < 0)
		exit(is_int(1, 0, "read: %s", text));
	free(json);
	return rules;
}

static void is_json(json_t *got, const char *want, const char *name)
{
	char *text = json_dumps(got, JSON_COMPACT | JSON_ENCODE_ANY);

	for (char *p = text; *p; p++)
		if (*p == '"')
			*p = '\'';
	is_str(sl_str_of(text), want, "%s", name);
	free(text);
	json_decref(got);
}

static void test_show(void)
{
	struct sl_rules *r =
		load("{'routes':[{'upstream':'u'}],'listeners':{'l':'127.0.0.1:1'},\n"
		     "'upstreams':{'u':{'targets':['127.0.0.1:${PORT}']}}, // x\n"
		     "'gateway':{'workers':'${ONE}'},'logs':{'access':{'redact_query':[]}}}");
	json_t *shown = NULL, *part;

	is_int(sl_config_show(r, SL_SHOW_WRITTEN, &shown), 0, "shown as written");
	is_json(shown,
		"{'routes':[{'upstream':'u'}],'listeners':{'l':'127.0.0.1:1'},"
		"'upstreams':{'u':{'targets':['127.0.0.1:${PORT}']}},"
		"'gateway':{'workers':'${ONE}'},'logs':{'access':{'redact_query':[]}}}",
		"without comments, and nothing is substituted");
	is_int(sl_config_show(r, SL_SHOW_EFFECTIVE, &shown), 0, "shown as it takes effect");
	part = json_incref(json_object_get(shown, "gateway"));
	is_json(part, "{'workers':'${ONE}','sandbox':'auto','upgrade_timeout':'60s'}",
		"keys with a default");
	part = json_incref(json_object_get(shown, "listeners"));
	is_json(part, "{'l':{'address':'127.0.0.1:1','defer_accept':true}}", "a shorthand");
	part = json_incref(json_object_get(
		json_object_get(json_object_get(shown, "upstreams"), "u"), "targets"));
	is_json(part, "[{'address':'127.0.0.1:${PORT}','weight':1}]", "one in an array");
	part = json_incref(json_object_get(shown, "routes"));
	is_json(part, "[{'match':{'path':'/*'},'upstream':'u'}]", "an object with a default");
	part = json_incref(json_object_get(shown, "logs"));
	is_json(part, "{'access':{'format':'json','path':'-','redact_query':[]},'level':'info'}",
		"an object that could be false");
	part = json_incref(json_object_get(shown, "paths"));
	is_json(part, "{'encoded_slashes':'refuse'}", "an object that is not written at all");
	json_decref(shown);
	sl_config_free(r);
}

#define L "'listeners':{'l':'127.0.0.1:1'},"
#define R "'routes':[{'name':'r','respond':{}}]"

/* The text that stands between the brackets of each, and the changes. */
static const struct {
	const char *name, *old, *new, *want;
} cases[] = {
	{ "nothing", L R, L R, "[]" },
	{ "order of keys", L R,
	  "'routes':[{'respond':{},'name':'r'}],'listeners':{'l':'127.0.0.1:1'}", "[]" },
	{ "a shorthand written out", L R,
	  "'listeners':{'l':{'address':'127.0.0.1:1','defer_accept':true}}," R, "[]" },
	{ "a default written out", L R, L R ",'limits':{'memory':'256MiB'},'paths':{}", "[]" },
	{ "one that is changed", L R ",'limits':{'memory':'256MiB'}",
	  L R ",'limits':{'memory':'1GiB'}",
	  "[{'pointer':'/limits/memory','old':'256MiB','new':'1GiB'}]" },
	{ "one that was a default", L R, L R ",'limits':{'memory':'1GiB'}",
	  "[{'pointer':'/limits/memory','old':'256MiB','new':'1GiB'}]" },
	{ "one that becomes a default", L R ",'logs':{'level':'debug'}", L R,
	  "[{'pointer':'/logs/level','old':'debug','new':'info'}]" },
	{ "an object that was false", L R, L R ",'logs':{'access':{}}",
	  "[{'pointer':'/logs/access','old':false,'new':{}}]" },
	{ "a key without a default", L R, L R ",'gateway':{'run_dir':'/r'}",
	  "[{'pointer':'/gateway/run_dir','new':'/r'}]" },
	{ "an entry of a map", "'listeners':{'l':'127.0.0.1:1','m':'127.0.0.1:2'}," R,
	  "'listeners':{'n':'127.0.0.1:2','l':'127.0.0.1:3'}," R,
	  "[{'pointer':'/listeners/l/address','old':'127.0.0.1:1','new':'127.0.0.1:3'},"
	  "{'pointer':'/listeners/m','old':'127.0.0.1:2'},"
	  "{'pointer':'/listeners/n','new':'127.0.0.1:2'}]" },
	{ "a list of targets", L R ",'upstreams':{'u':{'targets':['127.0.0.1:1','127.0.0.1:2']}}",
	  L R ",'upstreams':{'u':{'targets':['127.0.0.1:2']}}",
	  "[{'pointer':'/upstreams/u/targets','old':['127.0.0.1:1','127.0.0.1:2'],"
	  "'new':['127.0.0.1:2']}]" },
	{ "a target written out", L R ",'upstreams':{'u':{'targets':['127.0.0.1:1']}}",
	  L R ",'upstreams':{'u':{'targets':[{'address':'127.0.0.1:1','weight':1}]}}", "[]" },
	{ "a route put in front", L R,
	  L "'routes':[{'name':'q','match':{'path':'/q'},'respond':{}},{'name':'r','respond':{}}]",
	  "[{'pointer':'/routes/0','name':'q','new':{'name':'q','match':{'path':'/q'},"
	  "'respond':{}}}]" },
	{ "routes that change places",
	  L "'routes':[{'name':'q','match':{'path':'/q'},'respond':{}},{'name':'r','respond':{}}]",
	  L "'routes':[{'name':'r','respond':{}},{'name':'q','match':{'path':'/q'},'respond':{}}]",
	  "[]" },
	{ "a route that moves and changes",
	  L "'routes':[{'name':'q','match':{'path':'/q'},'respond':{}},{'name':'r','respond':{}}]",
	  L "'routes':[{'name':'r','respond':{'status':201}},"
	    "{'name':'q','match':{'path':'/p'},'respond':{}}]",
	  "[{'pointer':'/routes/1/match/path','name':'q','old':'/q','new':'/p'},"
	  "{'pointer':'/routes/0/respond/status','name':'r','old':200,'new':201}]" },
	{ "a route that is gone",
	  L "'routes':[{'name':'q','match':{'path':'/q'},'respond':{}},{'name':'r','respond':{}}]",
	  L R,
	  "[{'pointer':'/routes/0','name':'q','old':{'name':'q','match':{'path':'/q'},"
	  "'respond':{}}}]" },
	{ "one without a name, between others",
	  L "'routes':[{'match':{'path':'/a'},'respond':{}},{'match':{'path':'/b'},'respond':{}}]",
	  L "'routes':[{'match':{'path':'/a'},'respond':{}},{'match':{'path':'/c'},'respond':{}},"
	    "{'match':{'path':'/b'},'respond':{}}]",
	  "[{'pointer':'/routes/1','new':{'match':{'path':'/c'},'respond':{}}}]" },
	{ "one without a name that changes",
	  L "'routes':[{'match':{'path':'/a'},'respond':{}},{'match':{'path':'/b'},'respond':{}}]",
	  L "'routes':[{'match':{'path':'/a'},'respond':{'status':201}},"
	    "{'match':{'path':'/b'},'respond':{}}]",
	  "[{'pointer':'/routes/0/respond/status','old':200,'new':201}]" },
	{ "a route that answers otherwise", L R,
	  L "'routes':[{'name':'r','redirect':{'location':'/x'}}]",
	  "[{'pointer':'/routes/0/respond','name':'r','old':{}},"
	  "{'pointer':'/routes/0/redirect','name':'r','new':{'location':'/x'}}]" },
	{ "a name that a pointer escapes", L "'routes':[{'respond':{'headers':{'a~b':'1'}}}]",
	  L "'routes':[{'respond':{'headers':{'a~b':'2'}}}]",
	  "[{'pointer':'/routes/0/respond/headers/a~0b','old':'1','new':'2'}]" },
	{ "what is substituted", L "'routes':[{'respond':{'body':'${ONE}'}}]",
	  L "'routes':[{'respond':{'body':'${PORT}'}}]",
	  "[{'pointer':'/routes/0/respond/body','old':'${ONE}','new':'${PORT}'}]" },
};

static void test_diff(void)
{
	char text[1024];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sl_rules *old, *new;
		json_t *changes = NULL;

		snprintf(text, sizeof(text), "{%s}", cases[i].old);
		old = load(text);
		snprintf(text, sizeof(text), "{%s}", cases[i].new);
		new = load(text);
		is_int(sl_config_diff(old, new, &changes), 0, "compared: %s", cases[i].name);
		is_json(changes, cases[i].want, "with what it changes");
		sl_config_free(old);
		sl_config_free(new);
	}
}

static size_t allocations_left;

static void *failing_malloc(size_t size)
{
	return allocations_left && allocations_left-- ? malloc(size) : NULL;
}

/* Every allocation of the JSON library fails in turn. */
static void test_out_of_memory(void)
{
	struct sl_rules *old = load("{" L "'routes':[{'name':'a','match':{'path':'/a'},'respond':"
				    "{}},{'match':{'path':'/b'},'respond':{}}]}");
	struct sl_rules *new = load("{" L "'upstreams':{'u':{'targets':['127.0.0.1:1']}},"
				    "'routes':[{'name':'c','respond':{}}]}");
	json_t *got = NULL;
	size_t n = 0;
	int ret;

	json_set_alloc_funcs(failing_malloc, free);
	do {
		allocations_left = n++;
		ret = sl_config_diff(old, new, &got);
	} while (ret == -ENOMEM && !got && n < 10000);
	is_int(ret, 0, "a diff fails with any of %zu allocations missing", n - 1);
	json_decref(got);
	got = NULL;
	n = 0;
	do {
		allocations_left = n++;
		ret = sl_config_show(new, SL_SHOW_EFFECTIVE, &got);
	} while (ret == -ENOMEM && !got && n < 10000);
	is_int(ret, 0, "and showing it with any of %zu", n - 1);
	json_decref(got);
	json_set_alloc_funcs(malloc, free);
	sl_config_free(old);
	sl_config_free(new);
}

int main(void)
{
	setenv("ONE", "1", 1);
	setenv("PORT", "9", 1);
	test_show();
	test_diff();
	test_out_of_memory();
	return done_testing();
}
