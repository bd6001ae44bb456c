/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of the formats share. */
#ifndef SL_KERN_LISTREAD_H
#define SL_KERN_LISTREAD_H

#include "kern/listfile.h"
#include "kern/why.h"

struct sl_list_reader {
	struct sl_listfile *f;
	struct sl_str text;
	size_t at, line; /* of text; of the file, from 1 */
	int rule;	 /* of the defaults, once one is used; -1 */
	int error;	 /* negative: give up */
};

/* Notes a fault of the present line. */
__attribute__((format(printf, 2, 3))) void sl_list_fault(struct sl_list_reader *r,
							 const char *format, ...);
/* Adds "PREFIX" or "A-B" with these words, or notes a fault. */
void sl_list_emit(struct sl_list_reader *r, struct sl_str text, const struct sl_entry_words *words);
/* Sets a word, or notes a fault: false. */
bool sl_list_word(struct sl_list_reader *r, struct sl_entry_words *words, struct sl_str key,
		  struct sl_str value);
/* Cuts the next word off; "..." is one word without its quotes.  Empty at the end. */
struct sl_str sl_list_cut_word(struct sl_str *rest);

void sl_list_read_nft(struct sl_list_reader *r);
void sl_list_read_json(struct sl_list_reader *r);

#endif
