// SPDX-License-Identifier: Apache-2.0
// The files of the logs, and commands "log reopen" and "log level".
#include "control/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/denied.h"
#include "base/log.h"
#include "control/command.h"

/* A log, by the word for it in events and keys. */
static int open_log(const char *which, const char *path, FILE *errors)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
	struct sl_denied denied;

	if (fd >= 0)
		return fd;
	fd = -errno;
	sl_log_error(strcmp(which, "access") == 0 ? "accesslog.open" : "errorlog.open",
		     "path=%s error=\"%s\"", path, sl_denied(&denied, -fd));
	if (errors)
		fprintf(errors, "/logs/%s/path: %s: %s\n", which, path, sl_denied(&denied, -fd));
	return fd;
}

/* "sluiced >FILE": several workers write at once, and each line has its own place only if the
 * kernel gives it one.  Not every file system takes the flag; then it is as it was. */
static void append_if_file(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_APPEND);
}

static int copy_of(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (copy < 0)
		return -errno;
	append_if_file(copy);
	return copy;
}

static int open_access_log(const char *path, FILE *errors)
{
	if (!path)
		path = "/dev/null";
	return strcmp(path, "-") == 0 ? copy_of(STDOUT_FILENO) : open_log("access", path, errors);
}

static int open_error_log(const struct sl_daemon *d, const char *path, FILE *errors)
{
	return path ? open_log("error", path, errors) : copy_of(d->stderr_fd);
}

int sl_log_files_open(struct sl_log_files *files, const struct sl_daemon *d,
		      const struct sl_logs *logs, FILE *errors)
{
	int error = open_error_log(d, logs->error_path, errors),
	    access = open_access_log(logs->access_path, errors);

	*files = (struct sl_log_files){ .access_fd = access, .error_fd = error };
	if (access < 0)
		return access;
	/* Who was started without a standard error has none. */
	return error < 0 && logs->error_path ? error : 0;
}

void sl_log_files_fini(struct sl_log_files *files)
{
	if (files->access_fd >= 0)
		close(files->access_fd);
	if (files->error_fd >= 0)
		close(files->error_fd);
	*files = (struct sl_log_files){ .access_fd = -1, .error_fd = -1 };
}

/* The same number goes on meaning the log: nobody needs to be told. */
static void replace(int log_fd, int fd, int flags)
{
	if (fd >= 0 && dup3(fd, log_fd, flags) < 0)
		sl_log_error("logs.replace", "error=\"%s\"", strerror(errno));
}

void sl_daemon_use_logs(struct sl_daemon *d, struct sl_log_files *files)
{
	replace(d->shared.access_fd, files->access_fd, O_CLOEXEC);
	replace(STDERR_FILENO, files->error_fd, 0);
	sl_log_files_fini(files);
}

int sl_daemon_reopen_logs(struct sl_daemon *d)
{
	const struct sl_logs *logs = &d->rules->logs;
	struct sl_log_files files;
	int ret = sl_log_files_open(&files, d, logs, NULL);

	sl_daemon_use_logs(d, &files);
	if (ret == 0)
		sl_log_info("logs.reopened", "access=%s error=%s",
			    logs->access_path ? logs->access_path : "none",
			    logs->error_path ? logs->error_path : "stderr");
	return ret;
}

json_t *sl_command_log_reopen(struct sl_daemon *d, const struct sl_command_args *args)
{
	const struct sl_logs *logs = &d->rules->logs;
	int ret = sl_daemon_reopen_logs(d);
	struct sl_denied denied;
	char text[256];

	if (ret < 0) {
		snprintf(text, sizeof(text),
			 "a log cannot be opened: %s; it goes on in the old file",
			 sl_denied(&denied, -ret));
		return sl_command_error(text);
	}
	return json_pack("{s:s?, s:s?}", "access", logs->access_path, "error_log",
			 logs->error_path);
}

static bool find_level(const char *word, enum sl_log_level *ret_level)
{
	for (unsigned i = 0; sl_log_level_names[i]; i++)
		if (strcmp(sl_log_level_names[i], word) == 0) {
			*ret_level = (enum sl_log_level)i;
			return true;
		}
	return false;
}

json_t *sl_command_log_level(struct sl_daemon *d, const struct sl_command_args *args)
{
	enum sl_log_level old = sl_log_get_level(), level = old;

	if (args->nr && !find_level(args->word[0], &level))
		return sl_command_error("a level is error, warn, info or debug");
	if (level != old) {
		/* Seen at either level, if at all. */
		sl_log_set_level(level > old ? level : old);
		sl_log_info("log.level", "level=%s was=%s", sl_log_level_names[level],
			    sl_log_level_names[old]);
		sl_log_set_level(level);
	}
	return json_pack("{s:s, s:s}", "level", sl_log_level_names[level], "configured",
			 sl_log_level_names[d->rules->logs.level]);
}
