// SPDX-License-Identifier: Apache-2.0
// Tokens that must not pass, each beside a twin that differs in nothing else, and passes.
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "jose/verify.h"
#include "mangle.h"
#include "mint.h"
#include "tap.h"

#define CLAIMS "{'iss':'me','aud':'us','sub':'a','exp':2000,'nbf':1000,'iat':1000}"
#define SECRET "0123456789abcdef0123456789abcdef"
#define SIXTEEN "[[[[[[[[[[[[[[[" /* with the object around them */
#define NESIXTEEN "]]]]]]]]]]]]]]]"
#define NOW 1500

/* Whose signature: of a key in the set, or of a stranger. */
enum signer { R, R256, P256, P384, P521, ED, ED448, H, STRANGER, STRANGER_P256, SIGNERS };

static const struct {
	const char *kind, *kid, *alg, *more; /* kid NULL: not in the set */
} kinds[SIGNERS] = {
	[R] = { "RSA", "r", "RS256", "" },
	[R256] = { "RSA", "r256", "RS256", ",\"alg\":\"RS256\"" },
	[P256] = { "P-256", "p256", "ES256", "" },
	[P384] = { "P-384", "p384", "ES384", "" },
	[P521] = { "P-521", "p521", "ES512", "" },
	[ED] = { "ED25519", "ed", "EdDSA", "" },
	[ED448] = { "ED448", "ed448", "EdDSA", "" },
	[H] = { NULL, "h", "HS256", "" },
	[STRANGER] = { "RSA", NULL, "RS256", "" },
	[STRANGER_P256] = { "P-256", NULL, "ES256", "" },
};

static EVP_PKEY *signer_keys[SIGNERS];
static struct sl_jwks *set;

static const struct sl_str me = SL_STR("me"), us = SL_STR("us");
static const struct sl_str both[] = { SL_STR("exp"), SL_STR("sub") };
static const struct sl_jwt_rules plain = { .algs = SL_JWT_BITS_DEFAULT };
static const struct sl_jwt_rules with_hs = { .algs = SL_JWT_BITS_DEFAULT | SL_JWT_BITS_HS };
static const struct sl_jwt_rules es_only = { .algs = SL_JWT_BIT(SL_JWT_ES256) };
static const struct sl_jwt_rules lenient = { .algs = SL_JWT_BITS_DEFAULT, .leeway_s = 10 };
static const struct sl_jwt_rules fresh = { .algs = SL_JWT_BITS_DEFAULT, .max_age_s = 100 };
static const struct sl_jwt_rules strict = {
	.algs = SL_JWT_BITS_DEFAULT,
	.issuers = &me,
	.audiences = &us,
	.required = both,
	.issuers_nr = 1,
	.audiences_nr = 1,
	.required_nr = 2,
};
static const struct sl_jwt_rules access_token = { .algs = SL_JWT_BITS_DEFAULT,
						  .type = SL_STR("at+jwt") };

/* ---- the table ---- */

/* JSON is written with ' for ", which is put right before it is signed.  What is left out is a good
 * token of the key R's: the bad one has the twin's, the twin what is good. */
struct attack {
	const char *name;
	enum sl_jwt_why why;
	enum signer twin, bad;	   /* who signs; bad R: the same */
	const char *alg, *bad_alg; /* by which it is really signed; NULL: the signer's */
	const char *header, *twin_header, *claims, *twin_claims;
	const struct sl_jwt_rules *rules; /* NULL: plain */
	void (*mangle)(char **token);	  /* the bad one, once it is signed */
};

#define X(text, word, ...)                                                                         \
	{                                                                                          \
		.name = (text), .why = SL_JWT_##word, ##__VA_ARGS__                                \
	}

