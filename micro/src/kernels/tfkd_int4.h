/* Weights of four bits, two a byte. */
#ifndef TFKD_INT4_H_
#define TFKD_INT4_H_

#include <stdint.h>

#include "tfkd_dsp.h"

/* The low half of a byte, or the high one. */
static inline int32_t tfkd_half(int8_t byte, int high) {
  return high ? byte >> 4 : (int8_t)((uint8_t)byte << 4) >> 4;
}

#ifdef TFKD_DSP
/* Four weights from two bytes, as bytes in the order 0, 2, 1, 3. */
static inline uint32_t tfkd_load_halves(const int8_t *bytes) {
  uint16_t four;
  memcpy(&four, bytes, 2);
  const uint32_t apart = (four | (uint32_t)four << 12) & 0x0F0F0F0F;
  /* -8 to 7 from 0 to 15: the sign's bit flipped, then minus 8, a borrow away from the next byte. */
  return ((apart ^ 0x88888888) - 0x08080808) ^ 0x80808080;
}
#endif

#endif /* TFKD_INT4_H_ */
