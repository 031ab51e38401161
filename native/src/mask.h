#ifndef HEARTWIRE_MASK_H
#define HEARTWIRE_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Masks or unmasks (RFC 6455 section 5.3): octet i XOR octet i modulo 4 of the key, whose low byte is the first.
 * `target` is `source` itself, or does not overlap with it. Returns whether all that was written is ASCII.
 */
bool mask_bytes(uint8_t *target, const uint8_t *source, size_t length, uint32_t key);

#endif
