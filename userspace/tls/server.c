// SPDX-License-Identifier: Apache-2.0
// What a listener serves TLS with: an SSL_CTX for each set of certificates that a name has.
#include "tls/server.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "tls/clients.h"
#include "tls/keys.h"
#include "tls/names.h"
#include "tls/protocol.h"

struct context {
	SSL_CTX *ssl;
	struct sl_tls_choice choice;
};

struct sl_tls_server {
	_Atomic unsigned users;
	struct sl_tls_pair *pairs;
	struct sl_tls_ocsp *ocsp; /* of each pair */
	unsigned pairs_nr;
	struct sl_tls_names names;
	struct sl_tls_judge judge;
	struct sl_tls_clients clients;
	struct context *contexts; /* the first is for names that nobody has */
	unsigned contexts_nr;
	struct sl_tickets *tickets; /* NULL: none are given out */
	unsigned profile;
	unsigned kernel; /* enum sl_tls_kernel */
	unsigned ktls_ciphers;
	unsigned char id[SHA256_DIGEST_LENGTH];
};

/* ---- what OpenSSL asks during a handshake ---- */

static struct sl_tls_server *server_of(SSL *ssl)
{
	return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

static int on_name(SSL *ssl, int *alert, void *arg)
{
	const struct sl_tls_server *s = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	int found = name ? sl_tls_names_find(&s->names, sl_str_of(name)) : -1;

	if (found > 0)
		SSL_set_SSL_CTX(ssl, s->contexts[found].ssl);
	/* "noack": what the client asked for is taken note of, and not confirmed, without one. */
	return name ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

/* RFC 7301 3.2: who offers protocols, and none of ours, is refused; who offers none speaks
 * HTTP/1.1. */
static int on_alpn(SSL *ssl, const unsigned char **ret_out, unsigned char *ret_len,
		   const unsigned char *offered, unsigned len, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1\x08http/1.0";
	unsigned char *chosen;

	if (SSL_select_next_proto(&chosen, ret_len, ours, sizeof(ours) - 1, offered, len) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*ret_out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* Of the certificate that was chosen.  The answer's copy is OpenSSL's. */
static int on_status(SSL *ssl, void *arg)
{
	const struct sl_tls_server *s = server_of(ssl);
	const struct sl_tls_choice *choice = arg;
	const X509 *chosen = SSL_get_certificate(ssl);
	int64_t now_s = (int64_t)(sl_clock_ns(CLOCK_REALTIME) / SL_SEC);

	for (unsigned k = 0; k < SL_TLS_KEY_KINDS; k++) {
		unsigned pair = choice->pair[k];
		const struct sl_tls_ocsp *o;
		unsigned char *copy;

		if (pair == SL_TLS_NO_PAIR || s->pairs[pair].certificate != chosen)
			continue;
		o = &s->ocsp[pair];
		if (!sl_tls_ocsp_is_stapled(o, now_s))
			break;
		copy = OPENSSL_memdup(o->der, o->len);
		if (!copy || SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)o->len) != 1)
			break;
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_NOACK;
}

static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
		     EVP_MAC_CTX *mac, int is_new)
{
	int ret = sl_tickets_crypt(server_of(ssl)->tickets, name, iv, cipher, mac, is_new,
				   sl_now_ns());

	/* RFC 8446 C.4: a client of TLS 1.3 uses a ticket once, and without another one its next
	 * handshake but one would be a full one. */
	return ret == 1 && !is_new && SSL_version(ssl) == TLS1_3_VERSION ? 2 : ret;
}

/* ---- contexts ---- */

/* Sessions are in tickets only: nothing of a client is kept here between its connections.  Released
 * buffers are what makes an idle connection small. */
static bool set_sessions(const struct sl_tls_server *s, SSL_CTX *ssl)
{
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_timeout(ssl, SL_TICKET_SECONDS);
	SSL_CTX_set_max_early_data(ssl, 0);
	if (!s->tickets) {
		SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET);
		return SSL_CTX_set_num_tickets(ssl, 0) == 1;
	}
	return SSL_CTX_set_num_tickets(ssl, 1) == 1 &&
	       SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, on_ticket) == 1;
}

