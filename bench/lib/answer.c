// SPDX-License-Identifier: Apache-2.0
// The origin's answers, built once.
#include "answer.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t bench_answer_head(char *mem, const char *status, bool close, size_t body_len)
{
	int n = snprintf(mem, ANSWER_HEAD_MAX,
			 "HTTP/1.1 %s\r\nServer: origin\r\nContent-Type: application/json\r\n"
			 "Content-Length: %zu\r\n%s\r\n",
			 status, body_len, close ? "Connection: close\r\n" : "");

	assert(n > 0 && n < ANSWER_HEAD_MAX);
	return (size_t)n;
}

static struct sl_str answer_build(const char *status, bool close, size_t body_len,
				  size_t *ret_head_len)
{
	static const char first[] = "{\"from\":\"origin\",\"filler\":\"", last[] = "\"}\n";
	char *mem = malloc(ANSWER_HEAD_MAX + body_len);
	size_t n;

	if (!mem)
		return (struct sl_str){ NULL, 0 };
	n = bench_answer_head(mem, status, close, body_len);
	memset(mem + n, '.', body_len);
	memcpy(mem + n, first, sizeof(first) - 1);
	memcpy(mem + n + body_len - (sizeof(last) - 1), last, sizeof(last) - 1);
	*ret_head_len = n;
	return (struct sl_str){ mem, n + body_len };
}

int bench_answers_build(struct answer *answers)
{
	static const struct {
		const char *path, *status;
		size_t body_len;
	} spec[ANSWERS] = {
		[ANSWER_1K] = { "/1k", "200 OK", 1024 },
		[ANSWER_100K] = { "/100k", "200 OK", 100 << 10 },
		[ANSWER_1M] = { "/1m", "200 OK", 1 << 20 },
		[ANSWER_SMALL] = { "/s", "200 OK", 200 },
		[ANSWER_400] = { "", "400 Bad Request", 200 },
		[ANSWER_411] = { "", "411 Length Required", 200 },
	};

	for (int i = 0; i < ANSWERS; i++) {
		struct answer *a = &answers[i];

		a->path = sl_str_of(spec[i].path);
		for (int close = 0; close < 2; close++) {
			a->whole[close] = answer_build(spec[i].status, close, spec[i].body_len,
						       &a->head_len[close]);
			if (!a->whole[close].ptr)
				return -ENOMEM;
		}
	}
	return 0;
}

void bench_answers_free(struct answer *answers)
{
	for (int i = 0; i < ANSWERS; i++)
		for (int close = 0; close < 2; close++)
			free((char *)answers[i].whole[close].ptr);
}
