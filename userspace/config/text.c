// SPDX-License-Identifier: Apache-2.0
// Kinds of value that are strings: free text, addresses, host names, methods, names of upstreams.
#include <errno.h>
#include <inttypes.h>

#include "config/key.h"
#include "http/method.h"

enum { HOST_MAX = 253 };

void sl_reader_store_text(struct sl_reader *r, size_t size, void *to, struct sl_str text)
{
	struct sl_str copy = sl_arena_copy(&r->rules->arena, text);

	if (!copy.ptr) {
		r->out_of_memory = true;
		return;
	}
	if (size == sizeof(copy))
		*(struct sl_str *)to = copy;
	else if (size == sizeof(copy.ptr))
		*(const char **)to = copy.ptr;
}

static bool get_string(struct sl_reader *r, json_t *value, struct sl_str *ret_text)
{
	if (!json_is_string(value)) {
		sl_reader_type_fault(r, "a string", value);
		return false;
	}
	*ret_text = (struct sl_str){ json_string_value(value), json_string_length(value) };
	return true;
}

static void read_string(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	struct sl_str text;
	const char *why;

	if (!get_string(r, value, &text))
		return;
	why = key->check ? key->check(text) : NULL;
	if (why) {
		if (key->is_secret)
			sl_report_fault(&r->report, "what stands here %s", why);
		else
			sl_report_fault(&r->report, "'%.64s' %s", text.ptr, why);
		return;
	}
	sl_reader_store_text(r, key->size, to, text);
}

static json_t *describe_string(const struct sl_key *key)
{
	json_t *schema = json_pack("{s:s}", "type", "string");

	if (key->pattern)
		json_object_set_new(schema, "pattern", json_string(key->pattern));
	return schema;
}

static void read_ignored(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	struct sl_str text;

	get_string(r, value, &text);
}

/* As nginx and HAProxy have it, where it does not mean the same.  The port with its
 * colon, or NULL. */
static const char *port_of_any_host(struct sl_str text)
{
	const char *port = text.ptr + sl_str_starts(text, SL_S("*"));

	return *port == ':' && !strchr(port + 1, ':') ? port : NULL;
}

static void refuse_address(struct sl_reader *r, const struct sl_key *key, struct sl_str text)
{
	const char *port = key->may_resolve ? NULL : port_of_any_host(text);

	if (port)
		sl_report_fault(&r->report,
				"'%.64s' has no address: every one is \"0.0.0.0%.16s\", or "
				"\"[::]%.16s\" with those of IPv6",
				text.ptr, port, port);
	else
		sl_report_fault(&r->report,
				"'%.64s' is not an address such as \"192.0.2.1:80\", "
				"\"[2001:db8::1]:80\"%s or \"unix:/path\"",
				text.ptr, key->may_resolve ? ", \"name.example:80\"" : "");
}

/* A name is left for whoever knows what to ask: the address stays empty. */
static void read_address(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	struct sl_addr addr = { .len = 0 };
	struct sl_str text, host;
	uint16_t port;
	int ret;

	if (!get_string(r, value, &text))
		return;
	ret = sl_addr_parse(text, &addr);
	if (ret == -ENOENT && key->may_resolve && sl_addr_split_name(text, &host, &port))
		ret = port ? 0 : -ERANGE;
	else if (ret == 0 && addr.sa.sa_family != AF_UNIX && sl_addr_port(&addr) == 0)
		ret = -ERANGE;
	if (ret == -ERANGE)
		sl_report_fault(&r->report, "'%.64s' needs a port from 1 to 65535", text.ptr);
	else if (ret < 0)
		refuse_address(r, key, text);
	else
		*(struct sl_addr *)to = addr;
}

static void read_net(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	struct sl_str text;
	struct sl_net net;

	if (!get_string(r, value, &text))
		return;
	if (sl_net_parse(text, &net) < 0)
		sl_report_fault(&r->report,
				"'%.64s' is not an address or a prefix such as \"192.0.2.0/24\" "
				"(all bits beyond the prefix are 0)",
				text.ptr);
	else
		*(struct sl_net *)to = net;
}