static SSL_CTX *make_context(struct sl_tls_server *s)
{
	SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());

	if (!ssl)
		return NULL;
	SSL_CTX_set_app_data(ssl, s);
	SSL_CTX_set_alpn_select_cb(ssl, on_alpn, NULL);
	SSL_CTX_set_tlsext_servername_callback(ssl, on_name);
	SSL_CTX_set_tlsext_servername_arg(ssl, s);
	if (s->ktls_ciphers)
		sl_tls_keys_prepare(ssl);
	if (sl_tls_set_protocol(ssl, s->profile) && set_sessions(s, ssl) &&
	    sl_tls_clients_use(&s->clients, ssl) &&
	    SSL_CTX_set_session_id_context(ssl, s->id, sizeof(s->id)) == 1)
		return ssl;
	SSL_CTX_free(ssl);
	return NULL;
}

static int add_context(struct sl_tls_server *s, const struct sl_tls_choice *choice)
{
	struct context *c = &s->contexts[s->contexts_nr];

	c->ssl = make_context(s);
	if (!c->ssl)
		return -ENOMEM;
	c->choice = *choice;
	SSL_CTX_set_tlsext_status_cb(c->ssl, on_status);
	SSL_CTX_set_tlsext_status_arg(c->ssl, &c->choice);
	s->contexts_nr++;
	for (unsigned k = 0; k < SL_TLS_KEY_KINDS; k++)
		if (choice->pair[k] != SL_TLS_NO_PAIR &&
		    !sl_tls_pair_use(&s->pairs[choice->pair[k]], c->ssl))
			return -ENOMEM; /* each was tried when it was read */
	return (int)s->contexts_nr - 1;
}

static int choose(void *arg, const struct sl_tls_choice *choice)
{
	struct sl_tls_server *s = arg;

	for (unsigned i = 0; i < s->contexts_nr; i++)
		if (memcmp(&s->contexts[i].choice, choice, sizeof(*choice)) == 0)
			return (int)i;
	return add_context(s, choice);
}

/* What the first certificate's own names are served with, so that a client that names nobody gets
 * the kind of key that it likes best, too. */
struct first {
	struct sl_tls_choice choice;
	bool is_found;
};

static int look_for_first(void *arg, const struct sl_tls_choice *choice)
{
	struct first *f = arg;

	for (unsigned k = 0; k < SL_TLS_KEY_KINDS && !f->is_found; k++)
		if (choice->pair[k] == 0) {
			f->choice = *choice;
			f->is_found = true;
		}
	return 0;
}

static int make_contexts(struct sl_tls_server *s)
{
	struct first first = { .is_found = false };
	int ret;

	/* Each name could have a choice of its own, but no more choices than names. */
	s->contexts = calloc((size_t)s->names.nr + 1, sizeof(*s->contexts));
	if (!s->contexts)
		return -ENOMEM;
	sl_tls_names_settle(&s->names, look_for_first, &first);
	if (!first.is_found) {
		memset(&first.choice, 0xff, sizeof(first.choice));
		first.choice.pair[s->pairs[0].kind] = 0;
	}
	ret = add_context(s, &first.choice);
	return ret < 0 ? ret : sl_tls_names_settle(&s->names, choose, s);
}

/* ---- reading what the configuration names ---- */

/* An upstream's pair is loaded likewise, but only clients are told what an authority says. */
static int read_pair(struct sl_tls_server *s, const struct sl_tls_certificate_conf *conf,
		     unsigned index, const struct sl_tls_faults *faults)
{
	char why[SL_PEM_WHY_BYTES];
	int ret = sl_tls_pair_load(&s->pairs[index], conf, index, faults);

	if (ret < 0 || !conf->ocsp)
		return ret;
	ret = sl_tls_ocsp_read(&s->ocsp[index], &s->pairs[index], conf->ocsp, time(NULL), why);
	if (ret < 0)
		faults->tell(faults->arg, SL_TLS_OCSP, index, conf->ocsp, why);
	return ret;
}

