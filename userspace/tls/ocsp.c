// SPDX-License-Identifier: Apache-2.0
// OCSP responses: read from DER files, checked against the certificate that they are for.
#include "tls/ocsp.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Clocks differ: what an authority has signed a moment ago may be from the future. */
enum { SKEW_SECONDS = 300 };

static int fail(const char *what, char why[SL_PEM_WHY_BYTES])
{
	ERR_clear_error();
	snprintf(why, SL_PEM_WHY_BYTES, "%s", what);
	return -EINVAL;
}

static bool to_seconds(const ASN1_GENERALIZEDTIME *t, int64_t *ret_s)
{
	struct tm tm;

	if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
		return false;
	*ret_s = timegm(&tm);
	return true;
}

/* By the serial number and the issuer's name.  That the issuer's key is the right one is seen from
 * who has signed. */
static bool is_for(OCSP_CERTID *id, X509 *certificate)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	const EVP_MD *md;
	ASN1_OCTET_STRING *name;
	ASN1_OBJECT *algorithm;
	ASN1_INTEGER *serial;
	unsigned len = 0;

	if (OCSP_id_get0_info(&name, &algorithm, NULL, &serial, id) != 1)
		return false;
	md = EVP_get_digestbyobj(algorithm);
	return md && ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(certificate)) == 0 &&
	       X509_NAME_digest(X509_get_issuer_name(certificate), md, digest, &len) == 1 &&
	       (int)len == ASN1_STRING_length(name) &&
	       memcmp(digest, ASN1_STRING_get0_data(name), len) == 0;
}

static OCSP_SINGLERESP *find(OCSP_BASICRESP *basic, X509 *certificate)
{
	for (int i = 0; i < OCSP_resp_count(basic); i++) {
		OCSP_SINGLERESP *one = OCSP_resp_get0(basic, i);

		if (is_for((OCSP_CERTID *)OCSP_SINGLERESP_get0_id(one), certificate))
			return one;
	}
	return NULL;
}

static X509 *find_issuer(const struct sl_tls_pair *p)
{
	for (int i = 0; i < sk_X509_num(p->chain); i++) {
		X509 *x = sk_X509_value(p->chain, i);

		if (X509_check_issued(x, p->certificate) == X509_V_OK)
			return x;
	}
	return NULL;
}

/* The issuer is believed because the certificate is: it was made by it. */
static bool is_signed_by(OCSP_BASICRESP *basic, X509 *issuer, const struct sl_tls_pair *p)
{
	X509_STORE *store = X509_STORE_new();
	bool is_signed = store && X509_STORE_add_cert(store, issuer) == 1 &&
			 OCSP_basic_verify(basic, p->chain, store, OCSP_PARTIAL_CHAIN) == 1;

	X509_STORE_free(store);
	return is_signed;
}

static int judge(struct sl_tls_ocsp *o, OCSP_BASICRESP *basic, const struct sl_tls_pair *p,
		 int64_t now_s, char why[SL_PEM_WHY_BYTES])
{
	OCSP_SINGLERESP *one = find(basic, p->certificate);
	ASN1_GENERALIZEDTIME *from, *until;
	X509 *issuer = find_issuer(p);
	int status;

	if (!one)
		return fail("is about another certificate", why);
	status = OCSP_single_get0_status(one, NULL, NULL, &from, &until);
	if (!to_seconds(from, &o->from_s) || !to_seconds(until, &o->until_s))
		return fail("does not say until when it is good (nextUpdate)", why);
	o->is_good = status == V_OCSP_CERTSTATUS_GOOD;
	/* The certificate that an old one was signed with may have expired, too. */
	if (now_s < o->until_s && issuer && !is_signed_by(basic, issuer, p))
		return fail("is not signed by the certificate's issuer", why);
	return 0;
}

static int parse(struct sl_tls_ocsp *o, const struct sl_tls_pair *p, int64_t now_s,
		 char why[SL_PEM_WHY_BYTES])
{
	const unsigned char *at = o->der;
	OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)o->len);
	OCSP_BASICRESP *basic = NULL;
	int ret;

	if (!response || at != o->der + o->len)
		ret = fail("is not an OCSP response (DER)", why);
	else if (OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
		ret = fail("is an authority's refusal to answer", why);
	else if (!(basic = OCSP_response_get1_basic(response)))
		ret = fail("is an OCSP response of another kind than basic", why);
	else
		ret = judge(o, basic, p, now_s, why);
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(response);
	ERR_clear_error();
	return ret;
}

int sl_tls_ocsp_read(struct sl_tls_ocsp *o, const struct sl_tls_pair *p, const char *path,
		     int64_t now_s, char why[SL_PEM_WHY_BYTES])
{
	char *text = NULL;
	int ret = sl_pem_read(path, &text, &o->len, why);

	if (ret < 0)
		return ret;
	o->der = (unsigned char *)text;
	ret = parse(o, p, now_s, why);
	if (ret < 0)
		sl_tls_ocsp_fini(o);
	return ret;
}

void sl_tls_ocsp_fini(struct sl_tls_ocsp *o)
{
	free(o->der);
	memset(o, 0, sizeof(*o));
}

bool sl_tls_ocsp_is_stapled(const struct sl_tls_ocsp *o, int64_t now_s)
{
	return o->der && o->is_good && now_s >= o->from_s - SKEW_SECONDS && now_s < o->until_s;
}
