// SPDX-License-Identifier: Apache-2.0
// The fields X-Client-Cert-*: ours are written, those of clients go no further.
#include "gate/certificate.h"

#include "tls/conf.h"
#include "tls/records.h"

bool sl_certificate_is_field(struct sl_str name)
{
	static const char family[] = "x-client-cert-";

	if (name.len < sizeof(family) - 1)
		return false;
	for (size_t i = 0; i < sizeof(family) - 1; i++) {
		char c = name.ptr[i] == '_' ? '-' : sl_lower(name.ptr[i]);

		if (c != family[i])
			return false;
	}
	return true;
}

struct sl_str sl_certificate_fields(const struct sl_exchange *x)
{
	const struct sl_tls *tls = x->client->tls;
	const struct sl_tls_conf *conf = x->client->acceptor->conf->tls;

	if (!tls || !conf || !conf->client_headers)
		return (struct sl_str){ NULL, 0 };
	return tls->client ? tls->client->fields : SL_S("X-Client-Cert-Verified: NONE\r\n");
}
