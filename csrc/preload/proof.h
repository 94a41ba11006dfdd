/* SPDX-License-Identifier: MIT */
/* By what the helper shows that it knows the token, without telling it. */
#ifndef PW_PROOF_H
#define PW_PROOF_H

#include <stdint.h>

#define PW_NONCE_BYTES 16
#define PW_PROOF_BYTES 8

uint64_t pw_proof(const uint8_t *token, const uint8_t *nonce, uint64_t scope);

#endif
