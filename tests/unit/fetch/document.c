// SPDX-License-Identifier: Apache-2.0
// Which URLs keys may be got from.
#include "fetch/document.h"

#include <string.h>

#include "tap.h"

static const struct {
	const char *url, *why; /* NULL: it is good */
} urls[] = {
	{ "https://a.example/keys", NULL },
	{ "https://a.example", NULL },
	{ "https://a.example:8443/keys?v=1", NULL },
	{ "https://[2001:db8::1]:8443/keys", NULL },
	{ "http://127.0.0.1:8080/keys", NULL },
	{ "http://127.1.2.3", NULL },
	{ "http://localhost/keys", NULL },
	{ "http://[::1]:8080/keys", NULL },
	{ "http://a.example/keys", "must begin with https://" },
	{ "http://localhost.example/keys", "must begin with https://" },
	{ "http://[::2]/keys", "must begin with https://" },
	{ "http://128.0.0.1/keys", "must begin with https://" },
	{ "http://127.0.0.1@a.example/keys", "without a name and a password" },
	{ "https://me:secret@a.example/keys", "without a name and a password" },
	{ "https://a.example\\@b/", "without a name and a password" },
	{ "https://", "without a host" },
	{ "https:///keys", "without a host" },
	{ "https://:443/", "without a host" },
	{ "https://[::1/", "without a host" },
	{ "file:///etc/passwd", "no URL that begins with https://" },
	{ "ftp://a.example/", "no URL that begins with https://" },
	{ "a.example/keys", "no URL that begins with https://" },
	{ "", "no URL that begins with https://" },
	{ "https://a.example/a b", "percent-encoded" },
	{ "https://a.example/\n", "percent-encoded" },
	{ "https://a.example/#a", "percent-encoded" },
	{ "https://\xc3\xa4.example/", "percent-encoded" },
};

int main(void)
{
	for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
		const char *why = sl_fetch_check_url(sl_str_of(urls[i].url));

		ok(urls[i].why ? why && strstr(why, urls[i].why) : !why, "'%s': %s", urls[i].url,
		   why ? why : "good");
	}
	return done_testing();
}
