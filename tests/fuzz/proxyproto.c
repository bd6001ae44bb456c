// SPDX-License-Identifier: Apache-2.0
// Fuzz target of the PROXY protocol: answers agree with each prefix's, and with what we write.
#include "net/proxyproto.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool held)
{
	if (!held)
		abort();
}

/* A copy of its own size: the sanitizer then sees a read of one byte too many. */
static ssize_t read_copy(const uint8_t *data, size_t n, struct sl_proxy *proxy)
{
	char *mem = malloc(n ? n : 1);
	ssize_t ret;

	demand(mem != NULL);
	if (n)
		memcpy(mem, data, n);
	ret = sl_proxy_read((struct sl_str){ mem, n }, proxy);
	free(mem);
	return ret;
}

static void check_prefix(const uint8_t *data, size_t n, ssize_t whole)
{
	struct sl_proxy proxy;
	ssize_t ret = read_copy(data, n, &proxy);

	if (whole > 0)
		demand(ret == (n < (size_t)whole ? -EAGAIN : whole));
	else
		demand(ret == whole || (ret == -EAGAIN && whole == -EBADMSG));
}

static bool is_same(const struct sl_addr *a, const struct sl_addr *b)
{
	struct sl_ip x = sl_addr_ip(a), y = sl_addr_ip(b);

	if (a->sa.sa_family == AF_UNIX)
		return b->sa.sa_family == AF_UNIX && a->len == b->len &&
		       strcmp(a->un.sun_path, b->un.sun_path) == 0;
	return memcmp(&x, &y, sizeof(x)) == 0 && sl_addr_port(a) == sl_addr_port(b);
}

static void check_round(int version, const struct sl_proxy *proxy)
{
	uint8_t mem[SL_PROXY_WRITE_MAX];
	struct sl_proxy again;
	ssize_t n = sl_proxy_write(version, &proxy->src, &proxy->dst, (char *)mem, sizeof(mem));

	demand(n > 0 && (version == 2 || n <= SL_PROXY_V1_MAX));
	demand(read_copy(mem, (size_t)n, &again) == n);
	demand(again.has_addrs == (version == 2 || proxy->src.sa.sa_family != AF_UNIX));
	if (again.has_addrs)
		demand(is_same(&proxy->src, &again.src) && is_same(&proxy->dst, &again.dst));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_proxy proxy = { 0 };
	ssize_t ret = read_copy(data, size, &proxy);

	demand(ret == -EAGAIN || ret == -EBADMSG || (ret > 0 && (size_t)ret <= size));
	demand(ret <= SL_PROXY_READ_MAX);
	for (size_t n = 0; n < size && n < 600; n++)
		check_prefix(data, n, ret);
	if (ret > 0)
		check_prefix(data, (size_t)ret, ret);
	if (ret > 0 && proxy.has_addrs) {
		check_round(1, &proxy);
		check_round(2, &proxy);
	}
	return 0;
}