struct naming {
	struct sl_tls_server *server;
	unsigned pair;
	int ret;
};

static void add_name(void *arg, const char *name, size_t len)
{
	struct naming *n = arg;
	struct sl_tls_server *s = n->server;

	if (n->ret == 0)
		n->ret = sl_tls_names_add(&s->names, (struct sl_str){ name, len }, n->pair,
					  s->pairs[n->pair].kind);
}

static int read_pairs(struct sl_tls_server *s, const struct sl_tls_conf *conf,
		      const struct sl_tls_faults *faults)
{
	struct naming naming = { .server = s };
	int ret = 0;

	s->pairs = calloc(conf->certificates_nr, sizeof(*s->pairs));
	s->ocsp = calloc(conf->certificates_nr, sizeof(*s->ocsp));
	if (!s->pairs || !s->ocsp)
		return -ENOMEM;
	s->pairs_nr = conf->certificates_nr;
	for (unsigned i = 0; i < s->pairs_nr; i++) {
		int failed = read_pair(s, &conf->certificates[i], i, faults);

		if (failed) {
			ret = -EINVAL;
			continue;
		}
		naming.pair = i;
		sl_tls_pair_names(&s->pairs[i], add_name, &naming);
	}
	return ret ? ret : naming.ret;
}

static int read_ticket_key(const char *path, struct sl_ticket_key *key, char why[SL_PEM_WHY_BYTES])
{
	char *text = NULL;
	size_t len = 0;
	int ret = sl_pem_read(path, &text, &len, why);

	if (ret < 0)
		return ret;
	if (len == SL_TICKET_KEY_BYTES || len == SL_TICKET_KEY_OLD_BYTES) {
		memcpy(key->bytes, text, len);
		key->len = (unsigned)len;
	} else {
		strcpy(why, "is neither 80 nor 48 bytes long (openssl rand -out FILE 80)");
		ret = -EINVAL;
	}
	sl_pem_free(text, len);
	return ret;
}

static int read_ticket_keys(struct sl_tls_server *s, const struct sl_tls_conf *conf,
			    const struct sl_tls_faults *faults)
{
	struct sl_ticket_key keys[SL_TLS_TICKET_KEYS_MAX];
	int ret = 0;

	for (unsigned i = 0; i < conf->ticket_keys_nr; i++) {
		const char *path = conf->ticket_keys[i].path;
		char why[SL_PEM_WHY_BYTES];

		if (read_ticket_key(path, &keys[i], why) == 0)
			continue;
		faults->tell(faults->arg, SL_TLS_TICKET_KEY, i, path, why);
		ret = -EINVAL;
	}
	if (ret == 0) {
		s->tickets = sl_tickets_of(keys, conf->ticket_keys_nr);
		ret = s->tickets ? 0 : -ENOMEM;
	}
	OPENSSL_cleanse(keys, sizeof(keys));
	return ret;
}

static int read_clients(struct sl_tls_server *s, const struct sl_tls_conf *conf,
			const struct sl_tls_faults *faults)
{
	struct sl_tls_clients *c = &s->clients;
	char why[SL_PEM_WHY_BYTES];
	int ret = 0, revoked = 0;

	c->is_required = conf->client_certificate == SL_TLS_CLIENT_REQUIRED;
	c->depth = conf->client_depth;
	if (conf->client_ca)
		ret = sl_tls_clients_read_authorities(c, conf->client_ca, s->id, why);
	if (ret < 0)
		faults->tell(faults->arg, SL_TLS_CLIENT_CA, 0, conf->client_ca, why);
	if (conf->client_crl)
		revoked = sl_tls_clients_read_revoked(c, conf->client_crl, s->id, why);
	if (revoked < 0)
		faults->tell(faults->arg, SL_TLS_CLIENT_CRL, 0, conf->client_crl, why);
	return ret < 0 || revoked < 0 ? -EINVAL : 0;
}

