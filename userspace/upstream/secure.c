// SPDX-License-Identifier: Apache-2.0
// TLS of new connections, and the sessions that they go on with.
#include "upstream/secure.h"

#include <errno.h>
#include <stdlib.h>

#include "tls/handshake.h"
#include "tls/sessions.h"

int sl_target_secure(struct sl_conn *c, const struct sl_target *t, uint64_t deadline_ns,
		     struct sl_tls **ret_tls)
{
	const struct sl_tls_origin_conf *conf = t->upstream->conf->tls;
	const struct sl_tls_opening how = {
		.origin = conf ? conf->origin : NULL,
		.name = &t->conf->tls_name,
		.sessions = t->sessions,
		.blocks = t->upstream->pool->blocks,
		.deadline_ns = deadline_ns,
	};

	return conf ? sl_tls_connect(c, &how, ret_tls) : 0;
}

int sl_upstream_keep_sessions(struct sl_upstream *u)
{
	struct sl_tls_sessions *sessions;

	if (!u->conf->tls)
		return 0;
	sessions = calloc(u->conf->targets_nr, sizeof(*sessions));
	if (!sessions)
		return -ENOMEM;
	for (uint32_t k = 0; k < u->conf->targets_nr; k++)
		u->targets[k].sessions = &sessions[k];
	return 0;
}

void sl_upstream_drop_sessions(struct sl_upstream *u)
{
	struct sl_tls_sessions *sessions = u->targets ? u->targets[0].sessions : NULL;

	for (uint32_t k = 0; sessions && k < u->conf->targets_nr; k++)
		sl_tls_sessions_clear(&sessions[k]);
	free(sessions);
}
