/* SPDX-License-Identifier: MIT */
#include "proof.h"

#include <string.h>

struct state {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotated(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static void round_of(struct state *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotated(s->v1, 13) ^ s->v0;
	s->v3 = rotated(s->v3, 16) ^ s->v2;
	s->v0 = rotated(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = rotated(s->v1, 17) ^ s->v2;
	s->v3 = rotated(s->v3, 21) ^ s->v0;
	s->v2 = rotated(s->v2, 32);
}

static void take(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	round_of(s);
	round_of(s);
	s->v0 ^= word;
}

/* Little-endian, as all machines are that the shim is for. */
static uint64_t word_at(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

/**
 * pw_proof() - SipHash-2-4 (Aumasson and Bernstein, 2012) of a challenge
 * @token: the key, of 16 bytes
 * @nonce: of PW_NONCE_BYTES, drawn by who asks
 * @scope: where the listener was reached: 0 by its path, else the cookie of
 *	the network namespace in which it has its abstract name
 *
 * The scope keeps who stands between from having a proof that he needs made
 * by the helper, whom he reaches in another way.
 */
uint64_t pw_proof(const uint8_t *token, const uint8_t *nonce, uint64_t scope)
{
	uint64_t k0 = word_at(token), k1 = word_at(token + 8);
	struct state s = {
		k0 ^ 0x736f6d6570736575,
		k1 ^ 0x646f72616e646f6d,
		k0 ^ 0x6c7967656e657261,
		k1 ^ 0x7465646279746573,
	};

	take(&s, word_at(nonce));
	take(&s, word_at(nonce + 8));
	take(&s, scope);
	take(&s, (uint64_t)(PW_NONCE_BYTES + sizeof(scope)) << 56);
	s.v2 ^= 0xff;
	for (int i = 0; i < 4; i++)
		round_of(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
