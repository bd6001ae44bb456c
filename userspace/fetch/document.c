// SPDX-License-Identifier: Apache-2.0
// A document by libcurl.
#include "fetch/document.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- where from ---- */

static bool is_here(struct sl_str host)
{
	return sl_str_eq(host, SL_S("localhost")) || sl_str_eq(host, SL_S("[::1]")) ||
	       sl_str_starts(host, SL_S("127."));
}

const char *sl_fetch_check_url(struct sl_str url)
{
	static const struct sl_str secure = SL_STR("https://"), plain = SL_STR("http://");
	bool is_secure = sl_str_starts(url, secure);
	size_t skip = is_secure ? secure.len : plain.len, end;
	struct sl_str host;

	if (url.len > SL_FETCH_URL_MAX)
		return "is longer than 1024 bytes";
	if (!is_secure && !sl_str_starts(url, plain))
		return "is no URL that begins with https://";
	for (size_t i = 0; i < url.len; i++)
		if (url.ptr[i] <= ' ' || url.ptr[i] > '~' || url.ptr[i] == '#')
			return "is no URL: it has a character that must be percent-encoded";
	for (end = skip; end < url.len && url.ptr[end] != '/' && url.ptr[end] != '?'; end++)
		if (url.ptr[end] == '@' || url.ptr[end] == '\\')
			return "must be without a name and a password";
	host = (struct sl_str){ url.ptr + skip, end - skip };
	if (host.ptr[0] == '[') {
		const char *close = memchr(host.ptr, ']', host.len);

		host.len = close ? (size_t)(close + 1 - host.ptr) : 0;
	} else {
		const char *colon = memchr(host.ptr, ':', host.len);

		host.len = colon ? (size_t)(colon - host.ptr) : host.len;
	}
	if (host.len == 0)
		return "is a URL without a host";
	return is_secure || is_here(host) ? NULL
					  : "must begin with https:// unless it is of this "
					    "machine: whoever is on the way could change it";
}

/* ---- what comes ---- */

static size_t on_body(char *data, size_t one, size_t nr, void *arg)
{
	struct sl_fetch *f = arg;
	size_t len = one * nr;
	char *text;

	if (len > SL_FETCH_BYTES_MAX - f->len)
		return 0;
	text = realloc(f->text, f->len + len + 1);
	if (!text)
		return 0;
	memcpy(text + f->len, data, len);
	f->text = text;
	f->len += len;
	f->text[f->len] = '\0';
	return len;
}

/* One directive of Cache-Control. */
static void read_directive(struct sl_fetch *f, struct sl_str d)
{
	static const struct sl_str name = SL_STR("max-age=");
	int64_t age = 0;
	size_t i = name.len;

	if (sl_str_ieq(d, SL_S("no-store")) || sl_str_ieq(d, SL_S("no-cache")))
		f->max_age_s = 0;
	if (d.len <= name.len || !sl_str_ieq((struct sl_str){ d.ptr, name.len }, name))
		return;
	for (; i < d.len && d.ptr[i] >= '0' && d.ptr[i] <= '9' && age < 1 << 30; i++)
		age = age * 10 + (d.ptr[i] - '0');
	if (i == d.len && f->max_age_s != 0)
		f->max_age_s = age;
}

static size_t on_field(char *line, size_t one, size_t nr, void *arg)
{
	static const struct sl_str name = SL_STR("cache-control:");
	struct sl_str text = { line, one * nr }, list, item;

	if (text.len > name.len && sl_str_ieq((struct sl_str){ line, name.len }, name)) {
		list = (struct sl_str){ line + name.len, text.len - name.len };
		while (list.len &&
		       (list.ptr[list.len - 1] == '\n' || list.ptr[list.len - 1] == '\r'))
			list.len--;
		while (sl_str_list_next(&list, &item))
			read_directive(arg, item);
	}
	return text.len;
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct sl_fetch *f = arg;

	return atomic_load_explicit(f->is_given_up, memory_order_relaxed);
}

/* ---- asking ---- */

static void set_up(CURL *curl, struct sl_fetch *f)
{
	curl_easy_setopt(curl, CURLOPT_URL, f->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)SL_FETCH_TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_MAXFILESIZE, (long)SL_FETCH_BYTES_MAX);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "sluice");
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, f);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_field);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, f);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, f);
	if (!f->ca)
		return;
	curl_easy_setopt(curl, CURLOPT_CAINFO, f->ca);
	curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
}

static void explain(struct sl_fetch *f, CURL *curl, CURLcode ret)
{
	long status = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (ret == CURLE_WRITE_ERROR || ret == CURLE_FILESIZE_EXCEEDED)
		snprintf(f->why, sizeof(f->why), "it is longer than 1 MiB");
	else if (ret != CURLE_OK)
		snprintf(f->why, sizeof(f->why), "%s", curl_easy_strerror(ret));
	else
		snprintf(f->why, sizeof(f->why), "the answer is %ld", status);
}

static bool is_good(CURL *curl, CURLcode ret)
{
	long status = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	return ret == CURLE_OK && status == 200;
}

bool sl_fetch_document(struct sl_fetch *f)
{
	CURL *curl = curl_easy_init();
	CURLcode ret;
	bool is_there;

	f->text = NULL;
	f->len = 0;
	f->max_age_s = -1;
	f->why[0] = '\0';
	if (!curl) {
		snprintf(f->why, sizeof(f->why), "out of memory");
		return false;
	}
	set_up(curl, f);
	ret = curl_easy_perform(curl);
	is_there = is_good(curl, ret) && f->text;
	if (!is_there) {
		explain(f, curl, ret);
		free(f->text);
		f->text = NULL;
		f->len = 0;
	}
	curl_easy_cleanup(curl);
	return is_there;
}

bool sl_fetch_begin(void)
{
	return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}
