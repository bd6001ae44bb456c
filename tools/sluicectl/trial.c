// SPDX-License-Identifier: Apache-2.0
// sluicectl deny confirm and revert; and whom no list may cut off by accident.
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "lists.h"
#include "sluice/client.h"

/* ---- who must not be cut off ---- */

/* An address, and the port of ours that it talks to; 0: any. */
struct friend
{
	struct sl_prefix address;
	uint16_t port;
	const char *who;
};

/* Which interface its packets come in by is not known: the worse is assumed. */
static bool is_for(const struct sl_rule *rule, const struct friend *f)
{
	if (rule->ifindex && !(rule->action >= SL_ACTION_DROP))
		return false;
	return rule->action != SL_ACTION_SHADOW && (!rule->has_port || rule->port == f->port);
}

/* The entry that decides about somebody: list->nr if none does. */
static size_t decide(const struct sl_prefixes *list, const struct friend *f)
{
	size_t best = list->nr;

	for (size_t i = 0; i < list->nr; i++) {
		const struct sl_prefix *p = &list->prefixes[i];
		const struct sl_rule *rule = &list->rules[p->rule];

		if (!sl_prefix_covers(p, &f->address) || !is_for(rule, f))
			continue;
		if (rule->action == SL_ACTION_MANAGE)
			return i;
		/* Sorted: of equally long ones the strongest comes last. */
		if (best == list->nr || p->length >= list->prefixes[best].length)
			best = i;
	}
	return best;
}

static bool is_cut(const struct sl_prefixes *list, const struct friend *f, size_t *ret_by)
{
	size_t by = decide(list, f);

	*ret_by = by;
	return by < list->nr && list->rules[list->prefixes[by].rule].action >= SL_ACTION_DROP;
}

/* The other side of the SSH connection that we are started from: "CLIENT PORT SERVER PORT". */
static bool find_ssh(struct friend *ret_friend)
{
	const char *text = getenv("SSH_CONNECTION");
	bool had_host_bits;
	const char *port;

	ret_friend->who = "your own SSH connection";
	if (!text || sl_prefix_parse((struct sl_str){ text, strcspn(text, " %") },
				     &ret_friend->address, &had_host_bits) < 0)
		return false;
	port = strrchr(text, ' ');
	ret_friend->port = port ? (uint16_t)strtoul(port, NULL, 10) : 0;
	return true;
}

/* The default gateway of IPv4: /proc/net/route has it as a number in the CPU's own order. */
static bool find_gateway4(struct friend *ret_friend)
{
	FILE *routes = fopen("/proc/net/route", "re");
	unsigned long target, gateway;
	bool is_found = false;
	char line[256];

	ret_friend->who = "the default gateway";
	ret_friend->port = 0;
	while (routes && !is_found && fgets(line, sizeof(line), routes)) {
		char *at = line + strcspn(line, "\t");

		target = strtoul(at, &at, 16);
		gateway = strtoul(at, &at, 16);
		is_found = isspace((unsigned char)*at) && target == 0 && gateway != 0;
		if (is_found)
			ret_friend->address = (struct sl_prefix){
				.lo = 0xffffull << 32 | ntohl((uint32_t)gateway), .length = 128
			};
	}
	if (routes)
		fclose(routes);
	return is_found;
}

/* Of IPv6: a line is target, its length, source, its length, gateway, and more; all hexadecimal. */
static bool read_route6(const char *line, struct friend *ret_friend)
{
	char target[33], length[3], gateway[33], half[17] = "";

	if (sscanf(line, "%32[0-9a-f] %2[0-9a-f] %*32[0-9a-f] %*2[0-9a-f] %32[0-9a-f]", target,
		   length, gateway) != 3 ||
	    strcmp(length, "00") != 0 || strspn(target, "0") != 32 || strspn(gateway, "0") == 32 ||
	    strlen(gateway) != 32)
		return false;
	memcpy(half, gateway, 16);
	ret_friend->address = (struct sl_prefix){ .hi = strtoull(half, NULL, 16),
						  .lo = strtoull(gateway + 16, NULL, 16),
						  .length = 128 };
	return true;
}

