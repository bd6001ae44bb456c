// SPDX-License-Identifier: Apache-2.0
// A route's changes to the target: a prefix less, another path, another host.
#include "gate/rewrite.h"

#include <errno.h>

#include "gate/fill.h"

static void strip_prefix(struct sl_exchange *x, struct sl_str prefix)
{
	struct sl_str path = x->uri.path;

	if (!sl_str_starts(path, prefix))
		return;
	path = (struct sl_str){ path.ptr + prefix.len, path.len - prefix.len };
	/* "/v1" off "/v1x" would leave "x": a prefix ends where a segment does. */
	if (path.len == 0)
		x->uri.path = SL_S("/");
	else if (path.ptr[0] == '/')
		x->uri.path = path;
}

/* How long a dot is that stands here, as itself or as "%2e"; 0: there is none. */
static size_t dot_at(const char *p, const char *end)
{
	if (p < end && *p == '.')
		return 1;
	return end - p >= 3 && p[0] == '%' && p[1] == '2' && sl_lower(p[2]) == 'e' ? 3 : 0;
}

/* Groups of an expression may be any part of a segment: two of them can make dots of what was
 * none, and the normal form would climb with them. */
static bool has_dot_segment(struct sl_str target)
{
	const char *question = memchr(target.ptr, '?', target.len);
	const char *end = question ? question : target.ptr + target.len;

	for (const char *p = target.ptr; p < end; p++) {
		size_t n = 1, dots = 0, len;

		if (*p != '/')
			continue;
		while ((len = dot_at(p + n, end)) > 0) {
			n += len;
			dots++;
		}
		if ((dots == 1 || dots == 2) && (p + n == end || p[n] == '/'))
			return true;
	}
	return false;
}

/* Brings what was made into the one form that upstreams get. */
static int use_target(struct sl_exchange *x, struct sl_str target)
{
	const char *why;
	char *mem;

	if (has_dot_segment(target))
		return -EINVAL;
	mem = sl_arena_alloc(&x->arena, SL_URI_ROOM(target.len));
	if (!mem)
		return -ENOMEM;
	return sl_uri_normalize(target, SL_ENCODED_SLASH_KEEP, mem, &x->uri, &why) < 0 ? -EINVAL
										       : 0;
}

/* A template with a query of its own has the request's behind it. */
static int make_target(struct sl_exchange *x, struct sl_str template_)
{
	size_t room = sl_fill_len(x, template_) + x->uri.query.len + 1;
	char *mem = sl_arena_alloc(&x->arena, room);
	struct sl_out o;

	if (!mem)
		return -ENOMEM;
	sl_out_init(&o, mem, room);
	sl_fill(x, template_, &o);
	if (x->uri.query.ptr) {
		bool has_query = memchr(mem, '?', sl_out_len(&o));

		if (!has_query || x->uri.query.len)
			sl_out_char(&o, has_query ? '&' : '?');
		sl_out_str(&o, x->uri.query);
	}
	return o.overflow ? -EINVAL : use_target(x, sl_out_done(&o));
}

int sl_rewrite_target(struct sl_exchange *x)
{
	const struct sl_route *r = x->match.route;

	if (r->strip_prefix.len)
		strip_prefix(x, r->strip_prefix);
	return r->rewrite_path.len ? make_target(x, r->rewrite_path) : 0;
}

/* The name that the configuration gives the target.  A path is no host: RFC 9112 3.2. */
static struct sl_str target_name(const struct sl_exchange *x)
{
	struct sl_str name = sl_str_of(x->peer->target->conf->text);

	return sl_str_starts(name, SL_S("unix:")) ? SL_S("localhost") : name;
}

struct sl_str sl_rewrite_host(const struct sl_exchange *x)
{
	struct sl_str host = x->match.route->rewrite_host;

	if (host.len)
		return sl_str_eq(host, SL_S("upstream")) ? target_name(x) : host;
	/* A HTTP/1.0 client may name none; HTTP/1.1 has to (RFC 9112 3.2). */
	return x->req.authority.len ? x->req.authority : target_name(x);
}
