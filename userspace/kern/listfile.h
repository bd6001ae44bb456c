/* SPDX-License-Identifier: Apache-2.0 */
/* Reads lists as people publish them: one prefix a line, and what other tools save. */
#ifndef SL_KERN_LISTFILE_H
#define SL_KERN_LISTFILE_H

#include <sys/types.h>

#include "kern/edit.h"

#define SL_LIST_BYTES_MAX (1ull << 30)
#define SL_LIST_ENTRIES_MAX (16u << 20)
#define SL_LIST_FAULTS_MAX 20
#define SL_LIST_REASONS_MAX 4096 /* different ones that comments may bring */

/*
 * Formats, told apart by the first line that says something:
 *	plain	PREFIX [KEY VALUE]..., where KEY is timeout, until, reason, action, port, dev, list;
 *		'#' and ';' begin a comment.  A range A-B of IPv4 is as many prefixes as it needs.
 *		"; SBL123" (Spamhaus) is a reason
 *	csv	one field is the prefix: the one that the first line calls ip, cidr, network,
 *		prefix, address, or range; else the first
 *	ipset	what "ipset save" prints: add NAME PREFIX [timeout N] [nomatch]
 *	nft	elements = { PREFIX [timeout SPAN] [expires SPAN], ... }, as "nft list" prints them
 *	json	strings in an array, and members "cidr", "prefix", "ip", "ip_prefix", ... of objects
 *		anywhere: one document, or one a line
 */
#define SL_LIST_FORMATS(X)                                                                         \
	X(AUTO, "auto")                                                                            \
	X(PLAIN, "plain") X(CSV, "csv") X(IPSET, "ipset") X(NFT, "nft") X(JSON, "json")
#define SL_LIST_FORMAT_ENUM(name, text) SL_LIST_##name,
enum sl_list_format { SL_LIST_FORMATS(SL_LIST_FORMAT_ENUM) SL_LIST_FORMATS_NR };

struct sl_list_fault {
	size_t line;
	char text[160]; /* without control characters */
};

struct sl_listfile {
	struct sl_entry_words defaults; /* what an entry is that says nothing of it */
	bool is_list_fixed;		/* an entry's own "list" does not count */
	enum sl_list_format format;	/* AUTO becomes what it is */
	/* Now and then, unless NULL. */
	void (*on_progress)(struct sl_listfile *f, size_t done, size_t total);

	struct sl_prefixes list; /* what was read, in the file's order: sl_prefixes_fini */
	struct sl_list_fault faults[SL_LIST_FAULTS_MAX]; /* the first of them */
	size_t faults_nr;				 /* all of them */
	size_t host_bits_nr;				 /* had bits set beyond their length */
	size_t over_nr;					 /* had ended already: they are not there */
};

/* 0, whatever faults there are; -ENOMEM; -E2BIG: beyond SL_LIST_ENTRIES_MAX or SL_RULES_MAX. */
int sl_listfile_read(struct sl_listfile *f, struct sl_str text);
/* Of entries of one place the one that holds longest stays; how many went.  Sorts the list;
 * negative: -ENOMEM. */
ssize_t sl_list_merge(struct sl_prefixes *list);

/* What sl_listfile_read() reads as that entry again, with its '\n'. */
void sl_list_write_entry(struct sl_out *o, const struct sl_prefixes *list, size_t i,
			 const struct sl_moment *now, bool with_list);
#define SL_LIST_LINE_MAX 256

#endif
