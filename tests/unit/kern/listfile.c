// SPDX-License-Identifier: Apache-2.0
// Files of prefixes: every format, what is wrong in them, and that what is written is read again.
#include "kern/listfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

static struct sl_listfile file;

static void read_text(const char *text, size_t len)
{
	sl_prefixes_fini(&file.list);
	file = (struct sl_listfile){ .defaults = { .denies = true, .now = sl_moment_now() } };
	file.defaults.rule.action = SL_ACTION_DROP;
	strcpy(file.defaults.rule.list, "default");
	sl_listfile_read(&file, (struct sl_str){ guarded(text, len), len });
}

/* All prefixes, with a word of what is special about each. */
static struct sl_str all(void)
{
	static char mem[4096];
	struct sl_out o;

	sl_out_init(&o, mem, sizeof(mem));
	for (size_t i = 0; i < file.list.nr; i++) {
		const struct sl_prefix *p = &file.list.prefixes[i];
		const struct sl_rule *rule = &file.list.rules[p->rule];

		sl_out_fmt(&o, "%s", i ? " " : "");
		sl_prefix_print(&o, p);
		if (p->expires)
			sl_out_lit(&o, "!");
		if (rule->reason[0])
			sl_out_fmt(&o, "=%s", rule->reason);
		if (rule->action != SL_ACTION_DROP)
			sl_out_fmt(&o, "(%s)", sl_action_name(rule->action));
		if (rule->has_port)
			sl_out_fmt(&o, ":%u", rule->port);
		if (strcmp(rule->list, "default") != 0)
			sl_out_fmt(&o, "@%s", rule->list);
	}
	return sl_out_done(&o);
}