/* clang-format off */
static const struct attack attacks[] = {
	/* none, in all spellings */
	X("alg none", ALGORITHM_NONE, .header = "{'alg':'none','kid':'r'}",
	  .mangle = mangle_no_signature),
	X("alg NONE", ALGORITHM_NONE, .header = "{'alg':'NONE','kid':'r'}",
	  .mangle = mangle_no_signature),
	X("alg nOnE", ALGORITHM_NONE, .header = "{'alg':'nOnE','kid':'r'}",
	  .mangle = mangle_no_signature),
	X("alg none, with a good signature", ALGORITHM_NONE, .header = "{'alg':'none','kid':'r'}"),
	X("no signature", BAD_SIGNATURE, .mangle = mangle_no_signature),
	X("no signature, ES256", BAD_SIGNATURE, .twin = P256, .mangle = mangle_no_signature),
	X("no signature, EdDSA", BAD_SIGNATURE, .twin = ED, .mangle = mangle_no_signature),
	X("no signature, HS256", BAD_SIGNATURE, .twin = H, .rules = &with_hs,
	  .mangle = mangle_no_signature),
	/* algorithms */
	X("alg 'rs256'", ALGORITHM_UNKNOWN, .header = "{'alg':'rs256','kid':'r'}"),
	X("alg 'RS256 '", ALGORITHM_UNKNOWN, .header = "{'alg':'RS256 ','kid':'r'}"),
	X("alg ' none'", ALGORITHM_UNKNOWN, .header = "{'alg':' none','kid':'r'}"),
	X("alg ''", ALGORITHM_UNKNOWN, .header = "{'alg':'','kid':'r'}"),
	X("alg 'RS1'", ALGORITHM_UNKNOWN, .header = "{'alg':'RS1','kid':'r'}"),
	X("alg 'ES256K'", ALGORITHM_UNKNOWN, .header = "{'alg':'ES256K','kid':'r'}"),
	X("alg 'RSA-OAEP'", ALGORITHM_UNKNOWN, .header = "{'alg':'RSA-OAEP','kid':'r'}"),
	X("alg 'RS256\\u0000'", BAD_HEADER, .header = "{'alg':'RS256\\u0000','kid':'r'}"),
	X("alg null", BAD_HEADER, .header = "{'alg':null,'kid':'r'}"),
	X("alg 0", BAD_HEADER, .header = "{'alg':0,'kid':'r'}"),
	X("alg true", BAD_HEADER, .header = "{'alg':true,'kid':'r'}"),
	X("alg ['RS256']", BAD_HEADER, .header = "{'alg':['RS256'],'kid':'r'}"),
	X("alg {'RS256':1}", BAD_HEADER, .header = "{'alg':{'RS256':1},'kid':'r'}"),
	X("no alg", BAD_HEADER, .header = "{'kid':'r'}"),
	X("alg in another case of its name", BAD_HEADER, .header = "{'Alg':'RS256','kid':'r'}"),
	X("HS where nobody asked for it", ALGORITHM_REFUSED, .header = "{'alg':'HS256','kid':'h'}",
	  .bad = H),
	X("one that is not in the list", ALGORITHM_REFUSED, .twin = P256,
	  .header = "{'alg':'RS256','kid':'r'}", .bad = R, .rules = &es_only),
	/* confusion: a key taken for one of another kind */
	X("HS256 by a public RSA key", WRONG_ALGORITHM, .header = "{'alg':'HS256','kid':'r'}",
	  .bad = STRANGER, .bad_alg = "HS256", .rules = &with_hs),
	X("HS256 by an EC key", WRONG_ALGORITHM, .twin = P256,
	  .header = "{'alg':'HS256','kid':'p256'}", .bad = STRANGER, .bad_alg = "HS256",
	  .rules = &with_hs),
	X("HS256 by an Ed25519 key", WRONG_ALGORITHM, .twin = ED,
	  .header = "{'alg':'HS256','kid':'ed'}", .bad = STRANGER, .bad_alg = "HS256",
	  .rules = &with_hs),
	X("RS256 by a secret", WRONG_ALGORITHM, .twin = H, .header = "{'alg':'RS256','kid':'h'}",
	  .bad = R, .rules = &with_hs),
	X("HS512 by a secret of 32 bytes", WRONG_ALGORITHM, .twin = H,
	  .header = "{'alg':'HS512','kid':'h'}", .bad_alg = "HS512", .rules = &with_hs),
	X("ES256 by an RSA key", WRONG_ALGORITHM, .header = "{'alg':'ES256','kid':'r'}",
	  .bad = P256),
	X("RS256 by an EC key", WRONG_ALGORITHM, .twin = P256,
	  .header = "{'alg':'RS256','kid':'p256'}", .bad = R),
	X("ES384 by a key of P-256", WRONG_ALGORITHM, .twin = P256,
	  .header = "{'alg':'ES384','kid':'p256'}", .bad_alg = "ES384"),
	X("ES256 by a key of P-384", WRONG_ALGORITHM, .twin = P384,
	  .header = "{'alg':'ES256','kid':'p384'}", .bad_alg = "ES256"),
	X("ES256 by a key of P-521", WRONG_ALGORITHM, .twin = P521,
	  .header = "{'alg':'ES256','kid':'p521'}", .bad_alg = "ES256"),
	X("EdDSA by an EC key", WRONG_ALGORITHM, .twin = P256,
	  .header = "{'alg':'EdDSA','kid':'p256'}", .bad = ED),
	X("RS512 by a key pinned to RS256", WRONG_ALGORITHM, .twin = R256,
	  .header = "{'alg':'RS512','kid':'r256'}", .bad_alg = "RS512"),
	X("PS256 by a key pinned to RS256", WRONG_ALGORITHM, .twin = R256,
	  .header = "{'alg':'PS256','kid':'r256'}", .bad_alg = "PS256"),
	X("PS256, signed as RS256", BAD_SIGNATURE, .alg = "PS256", .bad_alg = "RS256"),
	X("RS256, signed as PS256", BAD_SIGNATURE, .bad_alg = "PS256"),
	X("RS512, signed as RS256", BAD_SIGNATURE, .alg = "RS512", .bad_alg = "RS256"),
	X("ES256, signed over SHA-512", BAD_SIGNATURE, .twin = P256, .bad_alg = "ES512"),
	X("Ed25519, signed by Ed448", BAD_SIGNATURE, .twin = ED, .bad = ED448),
	X("Ed448, signed by Ed25519", BAD_SIGNATURE, .twin = ED448, .bad = ED),
	/* keys */
	X("signed by a stranger", BAD_SIGNATURE, .bad = STRANGER),
	X("signed by a stranger, ES256", BAD_SIGNATURE, .twin = P256, .bad = STRANGER_P256),
	X("another kid of ours", BAD_SIGNATURE, .header = "{'alg':'RS256','kid':'r256'}"),
	X("kid ../../dev/null", UNKNOWN_KEY, .header = "{'alg':'RS256','kid':'../../dev/null'}"),
	X("kid r\\u0000", BAD_HEADER, .header = "{'alg':'RS256','kid':'r\\u0000'}"),
	X("kid R", UNKNOWN_KEY, .header = "{'alg':'RS256','kid':'R'}"),
	X("kid empty", UNKNOWN_KEY, .header = "{'alg':'RS256','kid':''}"),
	X("kid r OR 1=1", UNKNOWN_KEY, .header = "{'alg':'RS256','kid':'r OR 1=1'}"),
	X("kid http://127.0.0.1/k", UNKNOWN_KEY,
	  .header = "{'alg':'RS256','kid':'http://127.0.0.1/k'}"),
	X("kid null", BAD_HEADER, .header = "{'alg':'RS256','kid':null}"),
	X("kid 7", BAD_HEADER, .header = "{'alg':'RS256','kid':7}"),
	X("kid ['r']", BAD_HEADER, .header = "{'alg':'RS256','kid':['r']}"),
	X("kid {'r':1}", BAD_HEADER, .header = "{'alg':'RS256','kid':{'r':1}}"),
	X("no kid, and several keys", UNKNOWN_KEY, .header = "{'alg':'RS256'}"),
	X("a twin without kid, of the only key", ALGORITHM_NONE, .twin = P256,
	  .twin_header = "{'alg':'ES256'}", .header = "{'alg':'none'}",
	  .mangle = mangle_no_signature),
	X("jku of a stranger", BAD_SIGNATURE,
	  .twin_header = "{'alg':'RS256','kid':'r','jku':'http://127.0.0.1/keys'}",
	  .bad = STRANGER),
	X("x5u of a stranger", BAD_SIGNATURE,
	  .twin_header = "{'alg':'RS256','kid':'r','x5u':'http://127.0.0.1/cert'}",
	  .bad = STRANGER),
	X("x5c of a stranger", BAD_SIGNATURE,
	  .twin_header = "{'alg':'RS256','kid':'r','x5c':['MIIB']}", .bad = STRANGER),
	X("jwk of a stranger", BAD_SIGNATURE,
	  .twin_header = "{'alg':'RS256','kid':'r','jwk':{'kty':'RSA','n':'AQ','e':'AQAB'}}",
	  .bad = STRANGER),
	/* headers */
	X("crit: exp", CRITICAL, .header = "{'alg':'RS256','kid':'r','crit':['exp'],'exp':1}"),
	X("crit: nothing", CRITICAL, .header = "{'alg':'RS256','kid':'r','crit':[]}"),
	X("crit: null", CRITICAL, .header = "{'alg':'RS256','kid':'r','crit':null}"),
	X("b64 false", UNENCODED,
	  .header = "{'alg':'RS256','kid':'r','b64':false,'crit':['b64']}"),
	X("b64 false, not critical", UNENCODED,
	  .twin_header = "{'alg':'RS256','kid':'r','b64':true}",
	  .header = "{'alg':'RS256','kid':'r','b64':false}"),
	X("b64 0", BAD_HEADER, .header = "{'alg':'RS256','kid':'r','b64':0}"),
	X("cty JWT", NESTED, .twin_header = "{'alg':'RS256','kid':'r','cty':'json'}",
	  .header = "{'alg':'RS256','kid':'r','cty':'JWT'}"),
	X("cty application/jwt", NESTED,
	  .header = "{'alg':'RS256','kid':'r','cty':'application/jwt'}"),
	X("cty 1", BAD_HEADER, .header = "{'alg':'RS256','kid':'r','cty':1}"),
	X("another typ", WRONG_TYPE, .twin_header = "{'alg':'RS256','kid':'r','typ':'at+jwt'}",
	  .header = "{'alg':'RS256','kid':'r','typ':'JWT'}", .rules = &access_token),
	X("no typ", WRONG_TYPE,
	  .twin_header = "{'alg':'RS256','kid':'r','typ':'application/AT+JWT'}",
	  .header = "{'alg':'RS256','kid':'r'}", .rules = &access_token),
	X("typ 1", BAD_HEADER, .twin_header = "{'alg':'RS256','kid':'r','typ':'x'}",
	  .header = "{'alg':'RS256','kid':'r','typ':1}"),
	X("alg twice", BAD_HEADER, .header = "{'alg':'none','alg':'RS256','kid':'r'}"),
	X("alg twice, escaped", BAD_HEADER,
	  .header = "{'al\\u0067':'none','alg':'RS256','kid':'r'}"),
	X("kid twice", BAD_HEADER, .header = "{'alg':'RS256','kid':'r256','kid':'r'}"),
	X("a member twice, further in", BAD_HEADER,
	  .twin_header = "{'alg':'RS256','kid':'r','x':{'a':1,'b':1}}",
	  .header = "{'alg':'RS256','kid':'r','x':{'a':1,'a':1}}"),
	X("an array", BAD_HEADER, .header = "['RS256']"),
	X("a string", BAD_HEADER, .header = "'RS256'"),
	X("no JSON", BAD_HEADER, .header = "alg=RS256"),
	X("something behind it", BAD_HEADER, .twin_header = "{'alg':'RS256','kid':'r'} ",
	  .header = "{'alg':'RS256','kid':'r'}{}"),
	X("a comment", BAD_HEADER, .header = "/**/{'alg':'RS256','kid':'r'}"),
	X("a comma too many", BAD_HEADER, .header = "{'alg':'RS256','kid':'r',}"),
	X("a mark of the byte order", BAD_HEADER,
	  .header = "\xef\xbb\xbf{'alg':'RS256','kid':'r'}"),
	X("no UTF-8", BAD_HEADER, .header = "{'alg':'RS256','kid':'r','x':'\xc3\x28'}"),
	X("an overlong form of UTF-8", BAD_HEADER,
	  .header = "{'alg':'RS256','kid':'r','x':'\xc0\xaf'}"),
	X("half a surrogate", BAD_HEADER, .header = "{'alg':'RS256','kid':'r','x':'\\ud800'}"),
	X("17 deep", BAD_HEADER,
	  .twin_header = "{'alg':'RS256','kid':'r','x':" SIXTEEN NESIXTEEN "}",
	  .header = "{'alg':'RS256','kid':'r','x':[" SIXTEEN NESIXTEEN "]}"),
	X("no header", BAD_HEADER, .mangle = mangle_no_header),
	/* its form */
	X("two parts", MALFORMED, .mangle = mangle_no_third_part),
	X("four parts", MALFORMED, .mangle = mangle_fourth_part),
	X("a JWE", ENCRYPTED, .mangle = mangle_five_parts),
	X("nothing", MALFORMED, .mangle = mangle_nothing_at_all),
	X("only dots", BAD_HEADER, .mangle = mangle_only_dots),
	X("padding", BAD_BASE64, .mangle = mangle_padded),
	X("padding at the end", BAD_BASE64, .mangle = mangle_padded_signature),
	X("a line end", BAD_BASE64, .mangle = mangle_line_end),
	X("a space in front", BAD_BASE64, .mangle = mangle_space_in_front),
	X("a space within", BAD_BASE64, .mangle = mangle_space_within),
	X("+ for -", BAD_BASE64, .mangle = mangle_plus),
	X("/ for _", BAD_BASE64, .mangle = mangle_slash),
	X("unused bits", BAD_BASE64, .mangle = mangle_unused_bits),
	X("more than 16 KiB", TOO_LONG, .mangle = mangle_too_long),
	/* signatures */
	X("a shorter one", BAD_SIGNATURE, .mangle = mangle_cut_signature),
	X("a longer one", BAD_SIGNATURE, .mangle = mangle_longer_signature),
	X("another one", BAD_SIGNATURE, .mangle = mangle_other_signature),
	X("another one's claims", BAD_SIGNATURE, .mangle = mangle_other_claims),
	X("zeros", BAD_SIGNATURE, .mangle = mangle_zeros),
	X("ES256: a shorter one", BAD_SIGNATURE, .twin = P256, .mangle = mangle_cut_signature),
	X("ES256: a longer one", BAD_SIGNATURE, .twin = P256, .mangle = mangle_longer_signature),
	X("ES256: r and s of 0", BAD_SIGNATURE, .twin = P256, .mangle = mangle_zeros),
	X("ES256: s and r", BAD_SIGNATURE, .twin = P256, .mangle = mangle_swapped_halves),
	X("ES256: zeros in front of r and s", BAD_SIGNATURE, .twin = P256,
	  .mangle = mangle_longer_halves),
	X("ES256: DER", BAD_SIGNATURE, .twin = P256, .mangle = mangle_der),
	X("ES256: another one's claims", BAD_SIGNATURE, .twin = P256,
	  .mangle = mangle_other_claims),
	X("EdDSA: a shorter one", BAD_SIGNATURE, .twin = ED, .mangle = mangle_cut_signature),
	X("EdDSA: zeros", BAD_SIGNATURE, .twin = ED, .mangle = mangle_zeros),
	X("HS256: a shorter one", BAD_SIGNATURE, .twin = H, .rules = &with_hs,
	  .mangle = mangle_cut_signature),
	/* claims */
	X("claims []", BAD_CLAIMS, .claims = "[]", .twin_claims = "{}"),
	X("claims ''", BAD_CLAIMS, .claims = "''", .twin_claims = "{}"),
	X("claims 1", BAD_CLAIMS, .claims = "1", .twin_claims = "{}"),
	X("claims null", BAD_CLAIMS, .claims = "null", .twin_claims = "{}"),
	X("claims of no bytes", BAD_CLAIMS, .claims = "", .twin_claims = "{}"),
	X("claims {", BAD_CLAIMS, .claims = "{", .twin_claims = "{}"),
	X("claims {}{}", BAD_CLAIMS, .claims = "{}{}", .twin_claims = "{}"),
	X("claims {'exp':2000,'exp':3000}", BAD_CLAIMS, .claims = "{'exp':2000,'exp':3000}",
	  .twin_claims = "{}"),
	X("claims {'exp':'2000'}", BAD_CLAIMS, .claims = "{'exp':'2000'}", .twin_claims = "{}"),
	X("claims {'exp':null}", BAD_CLAIMS, .claims = "{'exp':null}", .twin_claims = "{}"),
	X("claims {'exp':true}", BAD_CLAIMS, .claims = "{'exp':true}", .twin_claims = "{}"),
	X("claims {'exp':[2000]}", BAD_CLAIMS, .claims = "{'exp':[2000]}", .twin_claims = "{}"),
	X("claims {'exp':1e999}", BAD_CLAIMS, .claims = "{'exp':1e999}", .twin_claims = "{}"),
	X("claims {'exp':99999999999999999999}", BAD_CLAIMS,
	  .claims = "{'exp':99999999999999999999}", .twin_claims = "{}"),
	X("claims {'exp':NaN}", BAD_CLAIMS, .claims = "{'exp':NaN}", .twin_claims = "{}"),
	X("claims {'exp':Infinity}", BAD_CLAIMS, .claims = "{'exp':Infinity}",
	  .twin_claims = "{}"),
	X("claims {'exp':02000}", BAD_CLAIMS, .claims = "{'exp':02000}", .twin_claims = "{}"),
	X("claims {'nbf':'1'}", BAD_CLAIMS, .claims = "{'nbf':'1'}", .twin_claims = "{}"),
	X("claims {'iat':'1'}", BAD_CLAIMS, .claims = "{'iat':'1'}", .twin_claims = "{}"),
	X("claims {'iss':1}", BAD_CLAIMS, .claims = "{'iss':1}", .twin_claims = "{}"),
	X("claims {'iss':['me']}", BAD_CLAIMS, .claims = "{'iss':['me']}", .twin_claims = "{}"),
	X("claims {'sub':1}", BAD_CLAIMS, .claims = "{'sub':1}", .twin_claims = "{}"),
	X("claims {'jti':1}", BAD_CLAIMS, .claims = "{'jti':1}", .twin_claims = "{}"),
	X("claims {'aud':1}", BAD_CLAIMS, .claims = "{'aud':1}", .twin_claims = "{}"),
	X("claims {'aud':[1]}", BAD_CLAIMS, .claims = "{'aud':[1]}", .twin_claims = "{}"),
	X("claims {'aud':{'us':1}}", BAD_CLAIMS, .claims = "{'aud':{'us':1}}",
	  .twin_claims = "{}"),
	X("claims {'aud':null}", BAD_CLAIMS, .claims = "{'aud':null}", .twin_claims = "{}"),
	X("claims 17 deep", BAD_CLAIMS, .claims = "{'x':[" SIXTEEN NESIXTEEN "]}",
	  .twin_claims = "{'x':" SIXTEEN NESIXTEEN "}"),
	X("claims that are no UTF-8", BAD_CLAIMS, .claims = "{'sub':'\xff'}"),
	X("claims with a NUL", BAD_CLAIMS, .claims = "{'sub':'a\\u0000b'}"),
	X("exp 1500", EXPIRED, .claims = "{'exp':1500}", .twin_claims = "{'exp':1501}"),
	X("exp 1500.0", EXPIRED, .claims = "{'exp':1500.0}", .twin_claims = "{'exp':1500.5}"),
	X("exp 1499.9", EXPIRED, .claims = "{'exp':1499.9}", .twin_claims = "{'exp':1.501e3}"),
	X("exp 0", EXPIRED, .claims = "{'exp':0}", .twin_claims = "{'exp':2000}"),
	X("exp -1", EXPIRED, .claims = "{'exp':-1}", .twin_claims = "{'exp':2000}"),
	X("exp -0.0", EXPIRED, .claims = "{'exp':-0.0}", .twin_claims = "{'exp':2000}"),
	X("exp -1e300", EXPIRED, .claims = "{'exp':-1e300}", .twin_claims = "{'exp':1e300}"),
	X("exp past the leeway", EXPIRED, .claims = "{'exp':1490}", .twin_claims = "{'exp':1491}",
	  .rules = &lenient),
	X("nbf 1501", NOT_YET_VALID, .claims = "{'nbf':1501}", .twin_claims = "{'nbf':1500}"),
	X("nbf 1500.1", NOT_YET_VALID, .claims = "{'nbf':1500.1}",
	  .twin_claims = "{'nbf':1499.9}"),
	X("nbf 1e300", NOT_YET_VALID, .claims = "{'nbf':1e300}", .twin_claims = "{'nbf':-1e300}"),
	X("nbf past the leeway", NOT_YET_VALID, .claims = "{'nbf':1511}",
	  .twin_claims = "{'nbf':1510}", .rules = &lenient),
	X("iat in the future", ISSUED_LATER, .claims = "{'iat':1501}",
	  .twin_claims = "{'iat':1500}"),
	X("iat past the leeway", ISSUED_LATER, .claims = "{'iat':1511}",
	  .twin_claims = "{'iat':1510}", .rules = &lenient),
	X("too old", TOO_OLD, .claims = "{'iat':1400}", .twin_claims = "{'iat':1401}",
	  .rules = &fresh),
	X("of no age", MISSING_CLAIM, .claims = "{'exp':2000}", .twin_claims = "{'iat':1500}",
	  .rules = &fresh),
	X("iss Me", WRONG_ISSUER, .claims = "{'iss':'Me','aud':'us','sub':'a','exp':2000}",
	  .rules = &strict),
	X("iss me ", WRONG_ISSUER, .claims = "{'iss':'me ','aud':'us','sub':'a','exp':2000}",
	  .rules = &strict),
	X("iss me/", WRONG_ISSUER, .claims = "{'iss':'me/','aud':'us','sub':'a','exp':2000}",
	  .rules = &strict),
	X("iss empty", WRONG_ISSUER, .claims = "{'iss':'','aud':'us','sub':'a','exp':2000}",
	  .rules = &strict),
	X("iss you", WRONG_ISSUER, .claims = "{'iss':'you','aud':'us','sub':'a','exp':2000}",
	  .rules = &strict),
	X("no iss", MISSING_CLAIM, .claims = "{'aud':'us','sub':'a','exp':2000}",
	  .rules = &strict),
	X("aud 'them'", WRONG_AUDIENCE, .claims = "{'iss':'me','aud':'them','sub':'a','exp':2000}",
	  .twin_claims = "{'iss':'me','aud':['them','us'],'sub':'a','exp':2000}",
	  .rules = &strict),
	X("aud []", WRONG_AUDIENCE, .claims = "{'iss':'me','aud':[],'sub':'a','exp':2000}",
	  .twin_claims = "{'iss':'me','aud':['them','us'],'sub':'a','exp':2000}",
	  .rules = &strict),
	X("aud ['them','u']", WRONG_AUDIENCE,
	  .claims = "{'iss':'me','aud':['them','u'],'sub':'a','exp':2000}",
	  .twin_claims = "{'iss':'me','aud':['them','us'],'sub':'a','exp':2000}",
	  .rules = &strict),
	X("aud ['US']", WRONG_AUDIENCE, .claims = "{'iss':'me','aud':['US'],'sub':'a','exp':2000}",
	  .twin_claims = "{'iss':'me','aud':['them','us'],'sub':'a','exp':2000}",
	  .rules = &strict),
	X("aud ''", WRONG_AUDIENCE, .claims = "{'iss':'me','aud':'','sub':'a','exp':2000}",
	  .twin_claims = "{'iss':'me','aud':['them','us'],'sub':'a','exp':2000}",
	  .rules = &strict),
	X("no aud", MISSING_CLAIM, .claims = "{'iss':'me','sub':'a','exp':2000}",
	  .rules = &strict),
	X("no exp", MISSING_CLAIM, .claims = "{'iss':'me','aud':'us','sub':'a'}",
	  .rules = &strict),
	X("no sub", MISSING_CLAIM, .claims = "{'iss':'me','aud':'us','exp':2000}",
	  .twin_claims = "{'iss':'me','aud':'us','exp':2000,'sub':''}", .rules = &strict),
};
/* clang-format on */
#undef X

