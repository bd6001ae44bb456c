// SPDX-License-Identifier: Apache-2.0
// TLS records that the kernel seals and opens.
#include "net/ktls.h"

#include <errno.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

enum { SALT_BYTES = 4 };

const char *const sl_ktls_names[SL_KTLS_CIPHERS] = {
	[SL_KTLS_AES128] = "AES-128-GCM",
	[SL_KTLS_AES256] = "AES-256-GCM",
	[SL_KTLS_CHACHA20] = "CHACHA20-POLY1305",
};

/* Of all that the kernel takes, this is the largest. */
union info {
	struct tls_crypto_info any;
	struct tls12_crypto_info_aes_gcm_128 aes128;
	struct tls12_crypto_info_aes_gcm_256 aes256;
	struct tls12_crypto_info_chacha20_poly1305 chacha20;
};

static void put_record(unsigned char to[8], uint64_t record)
{
	for (int i = 7; i >= 0; i--, record >>= 8)
		to[i] = (unsigned char)record;
}

/* How many bytes of it count. */
static socklen_t fill(union info *info, const struct sl_ktls_keys *k)
{
	memset(info, 0, sizeof(*info));
	info->any.version = k->is_1_2 ? TLS_1_2_VERSION : TLS_1_3_VERSION;
	switch (k->cipher) {
	case SL_KTLS_AES128:
		info->any.cipher_type = TLS_CIPHER_AES_GCM_128;
		memcpy(info->aes128.key, k->key, sizeof(info->aes128.key));
		memcpy(info->aes128.salt, k->iv, SALT_BYTES);
		memcpy(info->aes128.iv, k->iv + SALT_BYTES, sizeof(info->aes128.iv));
		put_record(info->aes128.rec_seq, k->record);
		return sizeof(info->aes128);
	case SL_KTLS_AES256:
		info->any.cipher_type = TLS_CIPHER_AES_GCM_256;
		memcpy(info->aes256.key, k->key, sizeof(info->aes256.key));
		memcpy(info->aes256.salt, k->iv, SALT_BYTES);
		memcpy(info->aes256.iv, k->iv + SALT_BYTES, sizeof(info->aes256.iv));
		put_record(info->aes256.rec_seq, k->record);
		return sizeof(info->aes256);
	default:
		info->any.cipher_type = TLS_CIPHER_CHACHA20_POLY1305;
		memcpy(info->chacha20.key, k->key, sizeof(info->chacha20.key));
		memcpy(info->chacha20.iv, k->iv, sizeof(info->chacha20.iv));
		put_record(info->chacha20.rec_seq, k->record);
		return sizeof(info->chacha20);
	}
}

int sl_ktls_start(int fd)
{
	return setsockopt(fd, SOL_TCP, TCP_ULP, "tls", sizeof("tls")) < 0 ? -errno : 0;
}

int sl_ktls_hand_over(int fd, enum sl_ktls_way way, const struct sl_ktls_keys *keys)
{
	union info info;
	socklen_t len = fill(&info, keys);
	int ret = 0;

	if (setsockopt(fd, SOL_TLS, way == SL_KTLS_SEALS ? TLS_TX : TLS_RX, &info, len) < 0)
		ret = -errno;
	explicit_bzero(&info, sizeof(info));
	return ret;
}

/* ---- whether it can ---- */

static int connect_pair(int listening, int fds[2])
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	socklen_t len = sizeof(addr);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fds[0] < 0 || bind(listening, (struct sockaddr *)&addr, len) < 0 ||
	    listen(listening, 1) < 0 || getsockname(listening, (struct sockaddr *)&addr, &len) < 0)
		return -errno;
	if (connect(fds[0], (struct sockaddr *)&addr, len) < 0)
		return -errno;
	fds[1] = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	return fds[1] < 0 ? -errno : 0;
}

/* Anybody may connect to the port before we do, and gains nothing: no byte is sent. */
static int open_pair(int fds[2])
{
	int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), ret;

	fds[0] = fds[1] = -1;
	if (listening < 0)
		return -errno;
	ret = connect_pair(listening, fds);
	close(listening);
	return ret;
}

static bool has_cipher(int fd, enum sl_ktls_cipher cipher)
{
	struct sl_ktls_keys keys = { .cipher = cipher };

	return sl_ktls_hand_over(fd, SL_KTLS_SEALS, &keys) == 0 &&
	       sl_ktls_hand_over(fd, SL_KTLS_OPENS, &keys) == 0;
}

/* A connection is handed over once, so each cipher needs one of its own. */
static void try_cipher(struct sl_ktls *k, enum sl_ktls_cipher cipher)
{
	int fds[2], ret = open_pair(fds);

	if (ret == 0)
		ret = sl_ktls_start(fds[0]);
	if (ret == 0 && has_cipher(fds[0], cipher))
		k->ciphers |= 1u << cipher;
	if (ret < 0)
		k->error = ret;
	if (fds[0] >= 0)
		close(fds[0]);
	if (fds[1] >= 0)
		close(fds[1]);
}

struct sl_ktls sl_ktls_probe(void)
{
	struct sl_ktls k = { .ciphers = 0 };

	for (int cipher = 0; cipher < SL_KTLS_CIPHERS && k.error == 0; cipher++)
		try_cipher(&k, (enum sl_ktls_cipher)cipher);
	return k;
}

const char *sl_ktls_reason(int error)
{
	return error == -ENOENT ? "the kernel has no module tls, or not its cipher"
				: strerror(-error);
}

void sl_ktls_explain(const struct sl_ktls *k, char to[SL_KTLS_WHY_BYTES])
{
	size_t n = 0;

	to[0] = '\0';
	if (k->error) {
		snprintf(to, SL_KTLS_WHY_BYTES, "%s",
			 k->error == -ENOENT ? "the kernel has no module tls"
					     : strerror(-k->error));
		return;
	}
	for (int i = 0; i < SL_KTLS_CIPHERS; i++)
		if (!(k->ciphers & 1u << i))
			n += (size_t)snprintf(to + n, SL_KTLS_WHY_BYTES - n, "%s%s",
					      n ? ", " : "the kernel has not ", sl_ktls_names[i]);
}

/* ---- what is not application data ---- */

int sl_ktls_send_alert(int fd, int level, int alert)
{
	unsigned char bytes[2] = { (unsigned char)level, (unsigned char)alert };
	char control[CMSG_SPACE(1)] = { 0 };
	struct iovec part = { bytes, sizeof(bytes) };
	struct msghdr msg = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	*c = (struct cmsghdr){ .cmsg_level = SOL_TLS,
			       .cmsg_type = TLS_SET_RECORD_TYPE,
			       .cmsg_len = CMSG_LEN(1) };
	*CMSG_DATA(c) = SL_RECORD_ALERT;
	return sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

ssize_t sl_ktls_receive(int fd, void *to, size_t size, int *ret_type)
{
	char control[CMSG_SPACE(1)];
	struct iovec part = { to, size };
	struct msghdr msg = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	*ret_type = SL_RECORD_DATA;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_level == SOL_TLS && c->cmsg_type == TLS_GET_RECORD_TYPE)
			*ret_type = *CMSG_DATA(c);
	return n;
}