static const struct {
	const char *name, *text;
	enum sl_list_format format;
	const char *want;
	size_t faults, first_line;
} cases[] = {
	{ "nothing", "", SL_LIST_PLAIN, "", 0, 0 },
	{ "comments", "# a\n; b\n// c\n\n \t\r\n", SL_LIST_PLAIN, "", 0, 0 },
	{ "addresses and prefixes",
	  "1.2.3.4\n"
	  "10.0.0.0/8\r\n"
	  "  2001:db8::/32  # why\n"
	  "::1",
	  SL_LIST_PLAIN, "1.2.3.4 10.0.0.0/8 2001:db8::/32 ::1", 0, 0 },
	{ "a byte order mark",
	  "\xef\xbb\xbf"
	  "1.2.3.4\n",
	  SL_LIST_PLAIN, "1.2.3.4", 0, 0 },
	{ "the whole of each family",
	  "0.0.0.0/0\n"
	  "::/0\n",
	  SL_LIST_PLAIN, "0.0.0.0/0 ::/0", 0, 0 },
	{ "an IPv4 address in IPv6's clothes", "::ffff:192.0.2.0/120\n", SL_LIST_PLAIN,
	  "192.0.2.0/24", 0, 0 },
	{ "Spamhaus DROP",
	  "; Spamhaus\n"
	  "1.10.16.0/20 ; SBL256894\n"
	  "1.19.0.0/16 ; SBL43 4604\n",
	  SL_LIST_PLAIN, "1.10.16.0/20=SBL256894 1.19.0.0/16=SBL43", 0, 0 },
	{ "words", "1.1.1.1 timeout 1h30m reason abuse action reject port 80 list x # c\n",
	  SL_LIST_PLAIN, "1.1.1.1!=abuse(reject):80@x", 0, 0 },
	{ "timeout 0 is never", "1.1.1.1 timeout 0\n", SL_LIST_PLAIN, "1.1.1.1", 0, 0 },
	{ "a range",
	  "1.0.0.3-1.0.0.9\n"
	  "0.0.0.0-255.255.255.255\n"
	  "255.255.255.255-255.255.255.255",
	  SL_LIST_PLAIN, "1.0.0.3 1.0.0.4/30 1.0.0.8/31 0.0.0.0/0 255.255.255.255", 0, 0 },
	{ "a range that runs back", "1.0.0.9-1.0.0.3\n", SL_LIST_PLAIN, "", 1, 1 },
	{ "a range of IPv6", "::1-::2\n", SL_LIST_PLAIN, "", 1, 1 },
	{ "what is no prefix",
	  "1.1.1.1\n"
	  "foo\n"
	  "1.2.3\n"
	  "1.2.3.4/33\n"
	  "01.2.3.4\n"
	  "1.2.3.256\n"
	  "::1/129\n"
	  "2.2.2.2\n",
	  SL_LIST_PLAIN, "1.1.1.1 2.2.2.2", 6, 2 },
	{ "a word that is none", "1.1.1.1 tiemout 5\n", SL_LIST_PLAIN, "", 1, 1 },
	{ "a port beyond the last",
	  "1.1.1.1 port 65536\n"
	  "1.1.1.1 port 65535\n",
	  SL_LIST_PLAIN, "1.1.1.1:65535", 1, 1 },
	{ "a time beyond the longest",
	  "1.1.1.1 timeout 366d\n"
	  "1.1.1.1 timeout 365d\n",
	  SL_LIST_PLAIN, "1.1.1.1!", 1, 1 },
	{ "an action of the other side", "1.1.1.1 action manage\n", SL_LIST_PLAIN, "", 1, 1 },
	{ "a reason of 16",
	  "1.1.1.1 reason abcdefghijklmnop\n"
	  "1.1.1.1 reason abcdefghijklmno\n",
	  SL_LIST_PLAIN, "1.1.1.1=abcdefghijklmno", 1, 1 },
	{ "what has ended", "1.1.1.1 until 2001-01-01T00:00:00Z\n", SL_LIST_PLAIN, "", 0, 0 },
	{ "CSV with a first line",
	  "name,CIDR,x\n\"a,b\",1.2.3.0/24,\n"
	  "c, \"8.8.8.8\" \n",
	  SL_LIST_CSV, "1.2.3.0/24 8.8.8.8", 0, 0 },
	{ "CSV without one",
	  "1.2.3.0/24,2020\n"
	  "8.8.8.8,2021\n",
	  SL_LIST_CSV, "1.2.3.0/24 8.8.8.8", 0, 0 },
	{ "a column alone", "ip\n8.8.8.8\n", SL_LIST_CSV, "8.8.8.8", 0, 0 },
	{ "CSV with too few columns", "a,ip\nb\n", SL_LIST_CSV, "", 1, 2 },
	{ "ipset",
	  "create x hash:net family inet timeout 0\n"
	  "add x 1.2.3.0/24 timeout 100 comment \"a b\"\n"
	  "add x 1.2.3.4 nomatch\nadd x 5.5.5.5 packets 1 bytes 2\n",
	  SL_LIST_IPSET, "1.2.3.0/24! 1.2.3.4(none) 5.5.5.5", 0, 0 },
	{ "ipset with ports", "add x 1.2.3.4,tcp:80\n", SL_LIST_IPSET, "", 1, 1 },
	{ "nft",
	  "table inet f { # elements = { 7.7.7.7 }\n"
	  " set s {\n"
	  " type ipv4_addr\n"
	  " timeout 1h\n"
	  "elements = { 1.2.3.4 timeout 1h expires 5m3s2ms comment \"x, }\",\n\t5.5.5.0/24,\n"
	  "6.6.6.6-6.6.6.7 }\n"
	  "}\n"
	  "}\n",
	  SL_LIST_NFT, "1.2.3.4! 5.5.5.0/24 6.6.6.6/31", 0, 0 },
	{ "nft's commands", "add element inet f s { 1.1.1.1, ::2 }\n", SL_LIST_NFT, "1.1.1.1 ::2",
	  0, 0 },
	{ "nft without an end", "set s { elements = { 1.1.1.1,\n", SL_LIST_NFT, "1.1.1.1", 1, 2 },
	{ "nft of several parts", "set s { elements = { 1.1.1.1 . 80 } }", SL_LIST_NFT, "", 1, 1 },
	{ "a JSON array", "[\"1.1.1.1\",\n\"10.0.0.0\\/8\"]", SL_LIST_JSON, "1.1.1.1 10.0.0.0/8", 0,
	  0 },
	{ "JSON lines",
	  "{\"cidr\":\"1.0.0.0/8\",\"sblid\":\"SBL1\"}\n"
	  "{\"type\":\"metadata\",\"size\":1e3}\n",
	  SL_LIST_JSON, "1.0.0.0/8", 0, 0 },
	{ "JSON of a cloud",
	  "{\"prefixes\":[{\"ip_prefix\":\"3.0.0.0/8\",\"region\":\"x\"}],\"ipv6_prefixes\":"
	  "[{\"ipv6_prefix\":\"2600::/24\"}],\"names\":[\"a\"],\"ok\":[],\"no\":{}}",
	  SL_LIST_JSON, "3.0.0.0/8 2600::/24", 0, 0 },
	{ "JSON with a bad prefix", "[\"1.1.1.1\",\n\"x\"]", SL_LIST_JSON, "1.1.1.1", 1, 2 },
	{ "JSON that is cut", "[\"1.1.1.1\",\n", SL_LIST_JSON, "1.1.1.1", 1, 2 },
	{ "JSON without a colon", "{\"ip\" \"1.1.1.1\"}", SL_LIST_JSON, "", 1, 1 },
};

