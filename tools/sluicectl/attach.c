// SPDX-License-Identifier: Apache-2.0
// sluicectl attach and detach: the kernel program on interfaces.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kern/attach.h"
#include "lists.h"

struct words {
	struct sl_attach_options options;
	bool is_forced;
};

static enum ctl_exit fail_kern(const struct ctl *ctl, int error, const struct sl_why *why)
{
	return ctl_fail(ctl, error == -EPERM || error == -EACCES ? CTL_DENIED : CTL_FAILED, "%s",
			why->text);
}

/* ---- words ---- */

static enum ctl_exit read_mode(struct ctl *ctl, const char *word, enum sl_attach_mode *ret_mode)
{
	static const char *const modes[] = { "auto", "native", "generic", NULL };
	enum ctl_exit code = CTL_OK;
	const char *found = ctl_find_word(ctl, "mode", word, modes, "attach help", &code);

	for (int i = 0; found && modes[i]; i++)
		if (strcmp(modes[i], found) == 0)
			*ret_mode = (enum sl_attach_mode)i;
	return code;
}

static enum ctl_exit read_prefixes(struct ctl *ctl, const char *word, uint32_t *ret_lines)
{
	char *end;
	unsigned long long nr;

	errno = 0;
	nr = strtoull(word, &end, 10);
	if (word[0] < '0' || word[0] > '9' || *end || errno || nr < 1 || nr > 8000000)
		return ctl_fail(ctl, CTL_USAGE, "prefixes '%.64s': a number from 1 to 8000000",
				word);
	*ret_lines = sl_image_lines_for(nr);
	return CTL_OK;
}

static enum ctl_exit read_words(struct ctl *ctl, char **word, struct words *w)
{
	static const char *const keywords[] = { "mode", "prefixes", "force", NULL };
	enum ctl_exit code = CTL_OK;

	while (*word && code == CTL_OK) {
		const char *k =
			ctl_find_word(ctl, "keyword", *word++, keywords, "attach help", &code);

		if (!k)
			return code;
		if (strcmp(k, "force") == 0) {
			w->is_forced = true;
			continue;
		}
		if (!*word)
			return ctl_fail(ctl, CTL_USAGE, "a value is missing behind '%s'", k);
		code = strcmp(k, "mode") == 0 ? read_mode(ctl, *word, &w->options.mode)
					      : read_prefixes(ctl, *word, &w->options.image_lines);
		word++;
	}
	return code;
}

/* ---- attach ---- */

static json_t *attached_json(const struct sl_attached *a)
{
	return json_pack("{s:s, s:b, s:i, s:i, s:s, s:i, s:s?}", "dev", a->interface, "attached",
			 a->ifindex != 0, "ifindex", (int)a->ifindex, "slot", (int)a->slot, "mode",
			 sl_attach_mode_name(a->mode), "program", (int)a->program, "driver",
			 a->driver[0] ? a->driver : NULL);
}

static enum ctl_exit print_attached(struct ctl *ctl, const struct sl_attached *a)
{
	json_t *json;

	if (ctl->is_json) {
		json = attached_json(a);
		json_object_set_new(json, "upgrade", json_boolean(a->is_upgrade));
		json_object_set_new(json, "fragments", json_boolean(a->has_fragments));
		json_object_set_new(json, "because", json_string(a->because));
		return ctl_print_json(ctl, json);
	}
	printf("%s: %s, mode %s%s%s%s%s\n", a->interface,
	       a->is_upgrade ? "program replaced" : "attached", sl_attach_mode_name(a->mode),
	       a->has_fragments ? ", frames of several buffers" : "", a->because[0] ? " (" : "",
	       a->because, a->because[0] ? ")" : "");
	return CTL_OK;
}

/* Lists that are pinned begin to hold by this: nobody is cut off by them yet. */
static enum ctl_exit check_safety(struct ctl *ctl)
{
	struct sl_gate gate;
	struct sl_why why;
	struct lists lists;
	enum ctl_exit code;

	if (sl_gate_open(&gate, ctl->pins, &why) < 0)
		return CTL_OK; /* none; or attaching tells what is wrong with them */
	sl_gate_close(&gate);
	code = lists_open(ctl, false, &lists);
	if (code != CTL_OK)
		return code;
	code = lists_check_safety(ctl, &lists, &lists.all);
	lists_close(&lists);
	return code;
}

enum ctl_exit ctl_attach_dev(struct ctl *ctl, char **arguments)
{
	struct words w = { .options = { .mode = SL_MODE_AUTO } };
	enum ctl_exit code = read_words(ctl, arguments + 1, &w);
	struct sl_attached a;
	struct sl_why why;
	int ret;

	if (code == CTL_OK && !w.is_forced)
		code = check_safety(ctl);
	if (code != CTL_OK)
		return code;
	ret = sl_attach(ctl->pins, arguments[0], &w.options, &a, &why);
	return ret < 0 ? fail_kern(ctl, ret, &why) : print_attached(ctl, &a);
}

enum ctl_exit ctl_attach_show(struct ctl *ctl, char **arguments)
{
	struct sl_attached list[SL_INTERFACES_MAX];
	json_t *json = ctl->is_json ? json_array() : NULL;
	struct sl_why why;
	size_t nr = 0;
	int ret = sl_attached_list(ctl->pins, list, &nr, &why);

	if (ret < 0 && ret != -ENOENT) {
		json_decref(json);
		return fail_kern(ctl, ret, &why);
	}
	if (!ctl->is_json && nr == 0)
		printf("nothing is attached by %s\n", ctl->pins);
	for (size_t i = 0; i < nr; i++) {
		const struct sl_attached *a = &list[i];

		if (ctl->is_json)
			json_array_append_new(json, attached_json(a));
		else
			printf("%-15s %-8s %s, slot %u%s%s\n", a->interface,
			       sl_attach_mode_name(a->mode), a->ifindex ? "attached" : "detached",
			       a->slot, a->driver[0] ? ", driver " : "", a->driver);
	}
	return ctl->is_json ? ctl_print_json(ctl, json_pack("{s:o}", "attached", json)) : CTL_OK;
}

/* ---- detach ---- */

static enum ctl_exit finish_detach(struct ctl *ctl, int ret, const struct sl_why *why,
				   const char *what)
{
	if (ret < 0)
		return fail_kern(ctl, ret, why);
	if (ctl->is_json)
		return ctl_print_json(ctl, json_pack("{s:s}", "detached", what));
	printf("%s: detached\n", what);
	return CTL_OK;
}

enum ctl_exit ctl_detach_dev(struct ctl *ctl, char **arguments)
{
	struct sl_why why;
	int ret = sl_detach(ctl->pins, arguments[0], &why);

	return finish_detach(ctl, ret, &why, arguments[0]);
}

enum ctl_exit ctl_detach_all(struct ctl *ctl, char **arguments)
{
	struct sl_why why;
	int ret = sl_detach_all(ctl->pins, &why);

	return finish_detach(ctl, ret, &why, "all");
}
