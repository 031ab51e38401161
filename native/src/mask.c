#include "mask.h"

#include <string.h>

/* A register of the vectors that every x64 and arm64 has; four at a time keep them busy. */
typedef uint64_t vector __attribute__((vector_size(16)));

enum { AT_ONCE = 4 * sizeof(vector) };

bool mask_bytes(uint8_t *target, const uint8_t *source, size_t length, uint32_t key) {
  const uint8_t bytes[4] = {(uint8_t)key, (uint8_t)(key >> 8), (uint8_t)(key >> 16), (uint8_t)(key >> 24)};
  uint32_t word;
  memcpy(&word, bytes, 4);
  const uint64_t words = (uint64_t)word << 32 | word;
  const vector keys = {words, words};
  vector seen = {0, 0};
  size_t at = 0;
  for (; at + AT_ONCE <= length; at += AT_ONCE) {
    vector part[4];
    memcpy(part, source + at, AT_ONCE);
    part[0] ^= keys;
    part[1] ^= keys;
    part[2] ^= keys;
    part[3] ^= keys;
    seen |= (part[0] | part[1]) | (part[2] | part[3]);
    memcpy(target + at, part, AT_ONCE);
  }
  uint64_t all = seen[0] | seen[1];
  for (; at < length; at++) {
    target[at] = source[at] ^ bytes[at & 3];
    all |= target[at];
  }
  return (all & UINT64_C(0x8080808080808080)) == 0;
}
