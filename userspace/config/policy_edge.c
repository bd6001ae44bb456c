// SPDX-License-Identifier: Apache-2.0
// What a table cannot say of policies that do not ask who somebody is.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "config/check.h"
#include "config/source.h"
#include "http/method.h"
#include "kern/listfile.h"
#include "policy/cors.h"
#include "policy/ip_access.h"
#include "policy/maintenance.h"
#include "policy/redirect_https.h"

enum { LISTS_BYTES_MAX = 256 << 20, FIELDS_MAX = 1024 };

/* ---- ip_access ---- */

struct gathering {
	struct sl_reader *r;
	struct sl_nets_entry *entries;
	size_t nr, room;
};

static void gather(struct gathering *g, const struct sl_ip *ip, unsigned bits, bool allows)
{
	if (g->nr == g->room) {
		size_t room = g->room ? g->room * 2 : 64;
		void *entries = reallocarray(g->entries, room, sizeof(*g->entries));

		if (!entries) {
			g->r->out_of_memory = true;
			return;
		}
		g->entries = entries;
		g->room = room;
	}
	g->entries[g->nr++] = (struct sl_nets_entry){ *ip, (uint8_t)bits, allows, 0 };
}

static void gather_nets(struct gathering *g, const struct sl_net *nets, unsigned nr, bool allows)
{
	for (unsigned i = 0; i < nr; i++)
		gather(g, &nets[i].ip, nets[i].bits, allows);
}

static void gather_prefixes(struct gathering *g, const struct sl_prefixes *list, bool allows)
{
	for (size_t i = 0; i < list->nr; i++) {
		const struct sl_prefix *p = &list->prefixes[i];
		struct sl_ip ip;

		for (unsigned k = 0; k < 8; k++) {
			ip.b[k] = (uint8_t)(p->hi >> (56 - 8 * k));
			ip.b[8 + k] = (uint8_t)(p->lo >> (56 - 8 * k));
		}
		gather(g, &ip, p->length, allows);
	}
}

static void read_list(struct gathering *g, const char *path, struct sl_str text, bool allows)
{
	struct sl_listfile f = { .format = SL_LIST_AUTO };

	if (sl_listfile_read(&f, text) < 0)
		g->r->out_of_memory = true;
	else if (f.faults_nr)
		sl_report_fault(&g->r->report, "%s:%zu: %s", path, f.faults[0].line,
				f.faults[0].text);
	else
		gather_prefixes(g, &f.list, allows);
	sl_prefixes_fini(&f.list);
}

static void gather_files(struct gathering *g, const char *member, const struct sl_str *files,
			 unsigned nr, bool allows)
{
	sl_report_enter_member(&g->r->report, member);
	for (unsigned i = 0; i < nr; i++) {
		struct sl_source_id id;
		char *text = NULL;
		size_t len = 0;
		int ret = sl_source_read_plain(files[i].ptr, LISTS_BYTES_MAX, &text, &len, &id);

		sl_report_enter_element(&g->r->report, i);
		if (ret < 0)
			sl_report_fault(&g->r->report, "cannot be read: %s", strerror(-ret));
		else
			read_list(g, files[i].ptr, (struct sl_str){ text, len }, allows);
		sl_report_leave(&g->r->report);
		free(text);
	}
	sl_report_leave(&g->r->report);
}

void sl_check_ip_access(struct sl_reader *r, json_t *value, void *to)
{
	struct gathering g = { .r = r };
	struct sl_ip_access *self = to;
	struct sl_nets_entry *kept;

	gather_nets(&g, self->allow, self->allow_nr, true);
	gather_nets(&g, self->deny, self->deny_nr, false);
	gather_files(&g, "allow_files", self->allow_files, self->allow_files_nr, true);
	gather_files(&g, "deny_files", self->deny_files, self->deny_files_nr, false);
	if (json_object_size(value) == 0)
		sl_report_fault(&r->report, "needs 'allow', 'deny', 'allow_files' or 'deny_files'");
	self->allows_others = self->deny_nr || self->deny_files_nr;
	kept = sl_reader_alloc(r, g.nr + 1, sizeof(*kept));
	if (kept && g.nr)
		memcpy(kept, g.entries, g.nr * sizeof(*kept));
	if (kept)
		sl_nets_make(&self->nets, kept, (uint32_t)g.nr);
	free(g.entries);
}

/* ---- cors ---- */

static bool is_origin_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       memchr(".-:[]*", c, sizeof(".-:[]*") - 1);
}

