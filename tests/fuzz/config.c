// SPDX-License-Identifier: Apache-2.0
// Any text at all is read as a configuration or refused: no crash, no leak, no question to DNS.
// The input is up to ten files, with a byte FS (0x1c) between them; nothing else can be read.
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/config.h"
#include "config/source.h"
#include "nobody.h"

enum { FILES = 10 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct sl_str files[FILES];
static unsigned files_nr;

/* These four stand in front of config/disk.c.  "/fuzz/3.json" is the third file; "*" and "all" are
 * every one but the first. */
static int index_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	if (name[0] < '0' || name[0] > '9' || strcmp(name + 1, ".json") != 0)
		return -1;
	return (unsigned)(name[0] - '0') < files_nr ? name[0] - '0' : -1;
}

static char *copy(struct sl_str text)
{
	char *made = malloc(text.len + 1);

	if (!made)
		abort();
	if (text.len)
		memcpy(made, text.ptr, text.len);
	return made;
}

int sl_source_read_plain(const char *path, size_t max, char **ret_text, size_t *ret_len,
			 struct sl_source_id *ret_id)
{
	int i = index_of(path);

	if (i < 0)
		return -ENOENT;
	if (files[i].len > max)
		return -EFBIG;
	*ret_text = copy(files[i]);
	*ret_len = files[i].len;
	*ret_id = (struct sl_source_id){ 1, (uint64_t)i + 1 };
	return 0;
}

int sl_source_read(const char *path, char **ret_text, size_t *ret_len, struct sl_source_id *ret_id)
{
	return sl_source_read_plain(path, SL_SOURCE_MAX_BYTES, ret_text, ret_len, ret_id);
}

int sl_source_list(const char *path, char ***ret_names, size_t *ret_nr)
{
	bool is_all = strchr(path, '*') || strstr(path, "all");
	char **names, name[32];
	size_t nr = 0;

	if (!is_all && index_of(path) < 0)
		return -ENOENT;
	names = calloc(FILES, sizeof(*names));
	for (unsigned i = 1; is_all && i < files_nr; i++) {
		snprintf(name, sizeof(name), "/fuzz/%u.json", i);
		names[nr++] = strdup(name);
	}
	if (!is_all)
		names[nr++] = strdup(path);
	*ret_names = names;
	*ret_nr = nr;
	return 0;
}

void sl_source_list_free(char **names, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		free(names[i]);
	free(names);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	setenv("A", "127.0.0.1:1", 1);
	setenv("N", "5", 1);
	setenv("EMPTY", "", 1);
	setenv("ODD", "'{x}' \xc3\xa9${A}\n", 1);
	setenv("SECRET", "hunter2hunter2", 1);
	return 0;
}

static void split(struct sl_str all)
{
	const char *end;

	files_nr = 0;
	while (files_nr < FILES - 1 && all.len && (end = memchr(all.ptr, 0x1c, all.len)) != NULL) {
		files[files_nr++] = (struct sl_str){ all.ptr, (size_t)(end - all.ptr) };
		all.len -= (size_t)(end + 1 - all.ptr);
		all.ptr = end + 1;
	}
	files[files_nr++] = all;
}

static void want(bool held)
{
	if (!held)
		abort();
}

/* What is shown is a configuration that means the same. */
static void check_shown(const struct sl_rules *rules)
{
	struct sl_rules *again = NULL;
	json_t *shown, *changes;
	char *text;

	want(sl_config_show(rules, SL_SHOW_EFFECTIVE, &shown) == 0);
	text = json_dumps(shown, JSON_COMPACT);
	want(text && sl_config_parse(sl_str_of(text), "shown.json", NULL, NULL, &again) == 0);
	want(sl_config_diff(rules, again, &changes) == 0 && json_array_size(changes) == 0);
	want(again->routes_nr == rules->routes_nr && again->upstreams_nr == rules->upstreams_nr);
	json_decref(changes);
	json_decref(shown);
	sl_config_free(again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_rules *rules = NULL;
	char *said = NULL;
	size_t said_len;
	FILE *errors = open_memstream(&said, &said_len);
	int ret;

	split((struct sl_str){ (const char *)data, size });
	ret = sl_config_load("/fuzz/0.json", NULL, errors, &rules);
	fclose(errors);
	/* Whoever is refused is told why; whoever is not has rules to work by. */
	want(ret == 0 ? said_len == 0 && rules->listeners_nr && rules->table : said_len != 0);
	/* Not even a part of the secret, unless the input has it by itself. */
	want(!strstr(said, "er2hu") || memmem(data, size, "er2hu", 5));
	if (ret == 0)
		check_shown(rules);
	sl_config_free(rules);
	free(said);
	return 0;
}
