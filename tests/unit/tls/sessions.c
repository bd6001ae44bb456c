// SPDX-License-Identifier: Apache-2.0
// Sessions with targets: which is gone on with, how often, and for how long.
#include "tls/sessions.h"

#include "tap.h"

static const time_t start = 1000000;

static SSL_SESSION *make(int version, unsigned char id, time_t when)
{
	SSL_SESSION *session = SSL_SESSION_new();

	SSL_SESSION_set_protocol_version(session, version);
	SSL_SESSION_set1_id(session, &id, 1);
	SSL_SESSION_set_time(session, (long)when);
	return session;
}

/* The number of the one that is taken; 0: none. */
static int take(struct sl_tls_sessions *s, time_t now)
{
	SSL_SESSION *session = sl_tls_sessions_take(s, now);
	unsigned len;
	int id = session ? SSL_SESSION_get_id(session, &len)[0] : 0;

	SSL_SESSION_free(session);
	return id;
}

static void test_tls13(void)
{
	struct sl_tls_sessions s = { .nr = 0 };

	is_int(take(&s, start), 0, "there is none at first");
	for (unsigned char id = 1; id <= SL_TLS_SESSIONS_KEPT + 2; id++)
		sl_tls_sessions_put(&s, make(TLS1_3_VERSION, id, start));
	is_int(s.nr, SL_TLS_SESSIONS_KEPT, "so many are kept");
	for (int id = SL_TLS_SESSIONS_KEPT + 2; id > 2; id--)
		is_int(take(&s, start), id, "the newest first, each once");
	is_int(take(&s, start), 0, "and the oldest two went");
}

static void test_tls12(void)
{
	struct sl_tls_sessions s = { .nr = 0 };

	sl_tls_sessions_put(&s, make(TLS1_2_VERSION, 1, start));
	is_int(take(&s, start), 1, "one of TLS 1.2");
	is_int(take(&s, start), 1, "is gone on with again");
	sl_tls_sessions_put(&s, make(TLS1_2_VERSION, 2, start));
	is_int(s.nr, 1, "another replaces it");
	is_int(take(&s, start), 2, "and is gone on with");
	sl_tls_sessions_clear(&s);
	is_int(take(&s, start), 0, "until there is none");
}

static void test_age(void)
{
	struct sl_tls_sessions s = { .nr = 0 };

	sl_tls_sessions_put(&s, make(TLS1_2_VERSION, 1, start));
	is_int(take(&s, start + SL_TLS_SESSION_SECONDS - 1), 1, "a second before it is too old");
	is_int(take(&s, start + SL_TLS_SESSION_SECONDS), 0, "it is too old");
	is_int(s.nr, 0, "and goes");
	sl_tls_sessions_put(&s, make(TLS1_3_VERSION, 1, start));
	is_int(take(&s, start - 1), 0, "one from the time to come is none");
}

static void test_unusable(void)
{
	struct sl_tls_sessions s = { .nr = 0 };
	SSL_SESSION *none = SSL_SESSION_new();

	SSL_SESSION_set_time(none, (long)start);
	sl_tls_sessions_put(&s, none);
	is_int(take(&s, start), 0, "one that has neither number nor ticket is not tried");
}

static void test_move(void)
{
	struct sl_tls_sessions from = { .nr = 0 }, to = { .nr = 0 };

	sl_tls_sessions_put(&from, make(TLS1_3_VERSION, 7, start));
	sl_tls_sessions_move(&to, &from);
	is_int(take(&from, start), 0, "what was moved is not here");
	is_int(take(&to, start), 7, "but there");
}

int main(void)
{
	test_tls13();
	test_tls12();
	test_age();
	test_unusable();
	test_move();
	return done_testing();
}
