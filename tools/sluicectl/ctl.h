/* SPDX-License-Identifier: Apache-2.0 */
/* What the objects of sluicectl share: its options, its errors, and the way to the daemon. */
#ifndef SL_SLUICECTL_CTL_H
#define SL_SLUICECTL_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/un.h>

/* Scripts rely on these: 64 and up are those of sysexits.h. */
enum ctl_exit {
	CTL_OK = 0,
	CTL_FAILED = 1,
	CTL_FAULTS = 2, /* the answer is "no": faults in a configuration, a difference, no route */
	CTL_USAGE = 64,
	CTL_UNREACHABLE = 69,
	CTL_DENIED = 77,
};

struct ctl {
	bool is_json, is_pretty, is_batch, is_once;
	bool is_quiet; /* errors are not printed: whoever asks goes on without an answer */
	char what[64]; /* "status", "config check": begins each error; empty before it is known */
	const char
		*file;	 /* a configuration instead of the daemon's: for routes; NULL: the daemon */
	json_t *outputs; /* of a batch: JSON is gathered in this array; NULL: it is printed */
	struct sockaddr_un daemon;
	const char *pins; /* where the kernel half's maps are */
};

/* Completion offers what the arguments of the grammar say: files for FILE, the words of a|b, and
 * names that the daemon tells for UPSTREAM and LISTENER. */
struct ctl_command {
	const char *object, *verb; /* verb NULL: the object stands alone */
	const char *arguments;	   /* as the grammar shows them: "FILE", "[error|warn]" */
	unsigned args_min, args_max;
	/* arguments ends with NULL. */
	enum ctl_exit (*run)(struct ctl *ctl, char **arguments);
	const char *doc;
};

/* In the order of the help; object NULL ends them. */
extern const struct ctl_command ctl_commands[];

enum { CTL_WORDS_MAX = 32 };

/* The command line without its options. */
struct ctl_words {
	char *word[CTL_WORDS_MAX + 1]; /* NULL ends it */
	unsigned nr;
	bool wants_help, wants_version;
};

/* Where the daemon is when no option says. */
void ctl_set_default_socket(struct ctl *ctl);
/* The same for the pinned maps. */
void ctl_set_default_pins(struct ctl *ctl);
enum ctl_exit ctl_read_words(struct ctl *ctl, char **argv, struct ctl_words *words);
/* The options, as text or as JSON objects with "letter", "name", "argument" (or null), "doc". */
void ctl_print_options(FILE *to);
json_t *ctl_options_json(void);

/* Runs the command that the words name: object, command and arguments. */
enum ctl_exit ctl_run(struct ctl *ctl, struct ctl_words *words);
/* Of an object, or of all. */
void ctl_print_help(FILE *to, const char *object);

enum ctl_exit ctl_status_show(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_config_check(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_config_show(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_config_diff(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_config_reload(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_upstream_show(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_upstream_drain(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_upstream_disable(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_upstream_enable(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_certificate_show(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_key_create(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_key_show(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_key_rotate(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_key_revoke(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_audit_show(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_connection_show(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_jwt_verify(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_top_show(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_metrics_show(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_metrics_watch(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_punish_show(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_punish_add(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_punish_del(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_log_level(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_log_reopen(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_attach_show(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_attach_dev(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_detach_dev(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_detach_all(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_limit_show(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_limit_set(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_limit_del(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_limit_client(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_switch_show(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_switch_enforce(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_switch_shadow(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_switch_malformed(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_switch_cookies(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_feature_probe(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_batch_file(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_version_show(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_help_show(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_route_show(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_route_match(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_deny_add(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_deny_del(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_deny_show(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_deny_lookup(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_allow_lookup(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_deny_confirm(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_deny_revert(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_deny_list(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_allow_list(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_explain(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_event_sample(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_event_watch(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_deny_flush(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_deny_load(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_deny_save(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_deny_diff(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_client_show(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_client_top(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_client_forget(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_deny_test(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_allow_add(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_allow_del(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_allow_show(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_allow_flush(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_allow_load(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_allow_save(struct ctl *ctl, char **arguments);
enum ctl_exit ctl_allow_diff(struct ctl *ctl, char **arguments);

/* Reads a file as the daemon would.  CTL_OK with *ret_rules, the caller's to sl_config_free(); else
 * the faults were printed. */
struct sl_rules;
enum ctl_exit ctl_load(const struct ctl *ctl, const char *file, struct sl_rules **ret_rules);

/* What of an answer's "needs_restart" a reload does not change: a line each. */
void ctl_print_restart_keys(const json_t *answer);

/* Asks the daemon one line.  CTL_OK with *ret_answer, the caller's to put; else the reason was
 * printed. */
enum ctl_exit ctl_ask(const struct ctl *ctl, const char *line, json_t **ret_answer);

/* Text of somebody else's for a terminal: control characters are written as '?'.  Cut to size. */
const char *ctl_printable(const json_t *value, char *mem, size_t size);

/* Prints an error, on stderr or as JSON on stdout, and returns code. */
enum ctl_exit ctl_fail(const struct ctl *ctl, enum ctl_exit code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Takes over json, and prints it or adds it to the outputs of a batch; NULL is "out of memory". */
enum ctl_exit ctl_print_json(const struct ctl *ctl, json_t *json);
/* The one word of the list (NULL ends it) that a word means: itself, or a beginning of it that no
 * other one has.  NULL when that is none or several: the reason was printed, and *ret_code set. */
const char *ctl_find_word(const struct ctl *ctl, const char *kind, const char *word,
			  const char *const *list, const char *help, enum ctl_exit *ret_code);
/* An unknown word of a kind: names the one of the list that comes nearest, else the help. */
enum ctl_exit ctl_fail_word(const struct ctl *ctl, const char *kind, const char *word,
			    const char *const *list, const char *help);

/* Keywords, each with a value behind it: values[i] becomes that of names[i], which NULL ends;
 * others stay as they are. */
enum ctl_exit ctl_read_keywords(struct ctl *ctl, char **words, const char *const *names,
				const char *help, const char **values);
/* "4000", "1M".  what begins the error. */
enum ctl_exit ctl_read_number(const struct ctl *ctl, const char *what, const char *word,
			      uint64_t min, uint64_t max, uint64_t *ret_nr);
/* "10s", "1h30m": 1 ms to a day. */
enum ctl_exit ctl_read_span(const struct ctl *ctl, const char *what, const char *word,
			    uint64_t *ret_ns);

#endif
