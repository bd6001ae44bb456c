// SPDX-License-Identifier: Apache-2.0
// Any text at all is read as a configuration or refused: no crash, no leak, no question to DNS.
#include <netdb.h>
#include <stdint.h>
#include <stdlib.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stands in front of the C library's: no name exists, and no name server is asked. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **ret)
{
	return EAI_NONAME;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_str text = { (const char *)data, size };
	struct sl_rules *rules = NULL;
	char *said = NULL;
	size_t said_len;
	FILE *errors = open_memstream(&said, &said_len);
	int ret = sl_config_parse(text, "fuzz.json", errors, &rules);

	fclose(errors);
	/* Whoever is refused is told why; whoever is not has rules to work by. */
	if (ret == 0 ? said_len != 0 || rules->listeners_nr == 0 || !rules->table : said_len == 0)
		abort();
	if (ret == 0)
		sl_config_free(rules);
	free(said);
	return 0;
}
