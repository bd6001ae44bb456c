// SPDX-License-Identifier: Apache-2.0
// Sessions that targets have given us.
#include "tls/sessions.h"

#include <openssl/x509.h>
#include <stdbool.h>
#include <string.h>

static bool is_tls13(const SSL_SESSION *session)
{
	return SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION;
}

static void drop(struct sl_tls_sessions *s, unsigned index)
{
	SSL_SESSION_free(s->kept[index]);
	s->nr--;
	memmove(s->kept + index, s->kept + index + 1, (s->nr - index) * sizeof(*s->kept));
}

void sl_tls_sessions_clear(struct sl_tls_sessions *s)
{
	while (s->nr)
		drop(s, s->nr - 1);
}

void sl_tls_sessions_put(struct sl_tls_sessions *s, SSL_SESSION *session)
{
	if (!is_tls13(session))
		sl_tls_sessions_clear(s);
	else if (s->nr == SL_TLS_SESSIONS_KEPT)
		drop(s, 0);
	s->kept[s->nr++] = session;
}

/* Going on gives new tickets, which would go on for ever: nobody looks at the certificate again. */
static bool is_good(SSL_SESSION *session, time_t now)
{
	const X509 *x = SSL_SESSION_get0_peer(session);
	time_t age = now - (time_t)SSL_SESSION_get_time(session);

	return SSL_SESSION_is_resumable(session) && age >= 0 && age < SL_TLS_SESSION_SECONDS &&
	       (!x || X509_cmp_time(X509_get0_notAfter(x), &now) > 0);
}

SSL_SESSION *sl_tls_sessions_take(struct sl_tls_sessions *s, time_t now)
{
	SSL_SESSION *session;

	while (s->nr && !is_good(s->kept[s->nr - 1], now))
		drop(s, s->nr - 1);
	if (!s->nr)
		return NULL;
	session = s->kept[s->nr - 1];
	if (is_tls13(session))
		s->nr--;
	else
		SSL_SESSION_up_ref(session);
	return session;
}

void sl_tls_sessions_move(struct sl_tls_sessions *to, struct sl_tls_sessions *from)
{
	*to = *from;
	from->nr = 0;
}