static bool find_gateway6(struct friend *ret_friend)
{
	FILE *routes = fopen("/proc/net/ipv6_route", "re");
	bool is_found = false;
	char line[256];

	ret_friend->who = "the default gateway of IPv6";
	ret_friend->port = 0;
	while (routes && !is_found && fgets(line, sizeof(line), routes))
		is_found = read_route6(line, ret_friend);
	if (routes)
		fclose(routes);
	return is_found;
}

static enum ctl_exit check_one(struct ctl *ctl, const struct lists *l, struct sl_prefixes *next,
			       const struct friend *f)
{
	char text[64], entry[64], said[160];
	size_t by, before;

	/* What is cut off already is none of this change's doing. */
	if (!is_cut(next, f, &by) || is_cut(&l->before, f, &before))
		return CTL_OK;
	lists_rule_text(&next->rules[next->prefixes[by].rule], said, sizeof(said));
	return ctl_fail(ctl, CTL_FAILED, "%s (%s) would cut off %s, %s; with 'force' it is done%s",
			lists_prefix_text(&next->prefixes[by], entry), said, f->who,
			lists_prefix_text(&f->address, text),
			l->lock >= 0 ? ", with 'confirm-within 60s force' on trial" : "");
}

enum ctl_exit lists_check_safety(struct ctl *ctl, const struct lists *l, struct sl_prefixes *next)
{
	enum ctl_exit code = CTL_OK;
	struct friend f;

	if (sl_prefixes_sort(next) < 0)
		return ctl_fail(ctl, CTL_FAILED, "out of memory");
	if (find_ssh(&f))
		code = check_one(ctl, l, next, &f);
	if (code == CTL_OK && find_gateway4(&f))
		code = check_one(ctl, l, next, &f);
	if (code == CTL_OK && find_gateway6(&f))
		code = check_one(ctl, l, next, &f);
	return code;
}

static enum ctl_exit check_client(struct ctl *ctl, const struct lists *l,
				  const struct sl_address *client, const struct friend *f)
{
	struct sl_address own = sl_client_of(l->gate.switches, f->address.hi, f->address.lo);
	char text[64], of[64];

	/* Lists come first: who is in one of them is let in, or cut off, by that. */
	if (own.hi != client->hi || own.lo != client->lo || decide(&l->all, f) < l->all.nr)
		return CTL_OK;
	return ctl_fail(ctl, CTL_FAILED,
			"to punish %s would cut off %s, %s; with 'force' it is done",
			lists_client_text(&l->gate, client, of), f->who,
			lists_prefix_text(&f->address, text));
}

enum ctl_exit lists_check_punished(struct ctl *ctl, const struct sl_address *client)
{
	static bool (*const finds[])(struct friend *) = { find_ssh, find_gateway4, find_gateway6 };
	struct lists l;
	enum ctl_exit code = lists_open(ctl, false, &l);
	struct friend f;

	if (code != CTL_OK)
		return code;
	for (size_t i = 0; i < sizeof(finds) / sizeof(*finds) && code == CTL_OK; i++)
		if (finds[i](&f))
			code = check_client(ctl, &l, client, &f);
	lists_close(&l);
	return code;
}

/* ---- confirm, revert ---- */

static enum ctl_exit end_trial(struct ctl *ctl, int (*end)(struct sl_gate *gate), const char *done)
{
	struct lists l;
	enum ctl_exit code = lists_open(ctl, true, &l);
	int ret;

	if (code != CTL_OK)
		return code;
	ret = end(&l.gate);
	lists_close(&l);
	if (ret == -ENOENT)
		return ctl_fail(ctl, CTL_FAILED, "no list is on trial");
	if (ret < 0)
		return ctl_fail(ctl, CTL_FAILED, "%s", strerror(-ret));
	if (ctl->is_json)
		return ctl_print_json(ctl, json_pack("{s:s}", "result", done));
	puts(done);
	return CTL_OK;
}

enum ctl_exit ctl_deny_confirm(struct ctl *ctl, char **arguments)
{
	return end_trial(ctl, sl_gate_confirm, "confirmed");
}

enum ctl_exit ctl_deny_revert(struct ctl *ctl, char **arguments)
{
	return end_trial(ctl, sl_gate_revert, "reverted");
}
