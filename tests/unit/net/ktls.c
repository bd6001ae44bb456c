// SPDX-License-Identifier: Apache-2.0
// Whether the kernel seals and opens, and what is said where it does not.
#include "net/ktls.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tap.h"

static void is_explained(const struct sl_ktls *k, const char *want)
{
	char why[SL_KTLS_WHY_BYTES];

	sl_ktls_explain(k, why);
	is_str(sl_str_of(why), want, "\"%s\"", want);
}

static void test_words(void)
{
	is_explained(&(struct sl_ktls){ .ciphers = SL_KTLS_ALL }, "");
	is_explained(&(struct sl_ktls){ .error = -ENOENT }, "the kernel has no module tls");
	is_explained(&(struct sl_ktls){ .error = -EPERM }, "Operation not permitted");
	is_explained(&(struct sl_ktls){ .ciphers = 1 << SL_KTLS_AES128 },
		     "the kernel has not AES-256-GCM, CHACHA20-POLY1305");
	is_explained(&(struct sl_ktls){ .ciphers = 0 },
		     "the kernel has not AES-128-GCM, AES-256-GCM, CHACHA20-POLY1305");
}

static void test_probe(void)
{
	int before = dup(0), after;
	struct sl_ktls first, second;

	close(before);
	first = sl_ktls_probe();
	second = sl_ktls_probe();
	after = dup(0);
	close(after);

	ok(first.error == 0 || first.ciphers == 0, "it has begun, or there is no cipher");
	ok(first.error == second.error && first.ciphers == second.ciphers, "twice the same");
	is_int(after, before, "and no descriptor is left open");
}

/* What is no TCP connection stays what it is. */
static void test_strangers(void)
{
	struct sl_ktls_keys keys = { .cipher = SL_KTLS_AES128 };
	int fds[2], type;
	char byte;

	if (!is_int(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0, "a pair"))
		return;
	ok(sl_ktls_start(fds[0]) < 0, "a unix socket is not handed over");
	ok(sl_ktls_hand_over(fds[0], SL_KTLS_SEALS, &keys) < 0, "nor its sending side");
	is_int(sl_ktls_receive(fds[0], &byte, 1, &type), -EAGAIN, "nothing is waited for");
	is_int(write(fds[1], "x", 1), 1, "it goes on");
	is_int(sl_ktls_receive(fds[0], &byte, 1, &type), 1, "as it was");
	is_int(type, SL_RECORD_DATA, "a byte of data");
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	test_words();
	test_probe();
	test_strangers();
	return done_testing();
}
