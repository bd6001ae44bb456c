/* SPDX-License-Identifier: Apache-2.0 */
/* Ways through the file system that nobody but root can have laid: for what root makes there and
 * gives away. */
#ifndef SL_CONTROL_ROOTED_H
#define SL_CONTROL_ROOTED_H

/* Opens the directory that `path`, an absolute one, has its last part in; *ret_name is that part,
 * within path.  Each directory on the way, this one too, is root's own and may be written by nobody
 * else, or has the sticky bit; each symbolic link is root's own.  The descriptor, the caller's; or
 * -EPERM where the way is not like that, -EINVAL for a path that names nothing in a directory, or
 * another negative errno. */
int sl_open_rooted_parent(const char *path, const char **ret_name);

#endif
