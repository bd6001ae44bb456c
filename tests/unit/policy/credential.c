// SPDX-License-Identifier: Apache-2.0
// Credentials are taken out of fields, queries and cookies, and nothing else is.
#include "policy/credential.h"

#include "tap.h"

static char first[4096];
static struct sl_arena arena;
static struct sl_head req;
static struct sl_field fields[4];
static struct sl_uri uri;
static struct sl_policy_call call = { .req = &req, .uri = &uri, .arena = &arena };

static void begin(void)
{
	sl_arena_init(&arena, first, sizeof(first), 0);
	req = (struct sl_head){ .fields = fields };
	uri = (struct sl_uri){ .path = SL_S("/") };
}

static void add(const char *name, const char *value)
{
	fields[req.fields_nr++] = (struct sl_field){
		.name = name,
		.value = value,
		.name_len = (uint16_t)strlen(name),
		.value_len = (uint32_t)strlen(value),
		.id = (uint8_t)sl_field_id_of(sl_str_of(name)),
	};
}

static void in_fields(void)
{
	struct sl_str got = SL_STR("");

	begin();
	add("X-Api-Key", "k1");
	add("X-Api-Keys", "other");
	is_int(sl_credential_take_field(&call, SL_S("x-api-key"), &got), 1, "a field, in any case");
	is_str(got, "k1", "its value");
	ok(fields[0].is_hop && !fields[1].is_hop, "it ends here, and its neighbour does not");
	is_int(sl_credential_take_field(&call, SL_S("x-api"), &got), 0, "a part of a name is none");

	begin();
	add("x-api-key", "k1");
	add("X-API-KEY", "k1");
	is_int(sl_credential_take_field(&call, SL_S("x-api-key"), &got), -EEXIST,
	       "two are refused");
	ok(fields[0].is_hop && fields[1].is_hop, "and both end here");
}

static void in_authorization(void)
{
	static const struct {
		const char *value, *want; /* NULL: it is left as it is */
	} cases[] = {
		{ "Bearer k1", "k1" }, { "bEARER   k1", "k1" }, { "Key k1", "k1" },
		{ "ApiKey k1", "k1" }, { "Basic k1", NULL },	{ "Bearer", NULL },
		{ "Bearerk1", NULL },  { "k1", NULL },		{ "", NULL },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sl_str got = SL_STR("");

		begin();
		add("Authorization", cases[i].value);
		is_int(sl_credential_take_field(&call, SL_S("authorization"), &got),
		       cases[i].want ? 1 : 0, "Authorization: %s", cases[i].value);
		is_str(got, cases[i].want ? cases[i].want : "", "what stands in it");
		ok(fields[0].is_hop == (cases[i].want != NULL), "taken out if it is ours");
	}
}

static void in_queries(void)
{
	static const struct {
		const char *query;
		int ret;
		const char *value, *left;
	} cases[] = {
		{ "k=v", 1, "v", "" },
		{ "a=1&k=v&b=2", 1, "v", "a=1&b=2" },
		{ "k=v&b=2", 1, "v", "b=2" },
		{ "a=1&k=v", 1, "v", "a=1" },
		{ "a=1&kk=v&xk=w", 0, "", "a=1&kk=v&xk=w" },
		{ "k", 0, "", "k" },
		{ "k=", 1, "", "" },
		{ "k=a%2fb+c%zz%4", 1, "a/b c%zz%4", "" },
		{ "k=1&k=2", -EEXIST, NULL, "" },
		{ "a&k=1&&k=1&", -EEXIST, NULL, "a&&" },
		{ "a=k=v", 0, "", "a=k=v" },
		{ "", 0, "", "" },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sl_str got = SL_STR("");
		size_t len = strlen(cases[i].query);

		begin();
		uri.query = (struct sl_str){ guarded(cases[i].query, len), len };
		is_int(sl_credential_take_query(&call, SL_S("k"), &got), cases[i].ret, "?%s",
		       cases[i].query);
		if (cases[i].value)
			is_str(got, cases[i].value, "the value");
		is_str(uri.query, cases[i].left, "what is left");
	}
}

static void in_cookies(void)
{
	struct sl_str got = SL_STR("");

	begin();
	add("Cookie", "a=1; k=\"v w\"; b=2");
	is_int(sl_credential_take_cookie(&call, SL_S("k"), &got), 1, "a cookie");
	is_str(got, "v w", "without its quotes");
	is_str(sl_field_value(&fields[0]), "a=1; b=2", "the others are left");
	ok(!fields[0].is_hop, "and go on");

	begin();
	add("cookie", "k=v");
	is_int(sl_credential_take_cookie(&call, SL_S("k"), &got), 1, "the only one");
	ok(fields[0].is_hop, "leaves no field behind");

	begin();
	add("Cookie", "k=v; c=1");
	add("Cookie", "d=1; k=w");
	is_int(sl_credential_take_cookie(&call, SL_S("k"), &got), -EEXIST, "one in each of two");
	is_str(sl_field_value(&fields[0]), "c=1", "is taken from the first");
	is_str(sl_field_value(&fields[1]), "d=1", "and from the second");
}

static void without_memory(void)
{
	struct sl_str got;

	sl_arena_init(&arena, first, 16, 0);
	req = (struct sl_head){ .fields = fields };
	uri.query = SL_S("k=0123456789012345678901234567890123456789");
	is_int(sl_credential_take_query(&call, SL_S("k"), &got), -ENOMEM, "no memory, no answer");
}

int main(void)
{
	in_fields();
	in_authorization();
	in_queries();
	in_cookies();
	without_memory();
	return done_testing();
}
