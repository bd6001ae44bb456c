// SPDX-License-Identifier: Apache-2.0
// Command "certificate show".
#include <stdlib.h>
#include <time.h>

#include "control/certificates.h"
#include "control/command.h"
#include "tls/shown.h"

static void add_time(json_t *item, const char *key, int64_t seconds)
{
	time_t t = (time_t)seconds;
	char text[32];
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	json_object_set_new(item, key, json_string(text));
}

/* What is no text is left out: names are whatever a certificate holds. */
static void add_name(void *arg, const char *name, size_t len)
{
	json_t *text = json_stringn(name, len);

	if (text)
		json_array_append_new(arg, text);
}

static void describe_names(json_t *item, const struct sl_certificate *c)
{
	X509 *x = c->pair->certificate;
	json_t *names = json_array();
	char text[SL_TLS_NAME_MAX];

	sl_tls_pair_names(c->pair, add_name, names);
	json_object_set_new(item, "names", names);
	sl_x509_print_name(X509_get_subject_name(x), text);
	json_object_set_new(item, "subject", json_string(text));
	sl_x509_print_name(X509_get_issuer_name(x), text);
	json_object_set_new(item, "issuer", json_string(text));
	sl_x509_print_serial(x, text);
	json_object_set_new(item, "serial", json_string(text));
	sl_x509_print_fingerprint(x, text);
	json_object_set_new(item, "sha256", json_string(text));
}

static const char *ocsp_state(const struct sl_tls_ocsp *o, int64_t now_s)
{
	if (!o->is_good)
		return "not good";
	return sl_tls_ocsp_is_stapled(o, now_s) ? "told" : "not in its time";
}

static void describe_ocsp(json_t *item, const struct sl_certificate *c, int64_t now_s)
{
	json_t *ocsp = json_object();

	json_object_set_new(ocsp, "file", json_string(c->conf->ocsp));
	json_object_set_new(ocsp, "state", json_string(ocsp_state(c->ocsp, now_s)));
	add_time(ocsp, "until", c->ocsp->until_s);
	json_object_set_new(item, "ocsp", ocsp);
}

static json_t *describe(const struct sl_certificate *c, int64_t now_s)
{
	static const char *const kinds[] = {
		[SL_TLS_RSA] = "RSA",
		[SL_TLS_ECDSA] = "ECDSA",
		[SL_TLS_EDDSA] = "EdDSA",
	};
	json_t *item = json_object();

	json_object_set_new(item, "listener", json_string(c->listener));
	describe_names(item, c);
	json_object_set_new(item, "key", json_string(kinds[c->pair->kind]));
	json_object_set_new(item, "key_bits", json_integer(EVP_PKEY_get_bits(c->pair->key)));
	add_time(item, "not_before", sl_tls_pair_since(c->pair));
	add_time(item, "not_after", c->until_s);
	json_object_set_new(item, "left_s", json_integer(c->until_s - now_s));
	json_object_set_new(item, "certificate_file", json_string(c->conf->certificate));
	json_object_set_new(item, "key_file", json_string(c->conf->key));
	if (c->ocsp->der)
		describe_ocsp(item, c, now_s);
	return item;
}

json_t *sl_command_certificates(struct sl_daemon *d, const struct sl_command_args *args)
{
	json_t *list = json_array();
	struct sl_certificate c;

	for (unsigned i = 0; sl_certificate_at(d->rules, i, &c); i++)
		json_array_append_new(list, describe(&c, time(NULL)));
	return json_pack("{s:o}", "certificates", list);
}

json_t *sl_command_certificates_sum(const struct sl_daemon *d)
{
	struct sl_certificate c, first = { .listener = NULL };
	char name[SL_CERTIFICATE_NAME_MAX];
	json_t *sum = json_object();
	unsigned i = 0;

	for (; sl_certificate_at(d->rules, i, &c); i++)
		if (!first.listener || c.until_s < first.until_s)
			first = c;
	json_object_set_new(sum, "count", json_integer(i));
	if (i == 0)
		return sum;
	sl_certificate_name(&first, name);
	json_object_set_new(sum, "first_to_end", json_string(name));
	json_object_set_new(sum, "left_s", json_integer(first.until_s - time(NULL)));
	return sum;
}
