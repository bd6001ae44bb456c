/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands on the kernel's lists share: their keywords, the list, and changing it. */
#ifndef SL_SLUICECTL_LISTS_H
#define SL_SLUICECTL_LISTS_H

#include "ctl.h"
#include "kern/edit.h"
#include "kern/gate.h"
#include "kern/listfile.h"

#define LISTS_DEFAULT "default" /* the list that is meant when none is named */

#define LISTS_TOP_MAX 1000

/* Which keywords a command takes. */
enum lists_keyword {
	LISTS_TIMEOUT = 1 << 0, /* and "until" */
	LISTS_REASON = 1 << 1,
	LISTS_ACTION = 1 << 2,
	LISTS_PORT = 1 << 3,
	LISTS_DEV = 1 << 4,
	LISTS_LIST = 1 << 5,
	LISTS_EXIST = 1 << 6,
	LISTS_FORCE = 1 << 7,
	LISTS_TRIAL = 1 << 8,
	LISTS_FORMAT = 1 << 9,
	LISTS_SKIP = 1 << 10,
	LISTS_CAPTURE = 1 << 11,
	LISTS_LOG = 1 << 12,
	LISTS_TOP = 1 << 13,
	LISTS_CHOICE = LISTS_LIST | LISTS_PORT | LISTS_DEV | LISTS_ACTION,
	LISTS_ENTRY =
		LISTS_TIMEOUT | LISTS_REASON | LISTS_ACTION | LISTS_PORT | LISTS_DEV | LISTS_LIST,
};

/* What the words of a command say. */
struct lists_words {
	unsigned given; /* enum lists_keyword */
	struct sl_entry_words entry;
	uint64_t trial_ns;
	const char *format;	   /* NULL: by the content */
	const char *capture, *log; /* files to try a list on; NULL: none */
	uint64_t top;
};

/* Reads the keywords of a command on a deny or an allow list. */
enum ctl_exit lists_read_words(struct ctl *ctl, bool denies, char **words, unsigned allowed,
			       struct lists_words *ret_words);
/* A prefix, strictly: with a note on standard error if bits beyond its length were set. */
enum ctl_exit lists_read_prefix(struct ctl *ctl, const char *word, struct sl_prefix *ret_prefix);
/* An address, as much of it as is one client to the gate; a prefix that is more than one is
 * refused.  And that as a prefix, in mem of at least 64 bytes. */
enum ctl_exit lists_read_client(struct ctl *ctl, const struct sl_gate *gate, const char *word,
				struct sl_address *ret_client);
const char *lists_client_text(const struct sl_gate *gate, const struct sl_address *client,
			      char *mem);
/* Whether an entry is one that the words ask for: deny or allow, and what list, port, interface
 * and action they name. */
bool lists_is_meant(const struct lists_words *words, const struct sl_rule *rule);

/* By enum sl_list_format, NULL ends them. */
extern const char *const lists_format_names[];
/* Reads a file, or "-", into *f, whose list is the caller's to free whatever comes of it. */
enum ctl_exit lists_read_file(struct ctl *ctl, const char *file, const struct lists_words *words,
			      struct sl_listfile *f);

/* The gate of --pins, open.  Close it with sl_gate_close. */
enum ctl_exit lists_open_gate(struct ctl *ctl, struct sl_gate *ret_gate);

/* A list that is being looked at or changed. */
struct lists {
	struct sl_gate gate;
	struct sl_prefixes all;	   /* what holds now, without what has ended; sorted */
	struct sl_prefixes before; /* the same, when it is to be changed: what it was */
	struct sl_moment now;
	int lock;
};

enum ctl_exit lists_open(struct ctl *ctl, bool to_change, struct lists *ret_lists);
void lists_close(struct lists *lists);

/* What a command asks for: [PREFIX] [KEYWORD...]. */
struct lists_ask {
	bool denies, is_change;
	const char *prefix; /* the word; NULL: none */
	char **words;
	unsigned allowed; /* enum lists_keyword */
	struct lists_words w;
	struct sl_prefix p;
	struct lists l;
};
/* Reads the words into w and p, and opens l: the caller's to close, if it is CTL_OK. */
enum ctl_exit lists_begin(struct ctl *ctl, struct lists_ask *ask);
/* Makes next, which is sorted by this, the list that holds; on trial, if the words say so. */
enum ctl_exit lists_publish(struct ctl *ctl, struct lists *lists, struct sl_prefixes *next,
			    const struct lists_words *words);

/* What all lists would be if the file, which it sorts, took the place of its lists: the caller's to
 * free whatever comes of it. */
enum ctl_exit lists_replace(struct ctl *ctl, const struct lists *lists, struct sl_listfile *f,
			    struct sl_prefixes *ret_next);

/* Refuses a list, which is sorted by this, that cuts off who is not cut off now: the operator's own
 * SSH connection, the default gateway. */
enum ctl_exit lists_check_safety(struct ctl *ctl, const struct lists *lists,
				 struct sl_prefixes *next);

/* Refuses to punish a client that is one of them. */
enum ctl_exit lists_check_punished(struct ctl *ctl, const struct sl_address *client);

/* An entry as JSON: all that there is to say. */
json_t *lists_entry_json(const struct lists *lists, const struct sl_prefixes *list, size_t i);
/* "192.0.2.0/24"; mem has at least 64 bytes.  Returns mem. */
const char *lists_prefix_text(const struct sl_prefix *p, char *mem);
/* "1d4h", "12m30s", "5s": the two largest units.  Returns mem, of at least 32 bytes. */
const char *lists_span_text(uint64_t ns, char *mem);
/* "drop, list spamhaus, port 80". */
void lists_rule_text(const struct sl_rule *rule, char *mem, size_t size);
/* " for malformed, request 7f3a...", whatever bytes they are, to standard output. */
void lists_print_cause(const struct sl_punishment *p);

/* The commands of that name on deny and on allow lists, made of verb(ctl, denies, arguments). */
#define LISTS_BOTH(verb)                                                                           \
	enum ctl_exit ctl_deny_##verb(struct ctl *ctl, char **arguments)                           \
	{                                                                                          \
		return verb(ctl, true, arguments);                                                 \
	}                                                                                          \
	enum ctl_exit ctl_allow_##verb(struct ctl *ctl, char **arguments)                          \
	{                                                                                          \
		return verb(ctl, false, arguments);                                                \
	}

#endif
