// SPDX-License-Identifier: Apache-2.0
// Consumers, and the fields that tell of them.
#include "policy/consumer.h"

bool sl_consumer_is_in(const struct sl_consumer *c, struct sl_str group)
{
	for (unsigned i = 0; i < c->groups_nr; i++)
		if (sl_str_eq(c->groups[i], group))
			return true;
	return false;
}

/* As CGI and its heirs read names: '_' and '-' are one character (RFC 3875 4.1.18). */
static bool is_alike(struct sl_str name, struct sl_str lower)
{
	for (size_t i = 0; i < lower.len; i++) {
		char c = name.ptr[i] == '_' ? '-' : sl_lower(name.ptr[i]);

		if (c != lower.ptr[i])
			return false;
	}
	return true;
}

bool sl_consumer_is_field(struct sl_str name)
{
	static const struct sl_str family = SL_STR("x-consumer-"),
				   words[] = { SL_STR("x-credential-identifier"),
					       SL_STR("x-anonymous-consumer") };

	if (name.len >= family.len && is_alike(name, family))
		return true;
	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (name.len == words[i].len && is_alike(name, words[i]))
			return true;
	return false;
}
