// SPDX-License-Identifier: Apache-2.0
// Command "connection show".
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/out.h"
#include "control/ask.h"
#include "control/command.h"
#include "gate/connections.h"

/* Of each worker: enough to look at, and listed in well under a millisecond. */
enum { LISTED_MAX = 4096 };

struct list {
	struct sl_connection *items; /* LISTED_MAX for each worker */
	unsigned *nr;		     /* listed, by worker */
};

static void list(struct sl_worker *w, void *arg)
{
	struct list *l = arg;

	l->nr[w->index] =
		sl_connections_list(w, l->items + (size_t)w->index * LISTED_MAX, LISTED_MAX);
}

/* A client's words may be no text: then they are left out. */
static json_t *describe_tls(const struct sl_connection *c)
{
	json_t *name = c->tls_name[0] ? json_string(c->tls_name) : NULL;
	json_t *tls =
		json_pack("{s:s, s:s, s:s?, s:s, s:s?}", "version", c->tls, "cipher", c->tls_cipher,
			  "alpn", c->alpn, "records", c->records, "reason", c->why_userspace);

	if (name)
		json_object_set_new(tls, "name", name);
	return tls;
}

static json_t *describe(const struct sl_connection *c)
{
	char mem[64];
	struct sl_out o;
	json_t *item = json_object();

	sl_out_init(&o, mem, sizeof(mem));
	sl_ip_print(&o, &c->client);
	json_object_set_new(item, "client", json_stringn(mem, sl_out_len(&o)));
	json_object_set_new(item, "port", json_integer(c->port));
	json_object_set_new(item, "listener", json_string(c->listener));
	json_object_set_new(item, "worker", json_integer(c->worker));
	json_object_set_new(item, "state", json_string(c->busy_ns ? "serving" : "idle"));
	json_object_set_new(item, "requests", json_integer(c->requests));
	json_object_set_new(item, "age_ms", json_integer((json_int_t)(c->age_ns / SL_MS)));
	if (c->tls)
		json_object_set_new(item, "tls", describe_tls(c));
	if (c->busy_ns)
		json_object_set_new(item, "busy_ms",
				    json_integer((json_int_t)(c->busy_ns / SL_MS)));
	if (c->route)
		json_object_set_new(item, "route", json_string(c->route));
	if (c->upstream)
		json_object_set_new(item, "upstream", json_string(c->upstream));
	return item;
}

static json_t *describe_all(struct sl_daemon *d, const struct list *l)
{
	json_t *items = json_array();

	for (unsigned w = 0; w < d->workers_nr; w++)
		for (unsigned i = 0; i < l->nr[w]; i++)
			json_array_append_new(items,
					      describe(&l->items[(size_t)w * LISTED_MAX + i]));
	return json_pack("{s:i,s:o}", "open", (int)atomic_load(&d->shared.connections),
			 "connections", items);
}

json_t *sl_command_connections(struct sl_daemon *d, const struct sl_command_args *args)
{
	struct list l = {
		.items = calloc((size_t)d->workers_nr * LISTED_MAX, sizeof(*l.items)),
		.nr = calloc(d->workers_nr, sizeof(*l.nr)),
	};
	json_t *answer;

	if (!l.items || !l.nr || sl_daemon_ask(d, list, &l) < 0)
		answer = sl_command_error("out of memory");
	else
		answer = describe_all(d, &l);
	free(l.items);
	free(l.nr);
	return answer;
}