static void test_cases(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t len = strlen(cases[i].text);

		read_text(cases[i].text, len);
		is_str(all(), cases[i].want, "%s", cases[i].name);
		is_int(file.format, cases[i].format, "%s: the format", cases[i].name);
		ok(file.faults_nr == cases[i].faults &&
			   (!cases[i].faults || file.faults[0].line == cases[i].first_line),
		   "%s: %zu faults, line %zu", cases[i].name, file.faults_nr, file.faults[0].line);
		/* Cut anywhere, nothing is read beyond its end. */
		for (size_t n = 0; n < len; n++)
			read_text(cases[i].text, n);
	}
}

static void test_many_faults(void)
{
	char text[200];

	for (size_t i = 0; i < sizeof(text); i += 2)
		memcpy(text + i, "\001\n", 2);
	read_text(text, sizeof(text));
	is_int((int64_t)file.faults_nr, 100, "all faults are counted");
	is_int((int64_t)file.faults[SL_LIST_FAULTS_MAX - 1].line, SL_LIST_FAULTS_MAX,
	       "20 are kept");
	ok(strchr(file.faults[0].text, '?') && !strchr(file.faults[0].text, '\001'),
	   "what could do harm to a terminal is not repeated");
	read_text("10.1.2.3/8\n10.1.2.3/32\n", 23);
	is_int((int64_t)file.host_bits_nr, 1, "bits beyond the length are counted");
}

static void test_merge(void)
{
	static const char text[] = "1.1.1.1 timeout 1h\n2.2.2.2\n1.1.1.1 action reject\n"
				   "1.1.1.1 port 80\n1.1.1.1 timeout 2h\n1.1.1.1 list x\n";

	read_text(text, sizeof(text) - 1);
	is_int(sl_list_merge(&file.list), 2, "two of them were there already");
	is_int((int64_t)file.list.nr, 4, "other ports and lists are other entries");
	ok(strstr(all().ptr, "1.1.1.1(reject)"), "of the others the one without an end stays");
}

static void test_identity(void)
{
	static const char text[] = "1.1.1.1 action reject reason a list x\n"
				   "2.2.2.0/24 port 80\n"
				   "2.2.2.2 action none\n"
				   "3.3.3.3 timeout 90m\n"
				   "::/0 action shadow\n";
	char first[2048], second[2048];
	struct sl_out o[2];

	sl_out_init(&o[0], first, sizeof(first));
	sl_out_init(&o[1], second, sizeof(second));
	read_text(text, sizeof(text) - 1);
	for (int turn = 0; turn < 2; turn++) {
		sl_list_merge(&file.list);
		for (size_t i = 0; i < file.list.nr; i++)
			sl_list_write_entry(&o[turn], &file.list, i, &file.defaults.now, true);
		read_text(first, sl_out_len(&o[0]));
	}
	is_int((int64_t)file.faults_nr, 0, "what is written can be read");
	first[sl_out_len(&o[0])] = '\0';
	is_str(sl_out_done(&o[1]), first, "and is the same again, ends too");
}

static void test_spans(void)
{
	static const struct {
		const char *text;
		int ret;
		uint64_t ms;
	} spans[] = {
		{ "0", 0, 0 },		 { "90", 0, 90000 },
		{ "1h30m", 0, 5400000 }, { "500ms", 0, 500 },
		{ "1m1s1ms", 0, 61001 }, { "365d", 0, 31536000000 },
		{ "366d", -ERANGE, 0 },	 { "365d1ms", -ERANGE, 0 },
		{ "", -EINVAL, 0 },	 { "h", -EINVAL, 0 },
		{ "1x", -EINVAL, 0 },	 { "1h30", -EINVAL, 0 },
		{ "-1s", -EINVAL, 0 },	 { "99999999999999999999s", -ERANGE, 0 },
	};

	for (size_t i = 0; i < sizeof(spans) / sizeof(*spans); i++) {
		uint64_t ns = 0;

		is_int(sl_span_parse(sl_str_of(spans[i].text), &ns), spans[i].ret, "'%s'",
		       spans[i].text);
		is_int((int64_t)ns, (int64_t)spans[i].ms * 1000000, "its length");
	}
}

int main(void)
{
	test_cases();
	test_many_faults();
	test_merge();
	test_identity();
	test_spans();
	sl_prefixes_fini(&file.list);
	return done_testing();
}
