// SPDX-License-Identifier: Apache-2.0
// What an upstream's targets are asked for: one SSL_CTX for all of them.
#include "tls/origin.h"

#include <errno.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/siphash.h"
#include "tls/clients.h"
#include "tls/protocol.h"
#include "tls/records.h"
#include "tls/sessions.h"

struct sl_tls_origin {
	_Atomic unsigned users;
	SSL_CTX *ssl;
	bool verify;
	unsigned char id[SHA256_DIGEST_LENGTH];
};

/* ---- reading what the configuration names ---- */

static int read_trusted(struct sl_tls_origin *o, const struct sl_tls_origin_conf *conf,
			struct sl_tls_clients *trusted, const struct sl_tls_faults *faults)
{
	char why[SL_PEM_WHY_BYTES];
	int ret = 0, revoked = 0;

	if (!conf->verify)
		return 0;
	ret = sl_tls_clients_read_authorities(trusted, conf->ca, o->id, why);
	if (ret < 0)
		faults->tell(faults->arg, SL_TLS_CA, 0, conf->ca, why);
	if (conf->crl)
		revoked = sl_tls_clients_read_revoked(trusted, conf->crl, o->id, why);
	if (revoked < 0)
		faults->tell(faults->arg, SL_TLS_CRL, 0, conf->crl, why);
	return ret < 0 || revoked < 0 ? -EINVAL : 0;
}

/* The connections of before were made with the certificate of before. */
static void mix_pair(struct sl_tls_origin *o, const struct sl_tls_pair *p)
{
	unsigned char both[2 * SHA256_DIGEST_LENGTH] = { 0 };

	memcpy(both, o->id, SHA256_DIGEST_LENGTH);
	X509_digest(p->certificate, EVP_sha256(), both + SHA256_DIGEST_LENGTH, NULL);
	SHA256(both, sizeof(both), o->id);
}

static int use_own(struct sl_tls_origin *o, const struct sl_tls_origin_conf *conf,
		   const struct sl_tls_faults *faults)
{
	const struct sl_tls_certificate_conf own = { .certificate = conf->certificate,
						     .key = conf->key };
	struct sl_tls_pair pair = { 0 };
	int ret;

	if (!conf->certificate)
		return 0;
	ret = sl_tls_pair_load(&pair, &own, 0, faults);
	if (ret == 0) {
		mix_pair(o, &pair);
		ret = sl_tls_pair_use(&pair, o->ssl) ? 0 : -ENOMEM;
	}
	sl_tls_pair_fini(&pair);
	return ret;
}

/* ---- the context ---- */

/* OpenSSL asks whether we keep it. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
	const struct sl_tls *t = SSL_get_app_data(ssl);

	if (!t || !t->sessions)
		return 0;
	sl_tls_sessions_put(t->sessions, session);
	return 1;
}

static bool set_up(struct sl_tls_origin *o, const struct sl_tls_origin_conf *conf)
{
	static const unsigned char ours[] = "\x08http/1.1";

	SSL_CTX_set_mode(o->ssl, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_options(o->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_session_cache_mode(o->ssl, SSL_SESS_CACHE_OFF);
	if (conf->session_reuse) {
		SSL_CTX_set_session_cache_mode(o->ssl,
					       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
		SSL_CTX_sess_set_new_cb(o->ssl, on_session);
	}
	return sl_tls_set_protocol(o->ssl, conf->profile) &&
	       SSL_CTX_set_alpn_protos(o->ssl, ours, sizeof(ours) - 1) == 0;
}

/* What stands in the file is trusted as it stands, one that another has signed too. */
static bool trust(struct sl_tls_origin *o, const struct sl_tls_origin_conf *conf,
		  const struct sl_tls_clients *trusted)
{
	X509_STORE *store = SSL_CTX_get_cert_store(o->ssl);

	o->verify = conf->verify;
	SSL_CTX_set_verify(o->ssl, conf->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	if (!conf->verify)
		return true;
	SSL_CTX_set_verify_depth(o->ssl, (int)conf->depth);
	return sl_tls_clients_trust(trusted, store) &&
	       X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1;
}

/* ---- from start to end ---- */

static void make_id(struct sl_tls_origin *o, const struct sl_tls_origin_conf *conf)
{
	const unsigned facts[] = { conf->verify, conf->depth, conf->profile };

	SHA256((const unsigned char *)facts, sizeof(facts), o->id);
}

/* All files are looked at, so that all faults are told in one run. */
static int fill(struct sl_tls_origin *o, const struct sl_tls_origin_conf *conf,
		const struct sl_tls_faults *faults)
{
	struct sl_tls_clients trusted = { 0 };
	int ret, own;

	make_id(o, conf);
	ret = read_trusted(o, conf, &trusted, faults);
	own = use_own(o, conf, faults);
	if (ret == 0)
		ret = own;
	if (ret == 0 && !(set_up(o, conf) && trust(o, conf, &trusted)))
		ret = -ENOMEM;
	sl_tls_clients_fini(&trusted);
	return ret;
}

int sl_tls_origin_new(struct sl_tls_origin **ret_origin, const struct sl_tls_origin_conf *conf,
		      const struct sl_tls_faults *faults)
{
	struct sl_tls_origin *o = calloc(1, sizeof(*o));
	int ret = -ENOMEM;

	if (!o)
		return -ENOMEM;
	o->users = 1;
	o->ssl = SSL_CTX_new(TLS_client_method());
	if (o->ssl)
		ret = fill(o, conf, faults);
	if (ret < 0)
		sl_tls_origin_put(o);
	else
		*ret_origin = o;
	return ret;
}

struct sl_tls_origin *sl_tls_origin_get(struct sl_tls_origin *o)
{
	atomic_fetch_add_explicit(&o->users, 1, memory_order_relaxed);
	return o;
}

void sl_tls_origin_put(struct sl_tls_origin *o)
{
	if (!o || atomic_fetch_sub_explicit(&o->users, 1, memory_order_acq_rel) != 1)
		return;
	SSL_CTX_free(o->ssl); /* a connection holds it, too */
	free(o);
}

uint64_t sl_tls_origin_id(const struct sl_tls_origin *o, const char *name)
{
	struct sl_sipkey key = { 0, 0 };
	uint64_t id;

	memcpy(&key, o->id, sizeof(key));
	id = sl_siphash(key, name ? name : "", name ? strlen(name) : 0);
	return id ? id : 1;
}

/* ---- handshakes ---- */

/* An address is no name to ask for (RFC 6066 3), but one to be shown. */
static bool use_name(const struct sl_tls_origin *o, SSL *ssl, const struct sl_tls_target_name *name)
{
	if (name->is_address)
		return !o->verify ||
		       X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name->text) == 1;
	if (SSL_set_tlsext_host_name(ssl, name->text) != 1)
		return false;
	if (!o->verify)
		return true;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set1_host(ssl, name->text) == 1;
}

SSL *sl_tls_origin_begin(const struct sl_tls_origin *o, const struct sl_tls_target_name *name)
{
	SSL *ssl = SSL_new(o->ssl);

	if (ssl && name->text && !use_name(o, ssl, name)) {
		SSL_free(ssl);
		return NULL;
	}
	return ssl;
}
