/* SPDX-License-Identifier: Apache-2.0 */
/* What can be done to a token once it is signed.  Each changes it in its place, or puts another one
 * there and frees it. */
#ifndef TESTS_LIB_MANGLE_H
#define TESTS_LIB_MANGLE_H

void mangle_no_signature(char **token);
void mangle_no_third_part(char **token);
void mangle_no_header(char **token);
void mangle_fourth_part(char **token);
void mangle_five_parts(char **token);
void mangle_padded(char **token);
void mangle_padded_signature(char **token);
void mangle_line_end(char **token);
void mangle_space_in_front(char **token);
void mangle_space_within(char **token);
void mangle_plus(char **token);
void mangle_slash(char **token);
void mangle_unused_bits(char **token);
void mangle_cut_signature(char **token);
void mangle_longer_signature(char **token);
void mangle_other_signature(char **token);
void mangle_other_claims(char **token);
void mangle_zeros(char **token);
void mangle_swapped_halves(char **token);
void mangle_longer_halves(char **token);
void mangle_der(char **token);
void mangle_too_long(char **token);
void mangle_nothing_at_all(char **token);
void mangle_only_dots(char **token);

#endif
