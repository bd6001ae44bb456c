// SPDX-License-Identifier: Apache-2.0
// The fields X-Client-Cert-*: ours are written, those of clients go no further.
#include "gate/certificate.h"

#include "tls/conf.h"
#include "tls/records.h"

struct sl_str sl_certificate_fields(const struct sl_exchange *x)
{
	const struct sl_tls *tls = x->client->tls;
	const struct sl_tls_conf *conf = x->client->acceptor->conf->tls;

	if (!tls || !conf || !conf->client_headers)
		return (struct sl_str){ NULL, 0 };
	return tls->client ? tls->client->fields : SL_S("X-Client-Cert-Verified: NONE\r\n");
}
