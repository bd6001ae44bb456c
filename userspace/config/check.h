/* SPDX-License-Identifier: Apache-2.0 */
/* What a table cannot say of a value: checks of text, computed defaults, rules over keys. */
#ifndef SL_CONFIG_CHECK_H
#define SL_CONFIG_CHECK_H

#include "config/key.h"

/* About a member of the object that is being read. */
#define fault_member(r, name, ...)                                                                 \
	do {                                                                                       \
		sl_report_enter_member(&(r)->report, name);                                        \
		sl_report_fault(&(r)->report, __VA_ARGS__);                                        \
		sl_report_leave(&(r)->report);                                                     \
	} while (0)

/* NULL, or what is wrong with it. */
const char *sl_check_name(struct sl_str text);
/* Of RFC 6749 3.3. */
const char *sl_check_scope(struct sl_str text);
const char *sl_check_claim(struct sl_str text);
#define SL_NAME_PATTERN "^[-_.0-9A-Za-z]{1,64}$"
const char *sl_check_user(struct sl_str text);
#define SL_USER_PATTERN "^[_.0-9A-Za-z][-_.0-9A-Za-z]{0,31}$"
const char *sl_check_field_name(struct sl_str text);
const char *sl_check_path(struct sl_str text);
const char *sl_check_run_dir(struct sl_str text);
const char *sl_check_log_path(struct sl_str text);
const char *sl_check_rooted(struct sl_str text);
const char *sl_check_prefix(struct sl_str text);
const char *sl_check_rewrite_path(struct sl_str text);
const char *sl_check_location(struct sl_str text);
const char *sl_check_field_value(struct sl_str text);
const char *sl_check_redact(struct sl_str text);
const char *sl_check_host(struct sl_str text);
const char *sl_check_request_field(struct sl_str text);
const char *sl_check_response_field(struct sl_str text);
const char *sl_check_path_regex(struct sl_str text);
const char *sl_check_match_header(struct sl_str text);
const char *sl_check_match_parameter(struct sl_str text);
const char *sl_check_match_value(struct sl_str text);

const char *sl_check_hash_on(struct sl_str text);
const char *sl_check_cookie_name(struct sl_str text);
const char *sl_check_sentence(struct sl_str text);
const char *sl_check_origin(struct sl_str text);
const char *sl_check_username(struct sl_str text);
const char *sl_check_password_hash(struct sl_str text);
const char *sl_check_parameter(struct sl_str text);
const char *sl_check_secret(struct sl_str text);
const char *sl_check_health_path(struct sl_str text);
const char *sl_check_health_host(struct sl_str text);
const char *sl_check_server_name(struct sl_str text);
const char *sl_check_status_range(struct sl_str text);

const char *sl_check_interface(struct sl_str text);
const char *sl_check_pins(struct sl_str text);
const char *sl_check_reason(struct sl_str text);
const char *sl_check_ja4(struct sl_str text);
#define SL_REASON_PATTERN "^[-_.0-9A-Za-z]{1,15}$"

uint64_t sl_auto_workers(void);
uint64_t sl_auto_connections(void);

/* Names of targets become addresses, all asked for at once; call it when all upstreams are good. */
void sl_config_expand_names(struct sl_reader *r);
/* What is made of an upstream's targets; call it when these are addresses. */
void sl_config_finish_upstreams(struct sl_reader *r);

/* Which policies each route asks; call it when all is read. */
void sl_config_link_policies(struct sl_reader *r);
/* Changes of header fields that a policy makes become the route's; call it where the policy stands.
 * True: that is all that there is to it. */
bool sl_config_link_headers(struct sl_reader *r, struct sl_route *route,
			    const struct sl_policy *policy);
/* Whether templates name what the route has: it is well-formed, but for them. */
void sl_check_route_edit(struct sl_reader *r, const struct sl_route *route, const char *member,
			 const struct sl_header_edit *e);
void sl_config_free_jwks(struct sl_rules *rules);
/* Finds consumers by their keys. */
void sl_config_make_keys(struct sl_reader *r);

/* Finish hooks. */
void sl_check_gateway(struct sl_reader *r, json_t *value, void *to);
void sl_check_listener(struct sl_reader *r, json_t *value, void *to);
void sl_check_admin(struct sl_reader *r, json_t *value, void *to);
void sl_check_health(struct sl_reader *r, json_t *value, void *to);
void sl_check_outlier(struct sl_reader *r, json_t *value, void *to);
void sl_check_upstream(struct sl_reader *r, json_t *value, void *to);
void sl_check_target(struct sl_reader *r, json_t *value, void *to);
void sl_check_header_edit(struct sl_reader *r, json_t *value, void *to);
void sl_check_rewrite(struct sl_reader *r, json_t *value, void *to);
void sl_check_condition(struct sl_reader *r, json_t *value, void *to);
void sl_check_respond(struct sl_reader *r, json_t *value, void *to);
void sl_check_route(struct sl_reader *r, json_t *value, void *to);
void sl_check_consumer(struct sl_reader *r, json_t *value, void *to);
void sl_check_key_auth(struct sl_reader *r, json_t *value, void *to);
void sl_check_require(struct sl_reader *r, json_t *value, void *to);
void sl_check_rate_limit(struct sl_reader *r, json_t *value, void *to);
void sl_check_concurrency_limit(struct sl_reader *r, json_t *value, void *to);
struct sl_subject_conf;
void sl_check_subject(struct sl_reader *r, struct sl_subject_conf *self);
void sl_check_quota(struct sl_reader *r, json_t *value, void *to);
void sl_check_ip_access(struct sl_reader *r, json_t *value, void *to);
void sl_check_redirect_https(struct sl_reader *r, json_t *value, void *to);
void sl_check_maintenance(struct sl_reader *r, json_t *value, void *to);
void sl_check_cors(struct sl_reader *r, json_t *value, void *to);
/* Reads the key set that it names. */
void sl_check_jwt(struct sl_reader *r, json_t *value, void *to);
void sl_check_oidc(struct sl_reader *r, json_t *value, void *to);
void sl_check_headers(struct sl_reader *r, json_t *value, void *to);
void sl_check_policy(struct sl_reader *r, json_t *value, void *to);
void sl_check_access(struct sl_reader *r, json_t *value, void *to);
void sl_check_count_limit(struct sl_reader *r, json_t *value, void *to);
void sl_check_syn_flood(struct sl_reader *r, json_t *value, void *to);
void sl_check_byte_limit(struct sl_reader *r, json_t *value, void *to);
void sl_check_punish(struct sl_reader *r, json_t *value, void *to);
void sl_check_tls_clients(struct sl_reader *r, json_t *value, void *to);
void sl_check_origin_tls(struct sl_reader *r, json_t *value, void *to);
void sl_check_kernel(struct sl_reader *r, json_t *value, void *to);
/* When all is read: rules->kernel.proxies. */
void sl_config_allow_proxies(struct sl_reader *r);
/* Reads the certificates and keys that it names. */
void sl_check_tls(struct sl_reader *r, const struct sl_listener_conf *l);
void sl_config_free_tls(struct sl_rules *rules);
/* The same for an upstream, and the names of its targets. */
void sl_check_upstream_tls(struct sl_reader *r, struct sl_upstream_conf *u);
void sl_config_free_upstream_tls(struct sl_rules *rules);
/* Every two routes can be told apart; call it when all routes are good. */
void sl_check_table(struct sl_reader *r);

#endif
