/* SPDX-License-Identifier: Apache-2.0 */
/* One key of the configuration: its name, what may stand there, where it goes, what it is for.
 * Tables of these are all there is: the reader works by them, the schema is printed from them. */
#ifndef SL_CONFIG_KEY_H
#define SL_CONFIG_KEY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/report.h"
#include "gate/rules.h"
#include "net/ktls.h"

struct sl_reader {
	struct sl_report report;
	struct sl_rules *rules;
	const struct sl_rules *running; /* what these are to replace; NULL: nothing */
	struct sl_ktls ktls;		/* what the kernel does, once has_tried_ktls */
	int changed_fd;			/* for sl_names_new() */
	json_t *upstreams;		/* name: index, of those read so far */
	json_t *routes;			/* likewise, of those that have a name */
	bool is_trial;
	bool has_tried_ktls;
	bool out_of_memory;
	bool is_incomplete; /* a file could not be read or included */
};

struct sl_key;

/* A kind of value: how it is read, and how the schema says what is read. */
struct sl_kind {
	/* Stores at `to`, or reports why not. */
	void (*read)(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to);
	json_t *(*describe)(const struct sl_key *key); /* a new reference, NULL without memory */
	const char *label;			       /* what the manual calls it */
};

struct sl_object {
	const struct sl_key *keys; /* the last one has no name */
	const char *shorthand;	   /* a string instead of the object is this key's value */
	bool may_be_false;	   /* false instead of the object: `to` is left as it is */
	const char *const *one_of; /* exactly one of these must be there; NULL: no such rule */
	/* Checks that concern several keys; runs whether or not they could be read. */
	void (*finish)(struct sl_reader *r, json_t *value, void *to);
};

struct sl_key {
	const char *name;
	const struct sl_kind *kind; /* NULL: known by name, not in this version */
	size_t offset, size; /* in the struct of the object that it stands in; size 0: not kept */
	bool required;
	bool is_secret;		  /* strings: faults do not quote it */
	bool may_resolve;	  /* addresses: host names are looked up */
	const char *def;	  /* the default, as JSON; read as if it stood in the file */
	uint64_t min, max;	  /* of a number, or how many elements; max 0: what fits */
	const char *const *words; /* enumerations: a word's index is its value, or its bit */
	const char *const *later; /* words that are known, not in this version */
	const unsigned *numbers;  /* the only numbers allowed; ends with 0 */
	/* Strings: NULL, or what is wrong, to be read behind "'VALUE' ". */
	const char *(*check)(struct sl_str text);
	const char *(*check_name)(struct sl_str name); /* maps: the same for names */
	uint64_t (*automatic)(void);		       /* numbers: what "auto" stands for */
	const struct sl_object *object;
	const struct sl_key *item; /* arrays and maps: what each element is */
	size_t item_size;	   /* objects: of what a pointer is kept to; 0: they are in place */
	size_t nr_offset;	   /* of the unsigned that counts the elements */
	size_t name_offset, name_size; /* maps: where in an element its name goes */
	const char *pattern;	       /* strings, and names in maps: for the schema only */
	const char *doc;
};

#define SL_KEY_AT(type, field)                                                                     \
	.offset = offsetof(struct type, field), .size = sizeof(((struct type *)0)->field)

extern const struct sl_kind sl_kind_object, sl_kind_array, sl_kind_map;
extern const struct sl_kind sl_kind_string, sl_kind_bool, sl_kind_int, sl_kind_enum;
extern const struct sl_kind sl_kind_duration, sl_kind_size, sl_kind_rate;
extern const struct sl_kind sl_kind_address, sl_kind_net;
extern const struct sl_kind sl_kind_host, sl_kind_methods, sl_kind_upstream, sl_kind_ignored;
extern const struct sl_kind sl_kind_include;
extern const struct sl_kind sl_kind_log_format;
extern const struct sl_kind sl_kind_sha256, sl_kind_time;
extern const struct sl_kind sl_kind_statuses, sl_kind_words;
extern const struct sl_kind sl_kind_list; /* an array, or its only element */
extern const struct sl_kind sl_kind_count_rate, sl_kind_byte_rate, sl_kind_failures;

/* The whole file. */
extern const struct sl_key sl_config_root;

/* Zeroed, from the arena of the rules; NULL sets out_of_memory. */
void *sl_reader_alloc(struct sl_reader *r, size_t nr, size_t size);
/* A fault of a member of the object that is being read. */
#define sl_reader_fault_member(r, name, ...)                                                       \
	do {                                                                                       \
		sl_report_enter_member(&(r)->report, name);                                        \
		sl_report_fault(&(r)->report, __VA_ARGS__);                                        \
		sl_report_leave(&(r)->report);                                                     \
	} while (0)
/* "must be WHAT, not ..." */
void sl_reader_type_fault(struct sl_reader *r, const char *what, json_t *value);
/* The line of a table, one without a kind too; NULL: there is none. */
const struct sl_key *sl_object_find_key(const struct sl_object *object, const char *name);
/* Reports the members of value that the object does not know. */
void sl_reader_refuse_strangers(struct sl_reader *r, const struct sl_object *object, json_t *value);
/* A number or a boolean that was substituted comes as a string, if the string is nothing else: a
 * new reference to what it spells, or to the value itself. */
json_t *sl_reader_scalar(struct sl_reader *r, json_t *value);
/* Reads an array into a mask, each element by read_item, which adds its bit or reports a fault, and
 * stores it at `to`. */
void sl_reader_mask(struct sl_reader *r, const struct sl_key *key, json_t *value,
		    void (*read_item)(struct sl_reader *r, const struct sl_key *key, json_t *item,
				      uint64_t *mask),
		    void *to);
/* The keys' values go into `to`, by their sizes: a number, and a C string or an sl_str. */
void sl_key_store_number(const struct sl_key *key, void *to, uint64_t value);
void sl_reader_store_text(struct sl_reader *r, size_t size, void *to, struct sl_str text);
/* The schema of a key, with its text and default. */
json_t *sl_key_describe(const struct sl_key *key);
/* A JSON array of the words. */
json_t *sl_words_describe(const char *const *words);

#endif
