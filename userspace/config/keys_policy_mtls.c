// SPDX-License-Identifier: Apache-2.0
// The keys of policy mtls, and of the certificates by which it knows a consumer.
#include "config/table.h"
#include "policy/mtls.h"
#include "tls/shown.h"

/* ---- a certificate of a consumer ---- */

static const char *check_fingerprint(struct sl_str text)
{
	static const char why[] = "is no SHA-256: 64 hexadecimal digits, as \"openssl x509 "
				  "-fingerprint -sha256\" prints them, with or without ':'";
	size_t digits = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = sl_lower(text.ptr[i]);

		if (c == ':')
			continue;
		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return why;
		digits++;
	}
	return digits == 64 ? NULL : why;
}

static const char *check_subject(struct sl_str text)
{
	return text.len && text.len < SL_TLS_NAME_MAX ? NULL : "is not 1 to 511 bytes long";
}

static const char *check_san(struct sl_str text)
{
	static const struct sl_str kinds[] = { SL_STR("DNS:"), SL_STR("URI:"), SL_STR("IP:"),
					       SL_STR("email:") };

	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] <= ' ' || text.ptr[i] > '~' || text.ptr[i] == ',')
			return "is written as X-Client-Cert-San has it: spaces, commas and what "
			       "is not ASCII are percent-encoded";
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (sl_str_starts(text, kinds[i]) && text.len > kinds[i].len &&
		    text.len < SL_TLS_SAN_MAX)
			return NULL;
	return "is no name such as \"DNS:a.example\", \"URI:spiffe://a/b\", \"IP:192.0.2.1\" or "
	       "\"email:me@a.example\"";
}

static const char *const which[] = { "sha256", "san", "subject", NULL };

/* As the handshake writes it: lower case, without ':'. */
static void finish(struct sl_reader *r, json_t *value, void *to)
{
	struct sl_consumer_certificate *self = to;
	char *mem;
	size_t len = 0;

	if (!self->sha256.len)
		return;
	mem = sl_reader_alloc(r, 1, self->sha256.len + 1);
	for (size_t i = 0; mem && i < self->sha256.len; i++)
		if (self->sha256.ptr[i] != ':')
			mem[len++] = sl_lower(self->sha256.ptr[i]);
	if (mem)
		self->sha256 = (struct sl_str){ mem, len };
}

static const struct sl_key certificate_keys[] = {
	{ "sha256", &sl_kind_string, SL_KEY_AT(sl_consumer_certificate, sha256),
	  .check = check_fingerprint,
	  .doc = "This one certificate: its fingerprint, as \"openssl x509 -fingerprint -sha256\" "
		 "prints it." },
	{ "san", &sl_kind_string, SL_KEY_AT(sl_consumer_certificate, san), .check = check_san,
	  .doc = "Each certificate with this subject alternative name: \"DNS:a.example\", "
		 "\"URI:spiffe://a/b\", \"IP:192.0.2.1\" or \"email:me@a.example\", exactly as "
		 "X-Client-Cert-San has it." },
	{ "subject", &sl_kind_string, SL_KEY_AT(sl_consumer_certificate, subject),
	  .check = check_subject,
	  .doc = "Each certificate with this subject, exactly as X-Client-Cert-Subject has it "
		 "(RFC 2253): \"CN=billing,O=Acme\"." },
	END,
};

const struct sl_key sl_certificate_item = {
	.kind = &sl_kind_object,
	.object = &(const struct sl_object){ .keys = certificate_keys,
					     .one_of = which,
					     .finish = finish },
};

/* ---- the policy ---- */

const struct sl_key sl_mtls_keys[] = {
	{ "optional", &sl_kind_bool, SL_KEY_AT(sl_mtls, optional), .def = "false",
	  .doc = "A request without a certificate goes on, as nobody's; the listener has to allow "
		 "it, too (client_certificate). One of no consumer is refused." },
	{ "consumer_optional", &sl_kind_bool, SL_KEY_AT(sl_mtls, consumer_optional), .def = "false",
	  .doc = "A certificate of no consumer goes on as well, as nobody's." },
	END,
};