/* ---- running it ---- */

static char *quoted(const char *text)
{
	char *copy = strdup(text);

	for (char *p = copy; p && *p; p++)
		*p = *p == '\'' ? '"' : *p;
	return copy;
}

/* What a stranger knows of a secret: nothing, or what he takes for one. */
static char *make(enum signer signer, const char *alg_name, const char *header, const char *claims)
{
	const char *name = alg_name ? alg_name : kinds[signer].alg;
	char *made, *first, *second = quoted(claims ? claims : CLAIMS), usual[64];
	enum sl_jwt_alg alg;

	snprintf(usual, sizeof(usual), "{'alg':'%s','kid':'%s'}", name, kinds[signer].kid);
	first = quoted(header ? header : usual);
	if (!sl_jwt_algorithm_find(sl_str_of(name), &alg))
		abort();
	if (alg >= SL_JWT_HS256)
		made = mint_token_by_secret(first, second,
					    signer == H ? SL_S(SECRET) : SL_S("public"), alg);
	else
		made = mint_token(first, second, signer_keys[signer], alg);
	free(first);
	free(second);
	return made;
}

/* The bad one says the same of its key as its twin, whoever signs it. */
static char *make_bad(const struct attack *a)
{
	enum signer signer = a->bad ? a->bad : a->twin;
	const char *alg = a->bad_alg ? a->bad_alg : a->bad ? NULL : a->alg, *header = a->header;
	char usual[64], *made;

	snprintf(usual, sizeof(usual), "{'alg':'%s','kid':'%s'}",
		 a->alg ? a->alg : kinds[a->twin].alg, kinds[a->twin].kid);
	if (!header)
		header = a->twin_header ? a->twin_header : usual;
	made = make(signer, alg, header, a->claims ? a->claims : a->twin_claims);
	if (a->mangle)
		a->mangle(&made);
	return made;
}