/* ---- from start to end ---- */

static void free_server(struct sl_tls_server *s)
{
	/* A connection holds the context that it uses. */
	for (unsigned i = 0; i < s->contexts_nr; i++)
		SSL_CTX_free(s->contexts[i].ssl);
	for (unsigned i = 0; i < s->pairs_nr; i++)
		sl_tls_pair_fini(&s->pairs[i]);
	for (unsigned i = 0; i < s->pairs_nr; i++)
		sl_tls_ocsp_fini(&s->ocsp[i]);
	sl_tls_names_fini(&s->names);
	sl_tls_judge_fini(&s->judge);
	sl_tls_clients_fini(&s->clients);
	sl_tickets_put(s->tickets);
	free(s->contexts);
	free(s->pairs);
	free(s->ocsp);
	free(s);
}

/* All files are looked at, so that all faults are told in one run. */
static int fill(struct sl_tls_server *s, const struct sl_tls_conf *conf, struct sl_tickets *own,
		const struct sl_tls_faults *faults)
{
	int ret = read_pairs(s, conf, faults), keys = 0, clients = read_clients(s, conf, faults);

	if (conf->tickets && conf->ticket_keys_nr)
		keys = read_ticket_keys(s, conf, faults);
	else if (conf->tickets)
		s->tickets = sl_tickets_get(own);
	if (ret == 0)
		ret = keys < 0 ? keys : clients;
	return ret < 0 ? ret : make_contexts(s);
}

/* Nor is one resumed that began when less was asked of clients. */
static void make_id(struct sl_tls_server *s, const struct sl_tls_conf *conf, struct sl_str id)
{
	char text[128];
	int n = snprintf(text, sizeof(text), "%.*s %d %u %u", (int)(id.len > 64 ? 64 : id.len),
			 id.ptr, conf->client_ca != NULL, conf->client_certificate,
			 conf->client_depth);

	SHA256((const unsigned char *)text, (size_t)n, s->id);
}

int sl_tls_server_new(struct sl_tls_server **ret_server, const struct sl_tls_conf *conf,
		      struct sl_str id, struct sl_tickets *own, const struct sl_tls_faults *faults)
{
	struct sl_tls_server *s = calloc(1, sizeof(*s));
	int ret;

	if (!s)
		return -ENOMEM;
	s->users = 1;
	s->profile = conf->profile;
	s->kernel = conf->kernel;
	s->ktls_ciphers = conf->ktls.ciphers;
	make_id(s, conf, id);
	ret = fill(s, conf, own, faults);
	if (ret == 0)
		ret = sl_tls_judge_init(&s->judge, conf, &s->names);
	if (ret < 0)
		free_server(s);
	else
		*ret_server = s;
	return ret;
}

struct sl_tls_server *sl_tls_server_get(struct sl_tls_server *s)
{
	atomic_fetch_add_explicit(&s->users, 1, memory_order_relaxed);
	return s;
}

void sl_tls_server_put(struct sl_tls_server *s)
{
	if (s && atomic_fetch_sub_explicit(&s->users, 1, memory_order_acq_rel) == 1)
		free_server(s);
}

const struct sl_tls_judge *sl_tls_server_judge(const struct sl_tls_server *s)
{
	return &s->judge;
}

SSL *sl_tls_server_begin(struct sl_tls_server *s)
{
	return SSL_new(s->contexts[0].ssl);
}

unsigned sl_tls_server_ktls(const struct sl_tls_server *s)
{
	return s->ktls_ciphers;
}

bool sl_tls_server_requires_kernel(const struct sl_tls_server *s)
{
	return s->kernel == SL_TLS_KERNEL_REQUIRE;
}

const struct sl_tls_pair *sl_tls_server_pair(const struct sl_tls_server *s, unsigned i,
					     const struct sl_tls_ocsp **ret_ocsp)
{
	*ret_ocsp = &s->ocsp[i];
	return &s->pairs[i];
}
