// SPDX-License-Identifier: Apache-2.0
// sluicectl connection: who is connected, and what for.
#include <inttypes.h>
#include <stdio.h>

#include "ctl.h"

static json_int_t number(const json_t *c, const char *key)
{
	return json_integer_value(json_object_get(c, key));
}

static const char *text(const json_t *c, const char *key, char *mem, size_t size)
{
	const json_t *value = json_object_get(c, key);

	return value ? ctl_printable(value, mem, size) : "-";
}

static void print_connection(const json_t *c)
{
	const json_t *tls = json_object_get(c, "tls");
	char client[64], listener[64], records[32], route[64], upstream[96], version[16],
		cipher[64], alpn[32], name[96];

	printf("%-39s %5" JSON_INTEGER_FORMAT " %-12s %-7s %-11s %8" JSON_INTEGER_FORMAT
	       " %8" JSON_INTEGER_FORMAT "s %8" JSON_INTEGER_FORMAT
	       "ms %-16s %-21s %-7s %-29s %-8s %s\n",
	       text(c, "client", client, sizeof(client)), number(c, "port"),
	       text(c, "listener", listener, sizeof(listener)),
	       json_object_get(c, "busy_ms") ? "serving" : "idle",
	       text(tls, "records", records, sizeof(records)), number(c, "requests"),
	       number(c, "age_ms") / 1000, number(c, "busy_ms"),
	       text(c, "route", route, sizeof(route)),
	       text(c, "upstream", upstream, sizeof(upstream)),
	       text(tls, "version", version, sizeof(version)),
	       text(tls, "cipher", cipher, sizeof(cipher)), text(tls, "alpn", alpn, sizeof(alpn)),
	       text(tls, "name", name, sizeof(name)));
}

enum ctl_exit ctl_connection_show(struct ctl *ctl, char **arguments)
{
	json_t *answer = NULL, *list;
	const json_t *c;
	enum ctl_exit code = ctl_ask(ctl, "connection show", &answer);
	size_t i;

	if (code != CTL_OK)
		return code;
	if (ctl->is_json)
		return ctl_print_json(ctl, answer);
	list = json_object_get(answer, "connections");
	printf("%-39s %5s %-12s %-7s %-11s %8s %9s %10s %-16s %-21s %-7s %-29s %-8s %s\n", "CLIENT",
	       "PORT", "LISTENER", "STATE", "RECORDS", "REQUESTS", "AGE", "BUSY", "ROUTE",
	       "UPSTREAM", "TLS", "CIPHER", "ALPN", "NAME");
	json_array_foreach(list, i, c) print_connection(c);
	if (number(answer, "open") > (json_int_t)json_array_size(list))
		printf("and %" JSON_INTEGER_FORMAT " more\n",
		       number(answer, "open") - (json_int_t)json_array_size(list));
	json_decref(answer);
	return CTL_OK;
}
