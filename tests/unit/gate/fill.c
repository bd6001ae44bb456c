// SPDX-License-Identifier: Apache-2.0
// Templates filled in: whose value a name has, and that no value breaks out of its line.
#include "gate/fill.h"

#include "gate/edit.h"
#include "tap.h"

static const struct sl_route route = { .name = "orders" };

static struct sl_exchange x = {
	.match = { .route = &route,
		   .params = { { SL_STR("id"), SL_STR("7%0D%0A") },
			       { SL_STR("host"), SL_STR("mine") } },
		   .params_nr = 2 },
	.req = { .host = SL_STR("api.example.com") },
	.asked = { .path = SL_STR("/a/b"), .query = SL_STR("c=d") },
	.client_text = SL_STR("192.0.2.1"),
	.id = SL_STR("id-1"),
};

static const struct {
	const char *template_, *want; /* NULL: refused */
} facts[] = {
	{ "", "" },
	{ "{id}", "7%0D%0A" },
	{ "<{path}?{query}> {client_ip} {request_id} {route}", "</a/b?c=d> 192.0.2.1 id-1 orders" },
	{ "{host}", "mine" },
	{ "{{{id}}}", "{7%0D%0A}" },
	{ "{nobody}", NULL },
	{ "{id", NULL },
};

static void check_facts(void)
{
	char mem[128];
	struct sl_out o;

	for (unsigned i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
		struct sl_str template_ = sl_str_of(facts[i].template_);
		size_t len = sl_fill_len(&x, template_);

		sl_out_init(&o, mem, facts[i].want ? len : sizeof(mem));
		sl_fill(&x, template_, &o);
		is_int(o.overflow, !facts[i].want, "\"%s\" is %s", facts[i].template_,
		       facts[i].want ? "good, and as long as it was said to be" : "refused");
		if (facts[i].want)
			is_str(sl_out_done(&o), facts[i].want, "... its text");
	}
}

/* No path can hold these today; whatever comes to be a value, they do not get out. */
static void check_hostile(void)
{
	static const struct sl_str hostile[] = { SL_STR("a\r\nb: c"), SL_STR("\n"),
						 SL_STR("\r"),	      SL_STR("a\0b"),
						 SL_STR("\x7f"),      SL_STR("\x1b[2J") };
	static struct sl_header_conf set = { SL_STR("X"), SL_STR("<{id}>") };
	const struct sl_header_edit edit = { .set = &set, .set_nr = 1 };
	char mem[128];
	struct sl_out o;

	for (unsigned i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
		x.match.params[0].value = hostile[i];
		sl_out_init(&o, mem, sizeof(mem));
		sl_edit_put(&x, &edit, &o);
		ok(o.overflow, "a value with a control character is refused (%u)", i);
	}
	x.match.params[0].value = SL_S("7");
	sl_out_init(&o, mem, sl_edit_len(&x, &edit));
	sl_edit_put(&x, &edit, &o);
	ok(!o.overflow, "room as it was measured is enough");
	is_str(sl_out_done(&o), "X: <7>\r\n", "one line");
}

static void check_drops(void)
{
	static struct sl_header_conf set = { SL_STR("X-Set"), SL_STR("") };
	static struct sl_str names[] = { SL_STR("x-gone") };
	const struct sl_header_edit edit = {
		.set = &set, .set_nr = 1, .remove = names, .remove_nr = 1
	};

	ok(sl_edit_drops(&edit, SL_S("x-SET")), "what is set anew goes no further");
	ok(sl_edit_drops(&edit, SL_S("X-Gone")), "what is removed neither");
	ok(!sl_edit_drops(&edit, SL_S("X-Gon")), "a name is compared whole");
	ok(!sl_edit_is_empty(&edit) && sl_edit_is_empty(&(struct sl_header_edit){ 0 }),
	   "an edit is empty when it changes nothing");
}

int main(void)
{
	check_facts();
	check_hostile();
	check_drops();
	return done_testing();
}