static bool is_label_char(char c)
{
	c = sl_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool is_bracketed_ipv6(struct sl_str s)
{
	struct sl_ip ip;

	return s.len > 2 && s.ptr[0] == '[' && s.ptr[s.len - 1] == ']' &&
	       memchr(s.ptr, ':', s.len) &&
	       sl_ip_parse((struct sl_str){ s.ptr + 1, s.len - 2 }, &ip) == 0;
}

/* Labels of 1 to 63 letters, digits, '-' and '_', with dots between them. */
static bool is_host(struct sl_str s)
{
	size_t label = 0;

	if (s.len == 0 || s.len > HOST_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '.' ? label == 0 : !is_label_char(s.ptr[i]) || label == 63)
			return false;
		label = s.ptr[i] == '.' ? 0 : label + 1;
	}
	return label > 0;
}

static void read_host(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	struct sl_str text, host;
	char *lower;

	if (!get_string(r, value, &text))
		return;
	host = text;
	if (sl_str_starts(host, SL_S("*.")))
		host = (struct sl_str){ host.ptr + 2, host.len - 2 };
	if (!is_host(host) && !is_bracketed_ipv6(text)) {
		sl_report_fault(&r->report,
				"'%.64s' is not a host such as \"api.example.com\" or "
				"\"*.example.com\" (no port, '*' only as the first label)",
				text.ptr);
		return;
	}
	lower = sl_reader_alloc(r, 1, text.len + 1);
	if (!lower)
		return;
	for (size_t i = 0; i < text.len; i++)
		lower[i] = sl_lower(text.ptr[i]);
	*(struct sl_str *)to = (struct sl_str){ lower, text.len };
}

static void list_methods(const char *ret_words[SL_METHODS_NR])
{
	for (unsigned m = 1; m < SL_METHODS_NR; m++)
		ret_words[m - 1] = sl_method_name(m).ptr;
	ret_words[SL_METHODS_NR - 1] = NULL;
}

static void fault_unknown(struct sl_reader *r, const char *what, struct sl_str text,
			  const char *near)
{
	sl_report_fault(&r->report, "%s '%.64s'%s%s%s", what, text.ptr,
			near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static void read_method(struct sl_reader *r, const struct sl_key *key, json_t *value,
			uint64_t *mask)
{
	const char *words[SL_METHODS_NR];
	enum sl_method method;
	struct sl_str text;

	if (!get_string(r, value, &text))
		return;
	method = sl_method_of(text);
	if (method != SL_METHOD_OTHER) {
		*mask |= 1u << method;
		return;
	}
	list_methods(words);
	fault_unknown(r, "unknown method", text, sl_suggest(&r->report, text, words));
}

static void read_methods(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	if (json_is_array(value) && json_array_size(value) == 0)
		sl_report_fault(&r->report, "needs at least 1 element; leave it out for all");
	else
		sl_reader_mask(r, key, value, read_method, to);
}

static json_t *describe_methods(const struct sl_key *key)
{
	const char *words[SL_METHODS_NR];

	list_methods(words);
	return json_pack("{s:s, s:i, s:{s:o}}", "type", "array", "minItems", 1, "items", "enum",
			 sl_words_describe(words));
}

static const char *nearest_name(const struct sl_report *report, json_t *names, struct sl_str word)
{
	unsigned distance = sl_suggest_limit(report, word);
	const char *best = NULL, *name;
	json_t *index;

	if (distance == 0)
		return NULL;
	json_object_foreach(names, name, index)
	{
		if (sl_suggest_is_nearer(word, name, &distance))
			best = name;
	}
	return best;
}

static void read_upstream(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	struct sl_str text;
	json_t *index;

	if (!get_string(r, value, &text))
		return;
	index = json_object_get(r->upstreams, text.ptr);
	if (index) {
		sl_key_store_number(key, to, (uint64_t)json_integer_value(index));
		return;
	}
	fault_unknown(r, "there is no upstream", text,
		      nearest_name(&r->report, r->upstreams, text));
}

const struct sl_kind sl_kind_string = { read_string, describe_string, "string" };
const struct sl_kind sl_kind_ignored = { read_ignored, describe_string, "string" };
const struct sl_kind sl_kind_address = { read_address, describe_string, "address" };
const struct sl_kind sl_kind_net = { read_net, describe_string, "prefix" };
const struct sl_kind sl_kind_host = { read_host, describe_string, "host" };
const struct sl_kind sl_kind_methods = { read_methods, describe_methods, "array of methods" };
const struct sl_kind sl_kind_upstream = { read_upstream, describe_string, "name of an upstream" };
