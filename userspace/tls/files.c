// SPDX-License-Identifier: Apache-2.0
// The fingerprint of files, by what stat(2) says of them.
#include "tls/files.h"

#include <string.h>
#include <sys/stat.h>

#include "base/siphash.h"

/* The status change time too: a file that is moved into place may be older than the one before. */
uint64_t sl_tls_file_print(uint64_t print, const char *path)
{
	static const struct sl_sipkey key = { 0, 0 }; /* nobody gains by a collision */
	uint64_t facts[8] = { print };
	struct stat st;

	if (stat(path, &st) == 0) {
		facts[1] = st.st_dev;
		facts[2] = st.st_ino;
		facts[3] = (uint64_t)st.st_size;
		facts[4] = (uint64_t)st.st_mtim.tv_sec;
		facts[5] = (uint64_t)st.st_mtim.tv_nsec;
		facts[6] = (uint64_t)st.st_ctim.tv_sec;
		facts[7] = (uint64_t)st.st_ctim.tv_nsec;
	}
	return sl_siphash(key, facts, sizeof(facts));
}

uint64_t sl_tls_files_print(const struct sl_tls_conf *conf)
{
	uint64_t print = 0;

	for (unsigned i = 0; i < conf->certificates_nr; i++) {
		print = sl_tls_file_print(print, conf->certificates[i].certificate);
		print = sl_tls_file_print(print, conf->certificates[i].key);
		if (conf->certificates[i].ocsp)
			print = sl_tls_file_print(print, conf->certificates[i].ocsp);
	}
	for (unsigned i = 0; i < conf->ticket_keys_nr; i++)
		print = sl_tls_file_print(print, conf->ticket_keys[i].path);
	if (conf->client_ca)
		print = sl_tls_file_print(print, conf->client_ca);
	if (conf->client_crl)
		print = sl_tls_file_print(print, conf->client_crl);
	return print;
}

uint64_t sl_tls_origin_files_print(const struct sl_tls_origin_conf *conf)
{
	const char *const paths[] = { conf->verify ? conf->ca : NULL,
				      conf->verify ? conf->crl : NULL, conf->certificate,
				      conf->key };
	uint64_t print = 0;

	for (unsigned i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		if (paths[i])
			print = sl_tls_file_print(print, paths[i]);
	return print;
}
