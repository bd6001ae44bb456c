// SPDX-License-Identifier: Apache-2.0
// How targets fail.
#include "upstream/failure.h"

#include <errno.h>
#include <string.h>

#include "tls/error.h"

const char *sl_failure_word(int error)
{
	switch (error) {
	case -ECONNREFUSED:
		return "refused";
	case -EHOSTUNREACH:
	case -ENETUNREACH:
		return "unreachable";
	case -ENOENT: /* of a unix socket */
		return "no_socket";
	case -EACCES:
	case -EPERM:
		return "denied";
	case -ETIMEDOUT:
		return "timeout";
	case -ECONNRESET:
		return "reset";
	case -EPIPE:
	case -ENODATA:
		return "closed";
	case -EBADMSG:
		return "garbage";
	default:
		return sl_tls_is_error(error) ? sl_tls_error_word(error) : "failed";
	}
}

const char *sl_failure_text(int error)
{
	return sl_tls_is_error(error) ? sl_tls_error_text(error) : strerror(-error);
}

void sl_failure_note(struct sl_target_shared *t, int error, uint64_t now_ns)
{
	atomic_store_explicit(&t->last_error, error, memory_order_relaxed);
	atomic_store_explicit(&t->last_error_ns, now_ns, memory_order_relaxed);
}

bool sl_failure_begin(struct sl_target_shared *t, uint64_t now_ns)
{
	uint64_t never = 0;

	return atomic_compare_exchange_strong(&t->failing_since_ns, &never, now_ns);
}

uint64_t sl_failure_end(struct sl_target_shared *t)
{
	/* Nearly always there is nothing to end, and the line stays everybody's. */
	if (!atomic_load_explicit(&t->failing_since_ns, memory_order_relaxed))
		return 0;
	return atomic_exchange(&t->failing_since_ns, 0);
}
