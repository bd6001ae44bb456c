// SPDX-License-Identifier: Apache-2.0
// Whether SYN cookies made by the kernel half are of use here.
#include "kern/cookies.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>

#include "kern/why.h"

#define SYSCTL "/proc/sys/net/ipv4/tcp_syncookies"

bool sl_cookies_are_made(void)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_tcp_raw_gen_syncookie_ipv4,
				       NULL) == 1;
}

static int read_sysctl(void)
{
	FILE *f = fopen(SYSCTL, "re");
	char line[16] = "-1";

	if (!f)
		return -1;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	return (int)strtol(line, NULL, 10);
}

int sl_cookies_check(struct sl_why *why)
{
	int value;

	if (!sl_cookies_are_made())
		return sl_why_text(why, -ENOTSUP,
				   "this kernel makes no SYN cookies for programs: that takes "
				   "Linux 6.0 with CONFIG_SYN_COOKIES");
	value = read_sysctl();
	if (value != 2)
		return sl_why_text(why, -EOPNOTSUPP,
				   "net.ipv4.tcp_syncookies is %d, with which the stack resets "
				   "whoever brings a cookie back: "
				   "sysctl -w net.ipv4.tcp_syncookies=2",
				   value);
	return 0;
}
