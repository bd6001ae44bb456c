// SPDX-License-Identifier: Apache-2.0
// sluicectl certificate: what listeners prove who they are with, and until when.
#include <inttypes.h>
#include <stdio.h>

#include "ctl.h"

enum { DAY_S = 86400 };

static void print_text(const json_t *c, const char *key, const char *label)
{
	const json_t *value = json_object_get(c, key);
	char mem[2048];

	if (json_string_length(value))
		printf("  %-12s%s\n", label, ctl_printable(value, mem, sizeof(mem)));
}

static void print_names(const json_t *c)
{
	const json_t *names = json_object_get(c, "names"), *name;
	char mem[300];
	size_t i;

	json_array_foreach(names, i, name)
		printf("%s%s", i ? " " : "", ctl_printable(name, mem, sizeof(mem)));
	if (json_array_size(names) == 0)
		fputs("no name", stdout);
}

static void print_end(const json_t *c)
{
	json_int_t left_s = json_integer_value(json_object_get(c, "left_s"));
	char until[64];

	printf("  %-12s%s, ", "not after",
	       ctl_printable(json_object_get(c, "not_after"), until, sizeof(until)));
	if (left_s > 0)
		printf("in %" JSON_INTEGER_FORMAT " days\n", left_s / DAY_S);
	else
		puts("expired");
}

static void print_certificate(const json_t *c)
{
	const json_t *ocsp = json_object_get(c, "ocsp");
	char listener[128], key[32];

	print_names(c);
	printf(" at %s\n",
	       ctl_printable(json_object_get(c, "listener"), listener, sizeof(listener)));
	print_text(c, "subject", "subject");
	print_text(c, "issuer", "issuer");
	print_text(c, "serial", "serial");
	print_text(c, "sha256", "sha256");
	print_text(c, "not_before", "not before");
	print_end(c);
	printf("  %-12s%s, %" JSON_INTEGER_FORMAT " bits\n", "key",
	       ctl_printable(json_object_get(c, "key"), key, sizeof(key)),
	       json_integer_value(json_object_get(c, "key_bits")));
	print_text(c, "certificate_file", "file");
	print_text(c, "key_file", "key file");
	if (!ocsp)
		return;
	print_text(ocsp, "file", "ocsp file");
	print_text(ocsp, "state", "ocsp");
	print_text(ocsp, "until", "ocsp until");
}

enum ctl_exit ctl_certificate_show(struct ctl *ctl, char **arguments)
{
	json_t *answer = NULL;
	const json_t *c;
	enum ctl_exit code = ctl_ask(ctl, "certificate show", &answer);
	size_t i;

	if (code != CTL_OK)
		return code;
	if (ctl->is_json)
		return ctl_print_json(ctl, answer);
	json_array_foreach(json_object_get(answer, "certificates"), i, c) print_certificate(c);
	json_decref(answer);
	return CTL_OK;
}
