// SPDX-License-Identifier: Apache-2.0
// Errors in their three forms, whatever is put into them.
#include "gate/problem.h"

#include "tap.h"

/* Every byte, some of them several times. */
static struct sl_str hostile(char mem[static 256])
{
	for (unsigned i = 0; i < 256; i++)
		mem[i] = (char)i;
	return (struct sl_str){ mem, 256 };
}

static void check_plain(void)
{
	const struct sl_problem p = { 404, SL_STR("No <b>\"route\"</b> & 'more'."),
				      SL_STR("id-1") };
	char mem[SL_PROBLEM_MAX];
	struct sl_out o;

	sl_out_init(&o, mem, sizeof(mem));
	sl_problem_write(&o, SL_PROBLEM_HTML, &p);
	is_str(sl_out_done(&o),
	       "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
	       "<title>404 Not Found</title>\n<h1>Not Found</h1>\n"
	       "<p>No &lt;b&gt;&quot;route&quot;&lt;/b&gt; &amp; &#39;more&#39;.</p>\n"
	       "<p>Status 404, request <code>id-1</code></p>\n</html>\n",
	       "a page, with all that is put in escaped");
	sl_out_init(&o, mem, sizeof(mem));
	sl_problem_write(&o, SL_PROBLEM_TEXT, &p);
	is_str(sl_out_done(&o), "404 Not Found\nNo <b>\"route\"</b> & 'more'.\nRequest id-1\n",
	       "a text");
	sl_out_init(&o, mem, sizeof(mem));
	sl_problem_write(&o, SL_PROBLEM_JSON, &p);
	is_str(sl_out_done(&o),
	       "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
	       "\"detail\":\"No <b>\\\"route\\\"</b> & 'more'.\",\"request_id\":\"id-1\"}\n",
	       "JSON");
}

/* The only one with a type of its own. */
static void check_quota(void)
{
	const struct sl_problem p = { 429, SL_STR("Later."), SL_STR("id") };
	char mem[SL_PROBLEM_MAX];
	struct sl_out o;

	sl_out_init(&o, mem, sizeof(mem));
	sl_problem_write(&o, SL_PROBLEM_JSON, &p);
	is_str(sl_out_done(&o),
	       "{\"type\":\"https://iana.org/assignments/http-problem-types#quota-exceeded\","
	       "\"title\":\"Too Many Requests\",\"status\":429,\"detail\":\"Later.\","
	       "\"request_id\":\"id\"}\n",
	       "a limit has a type");
}

static void check_hostile(void)
{
	char bytes[256], mem[SL_PROBLEM_MAX];
	struct sl_problem p = { 500, hostile(bytes), hostile(bytes) };
	struct sl_out o;

	for (unsigned form = SL_PROBLEM_JSON; form <= SL_PROBLEM_TEXT; form++) {
		sl_out_init(&o, mem, sizeof(mem));
		sl_problem_write(&o, (enum sl_problem_form)form, &p);
		ok(!o.overflow, "512 bytes of any kind fit into form %u: %zu", form,
		   sl_out_len(&o));
		if (form == SL_PROBLEM_HTML)
			ok(!memchr(mem, '\0', sl_out_len(&o)) &&
				   !memchr(mem, '\x1b', sl_out_len(&o)),
			   "control characters do not get through");
	}
}

static void check_types(void)
{
	for (unsigned form = SL_PROBLEM_JSON; form <= SL_PROBLEM_TEXT; form++)
		ok(sl_problem_type((enum sl_problem_form)form).len > 0, "form %u has a type", form);
}

int main(void)
{
	check_plain();
	check_quota();
	check_hostile();
	check_types();
	return done_testing();
}
