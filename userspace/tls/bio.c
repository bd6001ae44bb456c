// SPDX-License-Identifier: Apache-2.0
// OpenSSL's view of a connection's bytes.
#include "tls/bio.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

enum { HEADER_BYTES = 5 };

/* RFC 8446 5.1. */
static void follow(struct sl_tls_frame *f, const char *bytes, size_t n)
{
	while (n > 0) {
		size_t part = 1;

		if (f->at < HEADER_BYTES) {
			f->left = (uint16_t)(f->left << 8 | (unsigned char)*bytes);
			f->at++;
		} else {
			if (f->at < HEADER_BYTES + sizeof(f->first))
				f->first[f->at++ - HEADER_BYTES] = (unsigned char)*bytes;
			else
				part = n < f->left ? n : f->left;
			f->left -= (uint16_t)part;
		}
		bytes += part;
		n -= part;
		if (f->at >= HEADER_BYTES && f->left == 0)
			f->at = 0;
	}
}

/* Exactly the rest of a record: what is behind it is the kernel's to open. */
static int read_socket(struct sl_tls *t, char *to, int size)
{
	ssize_t n = recv(t->conn->fd, to, (size_t)size, MSG_DONTWAIT);

	if (n == 0)
		t->conn->eof = true;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		t->conn->rx_error = (int16_t)-errno;
	return n > 0 ? (int)n : 0;
}

static int read_queue(struct sl_tls *t, char *to, int size)
{
	struct sl_str in = sl_conn_raw_peek(t->conn);
	size_t n = in.len < (size_t)size ? in.len : (size_t)size;

	if (n == 0)
		return 0;
	memcpy(to, in.ptr, n);
	sl_conn_raw_consume(t->conn, n);
	return (int)n;
}

/* The hello, put together; the block goes with its last byte. */
static int read_hello(struct sl_tls *t, char *to, size_t size)
{
	size_t left = t->in_end - t->in_at, n = left < size ? left : size;

	memcpy(to, t->in + t->in_at, n);
	t->in_at += (uint32_t)n;
	if (t->in_at == t->in_end) {
		sl_tls_block_put(t->blocks, t->in);
		t->in = NULL;
	}
	return (int)n;
}

static int bio_read(BIO *bio, char *to, int size)
{
	struct sl_tls *t = BIO_get_data(bio);
	int n = t->in ? read_hello(t, to, (size_t)size) : read_queue(t, to, size);

	BIO_clear_retry_flags(bio);
	if (n == 0 && t->reads_socket && t->opened.at > 0)
		n = read_socket(t, to, size);
	if (n == 0) {
		/* At the end of the stream, too: what that means is not OpenSSL's to say. */
		BIO_set_retry_read(bio);
		return -1;
	}
	if (t->ktls_ciphers)
		follow(&t->opened, to, (size_t)n);
	return n;
}

static int bio_write(BIO *bio, const char *from, int len)
{
	struct sl_tls *t = BIO_get_data(bio);
	size_t n;

	BIO_clear_retry_flags(bio);
	if (!t->out) {
		t->out = sl_tls_block_get(t->blocks);
		t->out_at = t->out_end = 0;
	}
	if (!t->out)
		return -1;
	n = SL_TLS_BLOCK_BYTES - t->out_end;
	if (n > (size_t)len)
		n = (size_t)len;
	if (n == 0) {
		BIO_set_retry_write(bio);
		return -1;
	}
	memcpy(t->out + t->out_end, from, n);
	if (t->ktls_ciphers)
		follow(&t->sealed, from, n);
	t->out_end += (uint32_t)n;
	return (int)n;
}

static long bio_control(BIO *bio, int what, long number, void *pointer)
{
	return what == BIO_CTRL_FLUSH || what == BIO_CTRL_DUP;
}

static BIO_METHOD *method;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sluice");

	if (m && BIO_meth_set_read(m, bio_read) && BIO_meth_set_write(m, bio_write) &&
	    BIO_meth_set_ctrl(m, bio_control))
		method = m;
}

BIO *sl_tls_bio_new(struct sl_tls *t)
{
	BIO *bio;

	pthread_once(&once, make_method);
	bio = method ? BIO_new(method) : NULL;
	if (!bio)
		return NULL;
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	return bio;
}
