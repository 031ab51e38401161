#include "mask.h"

#include <string.h>

bool mask_bytes(uint8_t *target, const uint8_t *source, size_t length, uint32_t key) {
  const uint8_t bytes[4] = {(uint8_t)key, (uint8_t)(key >> 8), (uint8_t)(key >> 16), (uint8_t)(key >> 24)};
  uint32_t word;
  memcpy(&word, bytes, 4);
  const uint64_t words = (uint64_t)word << 32 | word;
  uint64_t seen[4] = {0, 0, 0, 0};
  size_t at = 0;
  /* Compilers make vectors of this. */
  for (; at + 32 <= length; at += 32) {
    uint64_t lane[4];
    memcpy(lane, source + at, 32);
    for (int i = 0; i < 4; i++) {
      lane[i] ^= words;
      seen[i] |= lane[i];
    }
    memcpy(target + at, lane, 32);
  }
  uint64_t all = seen[0] | seen[1] | seen[2] | seen[3];
  for (; at < length; at++) {
    target[at] = source[at] ^ bytes[at & 3];
    all |= target[at];
  }
  return (all & UINT64_C(0x8080808080808080)) == 0;
}
