// SPDX-License-Identifier: Apache-2.0
// The table of commands, and how a line finds its own.
#include "control/command.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/out.h"
#include "control/reload.h"

struct command {
	const char *words; /* one or two, as in the line */
	unsigned args_min, args_max;
	bool is_change; /* whoever gives it is in the log */
	json_t *(*run)(struct sl_daemon *d, const struct sl_command_args *args);
};

static const struct command commands[] = {
	{ "status", 0, 0, false, sl_command_status },
	{ "upstream show", 0, 0, false, sl_command_upstreams },
	{ "upstream drain", 1, 1, true, sl_command_drain },
	{ "upstream disable", 1, 1, true, sl_command_disable },
	{ "upstream enable", 1, 1, true, sl_command_enable },
	{ "connection show", 0, 0, false, sl_command_connections },
	{ "certificate show", 0, 0, false, sl_command_certificates },
	{ "config show", 0, 0, false, sl_command_config_show },
	{ "config diff", 0, 0, false, sl_command_config_diff },
	{ "config reload", 0, 0, true, sl_command_reload },
	{ "log level", 0, 1, true, sl_command_log_level },
	{ "log reopen", 0, 0, true, sl_command_log_reopen },
	{ "key create", 1, 5, true, sl_command_key_create },
	{ "key show", 0, 1, false, sl_command_key_show },
	{ "key rotate", 1, 7, true, sl_command_key_rotate },
	{ "key revoke", 1, 1, true, sl_command_key_revoke },
	{ "audit show", 0, 1, false, sl_command_audit_show },
	{ "route show", 0, 0, false, sl_command_route_show },
	{ "route match", 2, SL_COMMAND_ARGS_MAX, false, sl_command_route_match },
};

json_t *sl_command_addr(const struct sl_addr *addr)
{
	char mem[160];
	struct sl_out o;

	sl_out_init(&o, mem, sizeof(mem));
	sl_addr_print(&o, addr);
	return json_stringn(mem, sl_out_len(&o));
}

json_t *sl_command_restart_keys(unsigned mask)
{
	json_t *keys = json_array();
	const char *key;

	for (unsigned i = 0; (key = sl_restart_key(mask, i)); i++)
		json_array_append_new(keys, json_string(key));
	return keys;
}

json_t *sl_command_error(const char *text)
{
	return json_pack("{s:s}", "error", text);
}

static bool is_called(const char *line, const char *words)
{
	size_t n = strlen(words);

	return strncmp(line, words, n) == 0 && (line[n] == ' ' || line[n] == '\0');
}

/* Single spaces only: a word is never empty. */
static bool cut(char *rest, struct sl_command_args *args)
{
	char *word;

	*args = (struct sl_command_args){ .nr = 0 };
	if (*rest == '\0')
		return true;
	rest++;
	while ((word = strsep(&rest, " "))) {
		if (*word == '\0' || args->nr == SL_COMMAND_ARGS_MAX)
			return false;
		args->word[args->nr++] = word;
	}
	return true;
}

/* The arguments are not in it: they may be any bytes, and who uses them tells them. */
static void note(const struct command *c, const struct sl_command_args *args,
		 const struct ucred *caller)
{
	bool is_question = c->args_min == 0 && c->args_max > 0 && args->nr == 0;

	if (c->is_change && !is_question)
		sl_log_info("control", "command=\"%s\" uid=%d pid=%d", c->words, (int)caller->uid,
			    (int)caller->pid);
}

json_t *sl_command_run(struct sl_daemon *d, const struct ucred *caller, char *line)
{
	for (unsigned i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		const struct command *c = &commands[i];
		struct sl_command_args args;
		char who[48];

		if (!is_called(line, c->words))
			continue;
		if (!cut(line + strlen(c->words), &args) || args.nr < c->args_min ||
		    args.nr > c->args_max)
			return sl_command_error("wrong number of words for this command");
		note(c, &args, caller);
		snprintf(who, sizeof(who), "uid=%d pid=%d", (int)caller->uid, (int)caller->pid);
		args.who = who;
		return c->run(d, &args);
	}
	return sl_command_error("unknown command");
}
