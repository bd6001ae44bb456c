// SPDX-License-Identifier: Apache-2.0
// The examples of RFC 7515 (appendix A), RFC 7520 (section 4) and RFC 8037 (appendix A) verify, and
// with one bit more or less they do not.
#include <stdlib.h>

#include "jose/jws.h"
#include "tap.h"

#define FRODO                                                                                      \
	"SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAg" \
	"b250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dp" \
	"bmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4"
#define JOE                                                                                        \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0" \
	"cnVlfQ"
#define BILBO                                                                                      \
	"{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"bilbo.baggins@hobbiton.example\",\"use\":\"sig\","  \
	"\"n\":\"n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0" \
	"VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oB" \
	"HqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3" \
	"-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__"                                 \
	"kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw\","                                                        \
	"\"e\":\"AQAB\"},{\"kty\":\"EC\",\"kid\":\"bilbo.baggins@hobbiton.example\","              \
	"\"use\":\"sig\",\"crv\":\"P-521\",\"x\":\"AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6s" \
	"Yl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt\",\"y\":\"AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN" \
	"34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1\"},{\"kty\":\"oct\",\"kid\":"       \
	"\"018c0ae5-4d9b-471b-bfd6-eef314bc7037\",\"use\":\"sig\",\"alg\":\"HS256\",\"k\":"        \
	"\"hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg\"}]}"

static const struct {
	const char *name, *keys, *token, *payload;
} examples[] = {
	{ "RFC 7515 A.1, HS256",
	  "{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0"
	  "iPS4hcgUuTwjAzZr1Z9CAow\"}",
	  "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." JOE
	  ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
	  "{\"iss\":\"joe\"," },
	{ "RFC 7515 A.2, RS256",
	  "{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQ"
	  "p-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wG"
	  "zjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4u"
	  "DZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9"
	  "gb54h4FRWyuXpoQ\",\"e\":\"AQAB\"}",
	  "eyJhbGciOiJSUzI1NiJ9." JOE
	  ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8"
	  "W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvk"
	  "SjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCn"
	  "vWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
	  "{\"iss\":\"joe\"," },
	{ "RFC 7515 A.3, ES256",
	  "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
	  "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
	  "eyJhbGciOiJFUzI1NiJ9." JOE
	  ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
	  "{\"iss\":\"joe\"," },
	{ "RFC 7515 A.4, ES512",
	  "{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcB"
	  "pXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk\",\"y\":\"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBX"
	  "MoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2\"}",
	  "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPW"
	  "ROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKv"
	  "U8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
	  "Payload" },
	{ "RFC 7520 4.1, RS256", BILBO,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9." FRODO
	  ".MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp8"
	  "3xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCT"
	  "JDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U1"
	  "2podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg",
	  "It\xe2\x80\x99s a dangerous business" },
	{ "RFC 7520 4.2, PS384", BILBO,
	  "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9." FRODO
	  ".cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP"
	  "6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNq"
	  "iVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2"
	  "_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw",
	  "It\xe2\x80\x99s a dangerous business" },
	{ "RFC 7520 4.3, ES512", BILBO,
	  "eyJhbGciOiJFUzUxMiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9." FRODO
	  ".AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4Va2cmL1e"
	  "JAQy3mtPBu_u_sDDyYjnAMDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ"
	  "2",
	  "It\xe2\x80\x99s a dangerous business" },
	{ "RFC 7520 4.4, HS256", BILBO,
	  "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9." FRODO
	  ".s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0",
	  "It\xe2\x80\x99s a dangerous business" },
	{ "RFC 8037 A.4, EdDSA",
	  "{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
	  "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
	  "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09P"
	  "GcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
	  "Example of Ed25519 signing" },
};

static enum sl_jwt_why judge(const struct sl_jwks *keys, struct sl_str token, const char *payload)
{
	unsigned algs = SL_JWT_BITS_DEFAULT | SL_JWT_BITS_HS;
	struct sl_jws jws;
	enum sl_jwt_why why = sl_jws_verify(token, keys, algs, (struct sl_str){ NULL, 0 }, &jws);

	if (why == SL_JWT_VALID && payload && !sl_str_starts(jws.payload, sl_str_of(payload)))
		why = SL_JWT_BAD_CLAIMS;
	sl_jws_fini(&jws);
	return why;
}

/* Every single letter, changed into another one. */
static unsigned pass_when_changed(const struct sl_jwks *keys, const char *token)
{
	char *copy = strdup(token);
	size_t len = strlen(token), step = len / 40 + 1;
	unsigned passed = 0;

	for (size_t i = 0; i < len; i += step) {
		char was = copy[i];

		copy[i] = was == 'B' ? 'C' : 'B';
		passed += judge(keys, (struct sl_str){ copy, len }, NULL) == SL_JWT_VALID;
		copy[i] = was;
	}
	free(copy);
	return passed;
}

static unsigned pass_when_cut(const struct sl_jwks *keys, const char *token)
{
	unsigned passed = 0;

	for (size_t n = 0; n < strlen(token); n++)
		passed +=
			judge(keys, (struct sl_str){ guarded(token, n), n }, NULL) == SL_JWT_VALID;
	return passed;
}

int main(void)
{
	for (unsigned i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
		struct sl_jwks_report report;
		struct sl_jwks *keys = NULL;
		struct sl_str token = sl_str_of(examples[i].token);

		if (!ok(sl_jwks_read(sl_str_of(examples[i].keys), &keys, &report) == 0,
			"%s: its key is read", examples[i].name))
			continue;
		is_str(sl_str_of(sl_jwt_why_word(judge(keys, token, examples[i].payload))), "valid",
		       "%s: it verifies", examples[i].name);
		is_int(pass_when_changed(keys, examples[i].token), 0, "changed, it does not");
		is_int(pass_when_cut(keys, examples[i].token), 0, "cut anywhere, it does not");
		sl_jwks_free(keys);
	}
	return done_testing();
}
