// SPDX-License-Identifier: Apache-2.0
// sluicectl: the table of objects and commands, and the one command that it is started for.
#include <stdio.h>

#include "ctl.h"

/* clang-format off */
const struct ctl_command ctl_commands[] = {
	{ "status",  "show",   "",     0, 0, ctl_status_show,
	  "what the daemon is and has counted" },
	{ "config",  "check",  "FILE", 1, 1, ctl_config_check,
	  "all that is wrong in a file" },
	{ "config",  "show",   "[FILE]", 0, 1, ctl_config_show,
	  "what runs, or a file, with all defaults" },
	{ "config",  "diff",   "[OLD NEW]", 0, 2, ctl_config_diff,
	  "what a reload would change, or what differs between two files" },
	{ "config",  "reload", "",     0, 0, ctl_config_reload,
	  "the daemon reads its file again" },
	{ "route",   "show",   "",     0, 0, ctl_route_show,
	  "every route, in their order" },
	{ "route",   "match",  "METHOD URL [HEADER:VALUE...]", 2, CTL_WORDS_MAX, ctl_route_match,
	  "which route takes a request, and why" },
	{ "upstream", "show",  "",     0, 0, ctl_upstream_show,
	  "every target, and how it fares" },
	{ "upstream", "drain", "TARGET", 1, 1, ctl_upstream_drain,
	  "no new requests but of sessions bound to it" },
	{ "upstream", "disable", "TARGET", 1, 1, ctl_upstream_disable,
	  "no requests and no health checks" },
	{ "upstream", "enable", "TARGET", 1, 1, ctl_upstream_enable,
	  "back in service, an ejection is over" },
	{ "deny",    "show",   "[PREFIX] [KEYWORD...]", 0, CTL_WORDS_MAX, ctl_deny_show,
	  "what is denied: entries, their hits, when they end" },
	{ "deny",    "add",    "PREFIX [KEYWORD...]", 1, CTL_WORDS_MAX, ctl_deny_add,
	  "denies a prefix, or changes its entry" },
	{ "deny",    "del",    "PREFIX [KEYWORD...]", 1, CTL_WORDS_MAX, ctl_deny_del,
	  "takes the entries of a prefix away" },
	{ "deny",    "flush",  "[KEYWORD...]", 0, CTL_WORDS_MAX, ctl_deny_flush,
	  "takes all entries away, or those of a list" },
	{ "deny",    "load",   "FILE [KEYWORD...]", 1, CTL_WORDS_MAX, ctl_deny_load,
	  "a list becomes what a file says; - is standard input" },
	{ "deny",    "save",   "FILE [list NAME]", 1, 3, ctl_deny_save,
	  "writes what load reads; - is standard output" },
	{ "deny",    "diff",   "FILE [KEYWORD...]", 1, CTL_WORDS_MAX, ctl_deny_diff,
	  "what loading a file would change" },
	{ "deny",    "test",   "FILE [KEYWORD...]", 1, CTL_WORDS_MAX, ctl_deny_test,
	  "who would be cut, by a capture or an access log" },
	{ "deny",    "lookup", "ADDRESS [KEYWORD...]", 1, CTL_WORDS_MAX, ctl_deny_lookup,
	  "the entries that cover an address" },
	{ "deny",    "list",   "[show|add|reload|del] [NAME] [FILE] [KEYWORD...]", 0, CTL_WORDS_MAX,
	  ctl_deny_list, "which lists there are; makes one of a file, or takes one away" },
	{ "deny",    "confirm", "", 0, 0, ctl_deny_confirm,
	  "what is on trial stays" },
	{ "deny",    "revert", "", 0, 0, ctl_deny_revert,
	  "what is on trial ends now" },
	{ "allow",   "show",   "[PREFIX] [KEYWORD...]", 0, CTL_WORDS_MAX, ctl_allow_show,
	  "what is allowed" },
	{ "allow",   "add",    "PREFIX [KEYWORD...]", 1, CTL_WORDS_MAX, ctl_allow_add,
	  "allows a prefix, or changes its entry" },
	{ "allow",   "del",    "PREFIX [KEYWORD...]", 1, CTL_WORDS_MAX, ctl_allow_del,
	  "takes the entries of a prefix away" },
	{ "allow",   "flush",  "[KEYWORD...]", 0, CTL_WORDS_MAX, ctl_allow_flush,
	  "takes all entries away, or those of a list" },
	{ "allow",   "load",   "FILE [KEYWORD...]", 1, CTL_WORDS_MAX, ctl_allow_load,
	  "a list becomes what a file says; - is standard input" },
	{ "allow",   "save",   "FILE [list NAME]", 1, 3, ctl_allow_save,
	  "writes what load reads; - is standard output" },
	{ "allow",   "diff",   "FILE [KEYWORD...]", 1, CTL_WORDS_MAX, ctl_allow_diff,
	  "what loading a file would change" },
	{ "allow",   "lookup", "ADDRESS [KEYWORD...]", 1, CTL_WORDS_MAX, ctl_allow_lookup,
	  "the entries that cover an address" },
	{ "allow",   "list",   "[show|add|reload|del] [NAME] [FILE] [KEYWORD...]", 0, CTL_WORDS_MAX,
	  ctl_allow_list, "which lists there are; makes one of a file, or takes one away" },
	{ "explain", NULL,     "ADDRESS [port N] [dev IFACE]", 1, 5, ctl_explain,
	  "what becomes of a packet of it, and why" },
	{ "client",  "show",   "ADDRESS", 1, 1, ctl_client_show,
	  "what a client has used up, and what is said of it" },
	{ "client",  "top",    "[N] [for SPAN]", 0, 3, ctl_client_top,
	  "the clients that press hardest" },
	{ "client",  "forget", "ADDRESS [punishment]", 1, 2, ctl_client_forget,
	  "gives it all its credit again" },
	{ "event",   "sample", "[N]",  0, 1, ctl_event_sample,
	  "1 of so many drops is told: shows or sets N; 0: none" },
	{ "event",   "watch",  "[KEYWORD...]", 0, CTL_WORDS_MAX, ctl_event_watch,
	  "single packets that were dropped, as they come" },
	{ "connection", "show", "",    0, 0, ctl_connection_show,
	  "who is connected, and what for" },
	{ "key",     "create", "CONSUMER [id ID] [expires TIME]", 1, 5, ctl_key_create,
	  "gives a consumer a key, which is shown once" },
	{ "key",     "show",   "[CONSUMER]", 0, 1, ctl_key_show,
	  "which keys there are, and until when they are good" },
	{ "key",     "rotate", "ID [overlap SPAN] [id ID] [expires TIME]", 1, 7, ctl_key_rotate,
	  "a new key in place of one, which is good for a while yet" },
	{ "key",     "revoke", "ID", 1, 1, ctl_key_revoke,
	  "a key is good no more, and what it has open is cut off" },
	{ "audit",   "show",   "[N]", 0, 1, ctl_audit_show,
	  "who created, rotated and revoked what, the newest first" },
	{ "certificate", "show", "",   0, 0, ctl_certificate_show,
	  "what listeners prove who they are with, and until when" },
	{ "jwt",     "verify", "TOKEN jwks FILE [KEYWORD...]", 1, 15, ctl_jwt_verify,
	  "whether a token is good, and why not; - is standard input" },
	{ "metrics", "show",   "[PREFIX]", 0, 1, ctl_metrics_show,
	  "what was counted; no daemon is asked" },
	{ "metrics", "watch",  "[SECONDS]", 0, 1, ctl_metrics_watch,
	  "what is being counted, each second" },
	{ "top",     NULL,     "[SECONDS]", 0, 1, ctl_top_show,
	  "what is going on, live" },
	{ "punish",  "show",   "",     0, 0, ctl_punish_show,
	  "who is denied for a while, and for which request" },
	{ "punish",  "add",    "ADDRESS [KEYWORD...]", 1, 6, ctl_punish_add,
	  "denies a client for a while" },
	{ "punish",  "del",    "ADDRESS", 1, 1, ctl_punish_del,
	  "lets it in again" },
	{ "log",     "level",  "[error|warn|info|debug]", 0, 1, ctl_log_level,
	  "what the error log tells: shows it, or sets it" },
	{ "log",     "reopen", "",     0, 0, ctl_log_reopen,
	  "opens the logs anew, once they were moved" },
	{ "attach",  "show",   "",     0, 0, ctl_attach_show,
	  "interfaces that the kernel half is on" },
	{ "attach",  "dev",    "IFACE [KEYWORD...]", 1, CTL_WORDS_MAX, ctl_attach_dev,
	  "puts it on an interface, or a newer one in its place" },
	{ "detach",  "dev",    "IFACE", 1, 1, ctl_detach_dev,
	  "takes it off; lists and counters stay" },
	{ "detach",  "all",    "",     0, 0, ctl_detach_all,
	  "takes it off everywhere; nothing stays" },
	{ "limit",   "show",   "",     0, 0, ctl_limit_show,
	  "what each client may send" },
	{ "limit",   "set",    "KIND RATE [burst N]", 2, 4, ctl_limit_set,
	  "limits each client" },
	{ "limit",   "del",    "KIND|all", 1, 1, ctl_limit_del,
	  "lifts a limit" },
	{ "limit",   "client", "[v4 LENGTH] [v6 LENGTH]", 2, 4, ctl_limit_client,
	  "how long a prefix one client is" },
	{ "switch",  "show",   "",     0, 0, ctl_switch_show,
	  "whether the kernel half enforces" },
	{ "switch",  "enforce", "on|off", 1, 1, ctl_switch_enforce,
	  "off: everything passes" },
	{ "switch",  "shadow", "on|off", 1, 1, ctl_switch_shadow,
	  "on: limits and punishments only count" },
	{ "switch",  "malformed", "on|off", 1, 1, ctl_switch_malformed,
	  "off: what cannot be parsed passes" },
	{ "switch",  "cookies", "on|off", 1, 1, ctl_switch_cookies,
	  "on: SYNs beyond their limit get a cookie" },
	{ "feature", "probe",  "[dev IFACE]", 0, 2, ctl_feature_probe,
	  "what this kernel can do, and what that costs" },
	{ "batch",   "file",   "FILE", 1, 1, ctl_batch_file,
	  "commands of a file, a line each; - is standard input" },
	{ "version", "show",   "",     0, 0, ctl_version_show,
	  "the version of sluicectl" },
	{ "help",    NULL,     "",     0, 0, ctl_help_show,
	  "this" },
	{ NULL,      NULL,     NULL,   0, 0, NULL, NULL },
};
/* clang-format on */

enum ctl_exit ctl_version_show(struct ctl *ctl, char **arguments)
{
	if (ctl->is_json)
		return ctl_print_json(ctl, json_pack("{s:s}", "version", SL_VERSION));
	puts("sluicectl " SL_VERSION);
	return CTL_OK;
}

static enum ctl_exit run(struct ctl *ctl, struct ctl_words *words)
{
	if (words->wants_version)
		return ctl_version_show(ctl, NULL);
	if (words->nr || words->wants_help)
		return ctl_run(ctl, words);
	ctl_print_help(stderr, NULL);
	return CTL_USAGE;
}

int main(int argc, char **argv)
{
	struct ctl ctl = { 0 };
	struct ctl_words words = { .nr = 0 };
	enum ctl_exit code;

	ctl_set_default_socket(&ctl);
	ctl_set_default_pins(&ctl);
	code = ctl_read_words(&ctl, argv, &words);
	if (code == CTL_OK)
		code = run(&ctl, &words);
	/* A full disk or a closed pipe behind us: what was asked for did not get there. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("sluicectl: standard output");
		return code == CTL_OK ? CTL_FAILED : code;
	}
	return code;
}
