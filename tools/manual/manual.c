// SPDX-License-Identifier: Apache-2.0
// Makes sluice.json(5): copies its text from standard input, and puts the tables of all keys in
// place of the line KEYS.
#include <stdio.h>
#include <string.h>

#include "config/config.h"

int main(void)
{
	char line[512];

	while (fgets(line, sizeof(line), stdin)) {
		if (strcmp(line, ".\\\" KEYS\n") == 0)
			sl_config_print_manual(stdout);
		else
			fputs(line, stdout);
	}
	return fflush(stdout) != 0 || ferror(stdout) || ferror(stdin);
}
