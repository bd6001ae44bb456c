// SPDX-License-Identifier: Apache-2.0
// sluicectl key: keys of consumers are given out, changed and revoked; sluicectl audit: who did it.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/out.h"
#include "ctl.h"
#include "sluice/admin.h"

/* The words of a command in a line; a word with a space would be two. */
static enum ctl_exit ask(struct ctl *ctl, const char *command, char **arguments,
			 json_t **ret_answer)
{
	char line[SL_ADMIN_LINE_MAX];
	struct sl_out o;

	sl_out_init(&o, line, sizeof(line) - 1);
	sl_out_str(&o, sl_str_of(command));
	for (; *arguments; arguments++) {
		if (!**arguments || strpbrk(*arguments, " \n"))
			return ctl_fail(ctl, CTL_USAGE, "a word is empty, or has a space in it");
		sl_out_char(&o, ' ');
		sl_out_str(&o, sl_str_of(*arguments));
	}
	if (o.overflow)
		return ctl_fail(ctl, CTL_USAGE, "the words are too long together");
	*o.pos = '\0';
	return ctl_ask(ctl, line, ret_answer);
}

static const char *text(const json_t *object, const char *key, const char *none, char *mem,
			size_t size)
{
	const json_t *value = json_object_get(object, key);

	return json_is_string(value) ? ctl_printable(value, mem, size) : none;
}

/* The key alone goes to standard output, so that a script gets it and nothing else; what it is, and
 * that it is told once, is for people. */
static enum ctl_exit print_new(struct ctl *ctl, json_t *answer)
{
	char key[160], id[80], consumer[80], expires[40];

	if (ctl->is_json)
		return ctl_print_json(ctl, answer);
	puts(text(answer, "key", "", key, sizeof(key)));
	fflush(stdout);
	fprintf(stderr, "key %s of consumer %s, expires %s; it is not shown again\n",
		text(answer, "id", "", id, sizeof(id)),
		text(answer, "consumer", "", consumer, sizeof(consumer)),
		text(answer, "expires", "never", expires, sizeof(expires)));
	json_decref(answer);
	return CTL_OK;
}

enum ctl_exit ctl_key_create(struct ctl *ctl, char **arguments)
{
	json_t *answer = NULL;
	enum ctl_exit code = ask(ctl, "key create", arguments, &answer);

	return code == CTL_OK ? print_new(ctl, answer) : code;
}

enum ctl_exit ctl_key_rotate(struct ctl *ctl, char **arguments)
{
	json_t *answer = NULL;
	enum ctl_exit code = ask(ctl, "key rotate", arguments, &answer);

	return code == CTL_OK ? print_new(ctl, answer) : code;
}

enum ctl_exit ctl_key_revoke(struct ctl *ctl, char **arguments)
{
	json_t *answer = NULL;
	enum ctl_exit code = ask(ctl, "key revoke", arguments, &answer);
	char id[80], consumer[80];

	if (code != CTL_OK)
		return code;
	if (ctl->is_json)
		return ctl_print_json(ctl, answer);
	printf("key %s of consumer %s is good no more\n",
	       text(answer, "revoked", "", id, sizeof(id)),
	       text(answer, "consumer", "", consumer, sizeof(consumer)));
	json_decref(answer);
	return CTL_OK;
}

static void print_key(const json_t *k)
{
	char id[80], consumer[80], created[40], expires[40], source[16];

	printf("%-16s %-24s %-7s %-20s %-20s %s\n", text(k, "id", "-", id, sizeof(id)),
	       text(k, "consumer", "-", consumer, sizeof(consumer)),
	       text(k, "source", "-", source, sizeof(source)),
	       text(k, "created", "-", created, sizeof(created)),
	       text(k, "expires", "never", expires, sizeof(expires)),
	       json_is_true(json_object_get(k, "enabled")) ? "yes" : "no");
}

enum ctl_exit ctl_key_show(struct ctl *ctl, char **arguments)
{
	json_t *answer = NULL, *list;
	enum ctl_exit code = ask(ctl, "key show", arguments, &answer);
	json_int_t more;
	const json_t *k;
	size_t i;

	if (code != CTL_OK)
		return code;
	if (ctl->is_json)
		return ctl_print_json(ctl, answer);
	list = json_object_get(answer, "keys");
	printf("%-16s %-24s %-7s %-20s %-20s %s\n", "ID", "CONSUMER", "SOURCE", "CREATED",
	       "EXPIRES", "ENABLED");
	json_array_foreach(list, i, k) print_key(k);
	more = json_integer_value(json_object_get(answer, "count")) -
	       (json_int_t)json_array_size(list);
	if (more > 0)
		printf("and %" JSON_INTEGER_FORMAT " more\n", more);
	json_decref(answer);
	return CTL_OK;
}

enum ctl_exit ctl_audit_show(struct ctl *ctl, char **arguments)
{
	char at[40], who[64], what[32], object[80], detail[200];
	json_t *answer = NULL;
	enum ctl_exit code = ask(ctl, "audit show", arguments, &answer);
	const json_t *deed;
	size_t i;

	if (code != CTL_OK)
		return code;
	if (ctl->is_json)
		return ctl_print_json(ctl, answer);
	json_array_foreach(json_object_get(answer, "audit"), i, deed)
		printf("%s %s %s %s %s\n", text(deed, "at", "-", at, sizeof(at)),
		       text(deed, "who", "-", who, sizeof(who)),
		       text(deed, "what", "-", what, sizeof(what)),
		       text(deed, "object", "-", object, sizeof(object)),
		       text(deed, "detail", "", detail, sizeof(detail)));
	json_decref(answer);
	return CTL_OK;
}
