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

/* x is finite: its exponent is not all ones. Looks at the bits, so that -ffast-math cannot argue it away. */
static inline int tfkd_is_finite(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return (bits & 0x7f800000u) != 0x7f800000u;
}

static inline float tfkd_standardise(float x, int channel) {
  return (x - tfkd_mean[channel]) / tfkd_scale[channel];
}

/* Standardised, for an image: kept within what float32 can add up and subtract without infinities. */
static inline float tfkd_limited(float x) { return x > 1e9f ? 1e9f : x < -1e9f ? -1e9f : x; }

/* Nearest step, ties to even, clamped. `x` may be infinite but not NaN. */
static inline int8_t tfkd_quantise(float x) {
  float steps = x / TFKD_INPUT_SCALE;
  /* Beyond 256 steps every zero point ends at a clamp, and within them the sum below is exact. */
  if (steps > 256.0f) steps = 256.0f;
  if (steps < -256.0f) steps = -256.0f;
  /* At 1.5 * 2^23 neighbouring floats are 1 apart: the addition itself rounds, to even on a tie, and leaves the
   * integer in the low bits. It is what lrintf does in the default rounding mode, without a call. */
  const float shifted = steps + 12582912.0f;
  int32_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  int32_t step = bits - 0x4b400000 + TFKD_INPUT_ZERO_POINT;
  if (step > 127) step = 127;
  if (step < -128) step = -128;
  return (int8_t)step;
}

#ifdef __cplusplus
}
#endif

#endif /* TFKD_QUANTISE_H_ */