static const char *judge(const char *token, const struct sl_jwt_rules *rules)
{
	size_t len = strlen(token);
	struct sl_jwt_token jwt;
	enum sl_jwt_why why = sl_jwt_verify((struct sl_str){ guarded(token, len), len }, set,
					    rules ? rules : &plain, NOW, &jwt);

	sl_jwt_token_fini(&jwt);
	return sl_jwt_why_word(why);
}

static void run(const struct attack *a)
{
	char *bad = make_bad(a), *twin = make(a->twin, a->alg, a->twin_header, a->twin_claims);

	is_str(sl_str_of(judge(twin, a->rules)), "valid", "%s: its twin passes", a->name);
	is_str(sl_str_of(judge(bad, a->rules)), sl_jwt_why_word(a->why), "%s: it does not",
	       a->name);
	free(bad);
	free(twin);
}

/* ---- confusion with all that a public key can look like ---- */

static void confuse(const char *what, const void *mem, size_t len)
{
	char *token = mint_token_by_secret("{\"alg\":\"HS256\",\"kid\":\"r\"}", "{}",
					   (struct sl_str){ mem, len }, SL_JWT_HS256);

	is_str(sl_str_of(judge(token, &with_hs)), "wrong_algorithm",
	       "HS256, its secret the key as %s", what);
	is_str(sl_str_of(judge(token, &plain)), "algorithm_refused", "nor where HS is not let in");
	free(token);
}

