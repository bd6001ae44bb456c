/* SPDX-License-Identifier: Apache-2.0 */
/* SYN cookies from the kernel half (bpf/syn.h): whether this machine can. */
#ifndef SL_KERN_COOKIES_H
#define SL_KERN_COOKIES_H

#include "kern/gate.h"

/* Whether this kernel makes cookies for programs: Linux 6.0 with CONFIG_SYN_COOKIES. */
bool sl_cookies_are_made(void);

/* 0 when a cookie that was made is taken too, or a negative errno and why: -ENOTSUP without the
 * helper; -EOPNOTSUPP when net.ipv4.tcp_syncookies of this network namespace is not 2, since the
 * stack would reset whoever brings one back (ip-sysctl.rst). */
int sl_cookies_check(struct sl_why *why);

#endif
