/* SPDX-License-Identifier: Apache-2.0 */
/* What the tables of keys are written with. */
#ifndef SL_CONFIG_TABLE_H
#define SL_CONFIG_TABLE_H

#include "config/check.h"
#include "config/key.h"

/* clang-format off */
/* NOLINTNEXTLINE(bugprone-macro-parentheses): an initialiser, not an expression */
#define LATER(key_name) { .name = key_name }
#define END { .name = NULL }
/* clang-format on */
#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define ITEMS(type, field, nr)                                                                     \
	SL_KEY_AT(type, field), .item_size = sizeof(*((struct type *)0)->field),                   \
				.nr_offset = offsetof(struct type, nr)

/* In the files of upstreams and routes. */
extern const struct sl_key sl_upstream_item, sl_route_item;
extern const struct sl_key sl_jwt_keys[], sl_oidc_keys[];
extern const struct sl_key sl_mtls_keys[], sl_certificate_item;
extern const struct sl_key sl_hmac_keys_table[], sl_hmac_key_item;
extern const struct sl_key sl_consumer_item, sl_policy_item, sl_policy_list_item;
extern const struct sl_key sl_ip_access_keys[], sl_cors_keys[], sl_body_limit_keys[],
	sl_redirect_https_keys[], sl_maintenance_keys[];
extern const struct sl_key sl_headers_keys[], sl_request_id_keys[];
extern const struct sl_object sl_request_edit_object, sl_response_edit_object;
extern const struct sl_object sl_kernel_object, sl_tls_object, sl_origin_tls_object;

#endif
