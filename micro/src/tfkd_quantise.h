/* From a sensor value to the student's int8, as the contract says, bit for bit what NumPy float32 gives. */
#ifndef TFKD_QUANTISE_H_
#define TFKD_QUANTISE_H_

#include <stdint.h>
#include <string.h>

#include "tfkd_check.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A product, rounded to float32. Compilers may join a product and a sum into one fused operation, which rounds once
 * instead of twice and so gives another value on cores that have it; passing through memory keeps them apart under
 * every compiler and setting. */
static inline float tfkd_product(float a, float b) {
  volatile float product = a * b;
  return product;
}

/* The point at `weight` (0 to 1) of the straight line from `a` to `b`; exact at both ends. */
static inline float tfkd_between(float a, float b, float weight) {
  return tfkd_product(a, 1.0f - weight) + tfkd_product(b, weight);
}

/* The bits of |x|, in the order of the values; TFKD_NOT_FINITE and above are infinity and NaN. Bits, so that
 * -ffast-math cannot argue them away. */
#define TFKD_NOT_FINITE 0x7f800000u
static inline uint32_t tfkd_bits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}
static inline uint32_t tfkd_magnitude(float x) { return tfkd_bits(x) & 0x7fffffffu; }

static inline float tfkd_standardise(float x, int channel) {
  return (x - tfkd_mean[channel]) / tfkd_scale[channel];
}

/* Standardised, for an image: kept within what float32 can add up and subtract without infinities. */
static inline float tfkd_limited(float x) { return x > 1e9f ? 1e9f : x < -1e9f ? -1e9f : x; }

/* Nearest step, ties to even, clamped. `x` may be infinite but not NaN. */
static inline int8_t tfkd_quantise(float x) {
  /* At 1.5 * 2^23 neighbouring floats are 1 apart: the addition itself rounds, to even on a tie, and leaves the integer
   * in the low bits. It is what lrintf does in the default rounding mode, without a call. */
  const uint32_t bits = tfkd_bits(x / TFKD_INPUT_SCALE + 12582912.0f);
  const uint32_t lowest = 0x4b400000u - (uint32_t)(TFKD_INPUT_ZERO_POINT) - 128u;
  const uint32_t step = bits - lowest;
  if (step <= 255u) return (int8_t)((int32_t)step - 128);
  /* As bits, floats are in the order of their values, but that those with the sign bit are below all others. */
  return bits > lowest && bits < 0x80000000u ? 127 : -128;
}

#ifdef __cplusplus
}
#endif

#endif /* TFKD_QUANTISE_H_ */
