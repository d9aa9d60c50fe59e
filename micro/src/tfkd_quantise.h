/* From a sensor value to the student's input, as the contract says, bit for bit what NumPy float32 gives. */
#ifndef TFKD_QUANTISE_H_
#define TFKD_QUANTISE_H_

#include <stdint.h>
#include <string.h>

#include "tfkd_check.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__ARM_ARCH) && defined(__thumb2__) && defined(__ARM_FP) && defined(__OPTIMIZE__) && defined(__GNUC__) && \
    !defined(__clang__)
#define TFKD_VFP 1 /* the scalar instructions of Cortex-M4F and later */
#endif

#if defined(__GNUC__)
#define TFKD_RARE __attribute__((cold, noinline))
#else
#define TFKD_RARE
#endif

/* The value, rounded to float32 and known to nobody: compilers may not join what made it to what is made of it. They
 * would, to fused operations that round once instead of twice, or, with -ffast-math, to another order. */
static inline float tfkd_rounded(float value) {
#ifdef TFKD_VFP
  __asm__("" : "+t"(value));
  return value;
#elif defined(__GNUC__) && defined(__SSE2__)
  __asm__("" : "+x"(value));
  return value;
#else
  volatile float kept = value;
  return kept;
#endif
}

/* The point at `weight` (0 to 1) of the straight line from `a` to `b`; exact at both ends. */
static inline float tfkd_between(float a, float b, float weight) {
  const float rest = tfkd_rounded(1.0f - weight);
  return tfkd_rounded(tfkd_rounded(a * rest) + tfkd_rounded(b * weight));
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

/* Standardised, for an image: kept within what float32 can add up and subtract without infinities. */
static inline float tfkd_standardised(float x, int channel) {
  const float value = tfkd_rounded(tfkd_rounded(x - tfkd_mean[channel]) / tfkd_scale[channel]);
  return value > 1e9f ? 1e9f : value < -1e9f ? -1e9f : value;
}

/* Nearest integer, ties to even, clamped to int8. `x` may be infinite but not NaN. */
static inline int8_t tfkd_nearest(float x) {
#ifdef TFKD_VFP
  int32_t nearest;
  __asm__("vcvtr.s32.f32 %1, %1\n\tvmov %0, %1\n\tssat %0, #8, %0" : "=r"(nearest), "+t"(x));
  return (int8_t)nearest;
#else
  /* At 1.5 * 2^23 neighbouring floats are 1 apart: the addition itself rounds, to even on a tie, and leaves the integer
   * in the low bits. It is what lrintf does in the default rounding mode, without a call. */
  const uint32_t lowest = 0x4b400000u - 128u, bits = tfkd_bits(tfkd_rounded(x + 12582912.0f));
  if (bits - lowest <= 255u) return (int8_t)((int32_t)(bits - lowest) - 128);
  /* As bits, floats are in the order of their values, but that those with the sign bit are below all others. */
  return bits > lowest && bits < 0x80000000u ? 127 : -128;
#endif
}

/* The student's input for a sensor value, where no image stands between them. */
static inline int8_t tfkd_quantised(float x, int channel) {
  return tfkd_nearest(tfkd_rounded(tfkd_rounded(x - tfkd_origin[channel]) * tfkd_factor[channel]));
}

#ifdef __cplusplus
}
#endif

#endif /* TFKD_QUANTISE_H_ */