const char *sl_check_origin(struct sl_str text)
{
	static const char what[] =
		"must be an origin such as \"https://app.example\", in lower case "
		"and without a path, \"https://*.app.example\", \"null\" or \"*\"";
	size_t scheme = sl_str_starts(text, SL_S("https://"))  ? 8
			: sl_str_starts(text, SL_S("http://")) ? 7
							       : 0;
	size_t stars = 0;

	if (sl_str_eq(text, SL_S("*")) || sl_str_eq(text, SL_S("null")))
		return NULL;
	if (!scheme || text.len == scheme || text.len > 256)
		return what;
	for (size_t i = scheme; i < text.len; i++) {
		if (!is_origin_char(text.ptr[i]))
			return what;
		stars += text.ptr[i] == '*';
	}
	if (stars > 1 ||
	    (stars &&
	     !sl_str_starts((struct sl_str){ text.ptr + scheme, text.len - scheme }, SL_S("*."))))
		return what;
	return NULL;
}

static void put_list(struct sl_out *o, const char *name, const struct sl_str *words, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		if (i == 0)
			sl_out_fmt(o, "%s: ", name);
		else
			sl_out_lit(o, ", ");
		sl_out_str(o, words[i]);
	}
	if (nr)
		sl_out_lit(o, "\r\n");
}

static void put_methods(struct sl_out *o, uint32_t methods)
{
	const char *before = "Access-Control-Allow-Methods: ";

	for (unsigned m = SL_METHOD_GET; m < SL_METHODS_NR; m++)
		if (methods & 1u << m) {
			sl_out_fmt(o, "%s", before);
			sl_out_str(o, sl_method_name((enum sl_method)m));
			before = ", ";
		}
	sl_out_lit(o, "\r\n");
}

void sl_check_cors(struct sl_reader *r, json_t *value, void *to)
{
	struct sl_cors *self = to;
	char *mem = sl_reader_alloc(r, 2, FIELDS_MAX);
	struct sl_out preflight, answer;

	if (!mem)
		return;
	for (unsigned i = 0; i < self->origins_nr; i++)
		self->allows_all |= sl_str_eq(self->origins[i], SL_S("*"));
	if (self->allows_all && self->credentials)
		sl_reader_fault_member(r, "credentials",
				       "are for origins that are named, not for \"*\": any page "
				       "could act as its reader");
	sl_out_init(&preflight, mem, FIELDS_MAX);
	put_methods(&preflight, self->methods);
	put_list(&preflight, "Access-Control-Allow-Headers", self->headers, self->headers_nr);
	sl_out_fmt(&preflight, "Access-Control-Max-Age: %s", "");
	sl_out_u64(&preflight, self->max_age_ns / SL_SEC);
	sl_out_lit(&preflight, "\r\n");
	self->preflight_fields = sl_out_done(&preflight);
	sl_out_init(&answer, mem + FIELDS_MAX, FIELDS_MAX);
	put_list(&answer, "Access-Control-Expose-Headers", self->expose, self->expose_nr);
	self->answer_fields = sl_out_done(&answer);
	if (preflight.overflow || answer.overflow)
		sl_report_fault(&r->report, "'headers' or 'expose' are longer than 1,000 bytes");
}

/* ---- redirect_https, maintenance ---- */

/* What hstspreload.org asks for: without, the word does nothing. */
#define PRELOAD_NS (SL_SEC * 3600 * 24 * 365)

void sl_check_redirect_https(struct sl_reader *r, json_t *value, void *to)
{
	const struct sl_redirect_https *self = to;

	if (self->hsts_subdomains && !self->hsts_max_age_ns)
		sl_reader_fault_member(r, "include_subdomains", "needs 'hsts' beside it");
	if (self->hsts_preload && (!self->hsts_subdomains || self->hsts_max_age_ns < PRELOAD_NS))
		sl_reader_fault_member(r, "preload",
				       "needs 'include_subdomains', and 'hsts' of 365d or more");
}

/* It is shown as it is, in JSON, in a page and in a text. */
const char *sl_check_sentence(struct sl_str text)
{
	bool is_plain = text.len >= 1 && text.len <= 256;

	for (size_t i = 0; is_plain && i < text.len; i++)
		is_plain = text.ptr[i] >= ' ' && text.ptr[i] < 0x7f;
	return is_plain ? NULL : "must be 1 to 256 printable ASCII characters";
}

void sl_check_maintenance(struct sl_reader *r, json_t *value, void *to)
{
	struct sl_maintenance *self = to;

	self->closed = (struct sl_refusal){
		.status = 503,
		.error = "maintenance",
		.detail = self->detail.ptr,
	};
}
