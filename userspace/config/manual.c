// SPDX-License-Identifier: Apache-2.0
// Prints the keys as a part of a manual page, in the language of man(7).
#include "config/config.h"
#include "config/key.h"
#include "config/units.h"

/* A line of the text begins with a letter or a font, so no character begins a request. */
static void put_text(FILE *f, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '\\':
			fputs("\\e", f);
			break;
		case '-':
			fputs("\\-", f);
			break;
		case '^':
			fputs("\\(ha", f);
			break;
		case '~':
			fputs("\\(ti", f);
			break;
		default:
			fputc(*text, f);
		}
	}
}

static void put_bold(FILE *f, const char *text)
{
	fputs("\\fB", f);
	put_text(f, text);
	fputs("\\fR", f);
}

static void put_number(FILE *f, const struct sl_key *key, uint64_t value)
{
	char text[32];
	struct sl_out o;

	sl_out_init(&o, text, sizeof(text));
	if (key->kind == &sl_kind_size || key->kind == &sl_kind_rate)
		sl_size_print(&o, value);
	else if (key->kind == &sl_kind_duration)
		sl_duration_print(&o, value);
	else
		sl_out_u64(&o, value);
	fprintf(f, "%.*s", SL_STR_ARG(sl_out_done(&o)));
}

static void put_range(FILE *f, const struct sl_key *key)
{
	if (!key->min && !key->max)
		return;
	fputs(key->max ? ", " : ", at least ", f);
	put_number(f, key, key->min);
	if (!key->max)
		return;
	fputs(" to ", f);
	put_number(f, key, key->max);
}

static void put_words(FILE *f, const struct sl_key *key)
{
	for (const char *const *w = key->words; w && *w; w++) {
		fputs(w == key->words ? ": " : w[1] ? ", " : " or ", f);
		put_bold(f, *w);
	}
	for (const unsigned *n = key->numbers; n && *n; n++)
		fprintf(f, "%s%u", n == key->numbers ? ": " : n[1] ? ", " : " or ", *n);
}

static void put_kind(FILE *f, const struct sl_key *key)
{
	const char *label = key->kind->label ? key->kind->label : "value";

	if (key->kind == &sl_kind_object && key->object->shorthand)
		fputs("string or ", f);
	if (key->kind == &sl_kind_object && key->object->may_be_false)
		fputs("\\fBfalse\\fR or ", f);
	fprintf(f, "\\fI%s\\fR", label);
	if (key->item) {
		fputs(" of ", f);
		put_kind(f, key->item);
	}
	if (key->automatic)
		fputs(" or \"auto\"", f);
	put_words(f, key);
	put_range(f, key);
}

static void print_key(FILE *f, const struct sl_key *key)
{
	fputs(".TP\n", f);
	put_bold(f, key->name);
	fputs(" (", f);
	put_kind(f, key);
	if (key->required)
		fputs("; required", f);
	if (key->def && strcmp(key->def, "{}") != 0) {
		fputs("; default ", f);
		put_text(f, key->def);
	}
	fputs(")\n\\&", f);
	put_text(f, key->doc ? key->doc : "");
	if (key->item && key->item->doc) {
		fputs("\nEach: ", f);
		put_text(f, key->item->doc);
	}
	fputc('\n', f);
}

static void print_rules(FILE *f, const struct sl_object *object)
{
	if (object->shorthand) {
		fputs("A string in its place is its ", f);
		put_bold(f, object->shorthand);
		fputs(".\n", f);
	}
	for (const char *const *n = object->one_of; n && *n; n++) {
		fputs(n == object->one_of ? "It has exactly one of " : n[1] ? ", " : " and ", f);
		put_bold(f, *n);
	}
	if (object->one_of)
		fputs(".\n", f);
}

/* The object that a value of this key is, or has as its elements; NULL: none. */
static const struct sl_object *object_of(const struct sl_key *key)
{
	while (key && key->kind != &sl_kind_object)
		key = key->item;
	return key ? key->object : NULL;
}

static void print_object(FILE *f, const char *path, const struct sl_object *object)
{
	char below[256];

	fputs(".SS ", f);
	put_text(f, path[0] ? path : "Top level");
	fputc('\n', f);
	print_rules(f, object);
	for (const struct sl_key *k = object->keys; k->name; k++)
		if (k->kind)
			print_key(f, k);
	for (const struct sl_key *k = object->keys; k->name; k++) {
		if (!k->kind || !object_of(k))
			continue;
		snprintf(below, sizeof(below), "%s/%s%s", path, k->name,
			 k->kind == &sl_kind_map     ? "/NAME"
			 : k->kind == &sl_kind_array ? "/N"
						     : "");
		print_object(f, below, object_of(k));
	}
}

void sl_config_print_manual(FILE *to)
{
	fputs(".SH KEYS\n"
	      "Headings are JSON pointers: NAME is a name of your own, N an index.\n",
	      to);
	print_object(to, "", sl_config_root.object);
}
