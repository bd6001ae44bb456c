// SPDX-License-Identifier: Apache-2.0
// Listening sockets: who may share an address, and what happens to socket files.
#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

static struct sl_listener_conf conf_of(const char *text)
{
	struct sl_listener_conf conf = { .name = "test" };

	if (sl_addr_parse(sl_str_of(text), &conf.address) < 0)
		abort();
	return conf;
}

static int dial(const struct sl_addr *addr)
{
	int fd = socket(addr->sa.sa_family, SOCK_STREAM, 0);

	if (connect(fd, &addr->sa, addr->len) == 0)
		return fd;
	close(fd);
	return -errno;
}

/* A port that was free a moment ago. */
static void find_port(struct sl_listener_conf *conf)
{
	int fd = sl_listener_open(conf);

	conf->address.len = sizeof(conf->address.un);
	if (fd < 0 || getsockname(fd, &conf->address.sa, &conf->address.len) < 0)
		abort();
	close(fd);
}

static void tcp(const char *text)
{
	struct sl_listener_conf conf = conf_of(text);
	socklen_t len = sizeof(int);
	int a, b, client, accepted, on = 0;

	find_port(&conf);
	is_int(sl_listener_probe(&conf), 0, "%s: nobody listens there", text);
	a = sl_listener_open(&conf);
	b = sl_listener_open(&conf);
	ok(a >= 0 && b >= 0, "%s: two sockets of one process share it", text);
	is_int(sl_listener_probe(&conf), -EADDRINUSE, "%s: a probe says that it is taken", text);
	close(b);
	client = dial(&conf.address);
	accepted = accept(a, NULL, NULL);
	ok(client >= 0 && accepted >= 0, "%s: a connection is made", text);
	getsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, &len);
	ok(on, "%s: and inherits TCP_NODELAY", text);
	ok(fcntl(a, F_GETFD) & FD_CLOEXEC, "%s: no child inherits the socket", text);
	close(accepted);
	close(client);
	close(a);
	is_int(sl_listener_probe(&conf), 0,
	       "%s: connections that are closing do not keep the address", text);
}

static void both_families(void)
{
	struct sl_listener_conf conf = conf_of("[::]:0");
	struct sl_addr v4;
	int fd, client;

	find_port(&conf);
	fd = sl_listener_open(&conf);
	v4.len = sizeof(v4.in);
	v4.in = (struct sockaddr_in){ .sin_family = AF_INET,
				      .sin_port = conf.address.in6.sin6_port,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	client = dial(&v4);
	ok(client >= 0, "[::] takes IPv4 too");
	close(client);
	close(fd);
}

static void unix_file(const char *dir)
{
	struct sl_listener_conf conf;
	char text[128], path[120];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/socket", dir);
	snprintf(text, sizeof(text), "unix:%s", path);
	conf = conf_of(text);
	is_int(sl_listener_probe(&conf), 0, "no socket file: free");
	fd = sl_listener_open(&conf);
	ok(fd >= 0 && lstat(path, &st) == 0 && S_ISSOCK(st.st_mode), "opened, it has a file");
	is_int(sl_listener_probe(&conf), -EADDRINUSE, "while somebody answers, it is taken");
	is_int(lstat(path, &st), 0, "and the file is left alone");
	is_int(sl_listener_open(&conf), -EADDRINUSE, "no second socket takes it over");
	close(fd);
	is_int(sl_listener_probe(&conf), 0, "a file that nobody answers was left behind");
	is_int(lstat(path, &st), -1, "and is removed");
	fd = sl_listener_open(&conf);
	sl_listener_forget(&conf);
	ok(fd >= 0 && lstat(path, &st) < 0, "at the end the file goes");
	close(fd);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	sl_listener_probe(&conf);
	is_int(lstat(path, &st), 0, "a file that is no socket is never removed by a probe");
	is_int(sl_listener_open(&conf), -EADDRINUSE, "nor listened on");
	unlink(path);
}

static int mode_at(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (int)(st.st_mode & 0777) : -1;
}

/* In a directory that anybody may look into, the file's mode is all there is. */
static void modes(const char *dir)
{
	static const mode_t wanted[] = { 0, 0600, 0660, 0666 };
	mode_t old = umask(027);
	char text[128];

	snprintf(text, sizeof(text), "unix:%s/mode", dir);
	for (int m = SL_SOCKET_UMASK; m <= SL_SOCKET_ALL; m++) {
		struct sl_listener_conf conf = conf_of(text);
		int fd;

		conf.mode = (enum sl_socket_mode)m;
		fd = sl_listener_open(&conf);
		is_int(mode_at(text + 5), m == SL_SOCKET_UMASK ? 0750 : wanted[m],
		       "who may connect: word %d", m);
		conf.mode = SL_SOCKET_GROUP;
		is_int(sl_listener_set_mode(&conf), 0, "it is changed");
		is_int(mode_at(text + 5), 0660, "afterwards");
		conf.mode = SL_SOCKET_UMASK;
		sl_listener_set_mode(&conf);
		is_int(mode_at(text + 5), 0660, "no word of it leaves it alone");
		sl_listener_forget(&conf);
		close(fd);
	}
	is_int(umask(old), 027, "the umask is what it was");
}

/* Alive, and not to be connected to by a stream, or not now. */
static void others(const char *dir)
{
	struct sl_listener_conf conf;
	char text[128];
	struct stat st;
	int fd, last;

	snprintf(text, sizeof(text), "unix:%s/other", dir);
	conf = conf_of(text);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	is_int(bind(fd, &conf.address.sa, conf.address.len), 0, "somebody takes datagrams there");
	is_int(sl_listener_probe(&conf), -EADDRINUSE, "the path is taken");
	is_int(lstat(text + 5, &st), 0, "and stays his");
	close(fd);
	unlink(text + 5);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ok(bind(fd, &conf.address.sa, conf.address.len) == 0 && listen(fd, 0) == 0,
	   "somebody listens, and accepts nobody");
	last = dial(&conf.address);
	is_int(sl_listener_probe(&conf), -EADDRINUSE, "with a full queue it is taken, at once");
	is_int(lstat(text + 5, &st), 0, "and stays his, too");
	close(last);
	close(fd);
	unlink(text + 5);
}

static void refused(void)
{
	struct sl_listener_conf conf = conf_of("192.0.2.1:80");

	is_int(sl_listener_open(&conf), -EADDRNOTAVAIL, "an address that is not ours");
	conf = conf_of("unix:/nonexistent/socket");
	is_int(sl_listener_open(&conf), -ENOENT, "a folder that is not there");
}

int main(void)
{
	char dir[] = "/tmp/listener.XXXXXX";
	struct sl_listener_conf v6 = conf_of("[::1]:0");
	int fd = sl_listener_open(&v6);

	tcp("127.0.0.1:0");
	if (fd >= 0) {
		close(fd);
		tcp("[::1]:0");
		both_families();
	}
	if (mkdtemp(dir)) {
		unix_file(dir);
		modes(dir);
		others(dir);
		rmdir(dir);
	}
	refused();
	return done_testing();
}
