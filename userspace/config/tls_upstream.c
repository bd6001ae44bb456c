// SPDX-License-Identifier: Apache-2.0
// TLS of upstreams: files, read and checked with the configuration that names them, and what each
// target is called.
#include <arpa/inet.h>
#include <errno.h>

#include "config/check.h"
#include "http/uri.h"
#include "tls/files.h"
#include "tls/origin.h"

enum { NAME_MAX_BYTES = 253 };

static bool is_address(const char *text)
{
	struct in6_addr a;

	return inet_pton(AF_INET, text, &a) == 1 || inet_pton(AF_INET6, text, &a) == 1;
}

const char *sl_check_server_name(struct sl_str text)
{
	struct sl_str host, port;

	if (is_address(text.ptr))
		return NULL;
	return text.len <= NAME_MAX_BYTES && sl_authority_split(text, &host, &port) &&
			       host.len == text.len && text.ptr[0] != '['
		       ? NULL
		       : "is neither a host name, without a port, nor an address";
}

void sl_check_origin_tls(struct sl_reader *r, json_t *value, void *to)
{
	const struct sl_tls_origin_conf *conf = to;

	if (json_object_get(value, "key") && !json_object_get(value, "certificate"))
		fault_member(r, "key", "does nothing without 'certificate'");
	if (json_object_get(value, "certificate") && !json_object_get(value, "key"))
		fault_member(r, "certificate", "needs its 'key'");
	if (conf->crl && !conf->verify)
		fault_member(r, "crl", "does nothing without 'verify'");
}

/* ---- what targets are called ---- */

static struct sl_str own_name(const struct sl_target_conf *t, char mem[INET6_ADDRSTRLEN])
{
	struct sl_str host = { NULL, 0 };
	const void *at = &t->address.in.sin_addr;
	uint16_t port;

	if (t->address.len == 0) {
		sl_addr_split_name(sl_str_of(t->text), &host, &port);
		return host;
	}
	if (t->address.sa.sa_family == AF_UNIX)
		return host;
	if (t->address.sa.sa_family == AF_INET6)
		at = &t->address.in6.sin6_addr;
	inet_ntop(t->address.sa.sa_family, at, mem, INET6_ADDRSTRLEN);
	return sl_str_of(mem);
}

/* "api.example." is told as "api.example": names in TLS have no dot at their end (RFC 6066 3). */
static void name_target(struct sl_reader *r, const struct sl_tls_origin_conf *conf,
			struct sl_target_conf *t)
{
	char mem[INET6_ADDRSTRLEN];
	struct sl_str name;

	if (!t->text)
		return;
	name = conf->server_name ? sl_str_of(conf->server_name) : own_name(t, mem);
	if (name.len > 1 && name.ptr[name.len - 1] == '.')
		name.len--;
	if (!name.len) {
		if (conf->verify)
			fault_member(r, "tls", "needs 'server_name' for '%.64s', which has none",
				     t->name);
		return;
	}
	sl_reader_store_text(r, sizeof(t->tls_name.text), &t->tls_name.text, name);
	if (t->tls_name.text)
		t->tls_name.is_address = is_address(t->tls_name.text);
}

/* ---- files ---- */

static void tell(void *arg, enum sl_tls_member member, unsigned index, const char *path,
		 const char *why)
{
	static const char *const names[] = {
		[SL_TLS_CERTIFICATE] = "certificate",
		[SL_TLS_KEY] = "key",
		[SL_TLS_CA] = "ca",
		[SL_TLS_CRL] = "crl",
	};
	struct sl_reader *r = arg;

	fault_member(r, names[member], "%.256s: %s", path, why);
}

static bool is_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_same(const struct sl_tls_origin_conf *a, const struct sl_tls_origin_conf *b)
{
	return is_same_text(a->ca, b->ca) && is_same_text(a->crl, b->crl) &&
	       is_same_text(a->certificate, b->certificate) && is_same_text(a->key, b->key) &&
	       a->profile == b->profile && a->depth == b->depth && a->verify == b->verify &&
	       a->session_reuse == b->session_reuse;
}

/* Many upstreams mostly trust the same file, and it may have hundreds of certificates. */
static struct sl_tls_origin *find_same(const struct sl_rules *rules,
				       const struct sl_tls_origin_conf *conf)
{
	for (const struct sl_tls_origin_conf *o = rules->origins; o; o = o->next)
		if (is_same(o, conf))
			return sl_tls_origin_get(o->origin);
	return NULL;
}

static void make_origin(struct sl_reader *r, struct sl_tls_origin_conf *conf)
{
	const struct sl_tls_faults faults = { tell, r };
	int ret;

	conf->files_print = sl_tls_origin_files_print(conf); /* before, as a listener's */
	sl_report_enter_member(&r->report, "tls");
	ret = sl_tls_origin_new(&conf->origin, conf, &faults);
	sl_report_leave(&r->report);
	if (ret == -ENOMEM)
		r->out_of_memory = true;
	if (ret < 0)
		return;
	conf->next = r->rules->origins;
	r->rules->origins = conf;
}

static bool is_complete(const struct sl_tls_origin_conf *conf)
{
	return !conf->certificate == !conf->key && (conf->ca || !conf->verify);
}

void sl_check_upstream_tls(struct sl_reader *r, struct sl_upstream_conf *u)
{
	struct sl_tls_origin_conf *conf = u->tls;

	if (!conf || !is_complete(conf))
		return;
	for (uint32_t k = 0; k < u->targets_nr; k++)
		name_target(r, conf, &u->targets[k]);
	conf->origin = find_same(r->rules, conf);
	if (!conf->origin)
		make_origin(r, conf);
	if (conf->origin)
		conf->id = sl_tls_origin_id(conf->origin, conf->server_name);
}

void sl_config_free_upstream_tls(struct sl_rules *rules)
{
	for (unsigned i = 0; i < rules->upstreams_nr; i++)
		if (rules->upstreams[i].tls)
			sl_tls_origin_put(rules->upstreams[i].tls->origin);
}