static void confuse_all(void)
{
	unsigned char *der_text = NULL;
	int der_len = i2d_PUBKEY(signer_keys[R], &der_text);
	char *jwk = mint_jwk(signer_keys[R], ""), *pem;
	BIO *bio = BIO_new(BIO_s_mem());
	long len;

	PEM_write_bio_PUBKEY(bio, signer_keys[R]);
	len = BIO_get_mem_data(bio, &pem);
	confuse("PEM", pem, (size_t)len);
	confuse("PEM without its last line end", pem, (size_t)len - 1);
	confuse("DER", der_text, (size_t)der_len);
	confuse("JWK", jwk, strlen(jwk));
	confuse("nothing", "", 0);
	BIO_free(bio);
	OPENSSL_free(der_text);
	free(jwk);
}

static void make_keys(void)
{
	char *k = mint_base64url(SECRET, strlen(SECRET)), text[8192], more[64];
	struct sl_jwks_report report;
	int len = snprintf(text, sizeof(text),
			   "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"h\",\"k\":\"%s\"}", k);

	for (unsigned i = 0; i < SIGNERS; i++) {
		char *jwk;

		if (!kinds[i].kind)
			continue;
		signer_keys[i] = mint_key(kinds[i].kind);
		if (!kinds[i].kid)
			continue;
		snprintf(more, sizeof(more), ",\"kid\":\"%s\"%s", kinds[i].kid, kinds[i].more);
		jwk = mint_jwk(signer_keys[i], more);
		len += snprintf(text + len, sizeof(text) - (size_t)len, ",%s", jwk);
		free(jwk);
	}
	snprintf(text + len, sizeof(text) - (size_t)len, "]}");
	ok(sl_jwks_read(sl_str_of(text), &set, &report) == 0, "a set of all kinds is read: %s",
	   report.why);
	free(k);
}

int main(void)
{
	make_keys();
	if (!set)
		return done_testing();
	for (unsigned i = 0; i < sizeof(attacks) / sizeof(*attacks); i++)
		run(&attacks[i]);
	confuse_all();
	sl_jwks_free(set);
	for (unsigned i = 0; i < SIGNERS; i++)
		EVP_PKEY_free(signer_keys[i]);
	return done_testing();
}
