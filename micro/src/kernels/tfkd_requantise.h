/* From a 32-bit sum to int8, rounding as TensorFlow Lite Micro does: twice, first a saturating doubling high
 * multiply (half up), then a division by a power of two (half away from zero).
 *
 * The generator has made sure that no sum leaves 32 bits, so nothing here saturates but the result. Shifts to the
 * right of negative values are arithmetic, as in every compiler for these cores.
 */
#ifndef TFKD_REQUANTISE_H_
#define TFKD_REQUANTISE_H_

#include <stdint.h>

/* x * multiplier / 2^31, half up. */
static inline int32_t tfkd_high_multiply(int32_t x, int32_t multiplier) {
  return (int32_t)(((int64_t)x * multiplier + (INT64_C(1) << 30)) >> 31);
}

/* x / 2^exponent, half away from zero; exponent from 0 to 31. */
static inline int32_t tfkd_divide_by_power(int32_t x, int exponent) {
  if (exponent == 0) return x;
  return (int32_t)(((int64_t)x + (INT64_C(1) << (exponent - 1)) - (x < 0)) >> exponent);
}

/* shift: to the left if positive. */
static inline int32_t tfkd_rescale(int32_t x, int32_t multiplier, int shift) {
  if (shift > 0) return tfkd_high_multiply((int32_t)((uint32_t)x << shift), multiplier);
  return tfkd_divide_by_power(tfkd_high_multiply(x, multiplier), -shift);
}

static inline int32_t tfkd_clamp(int32_t x, int32_t low, int32_t high) {
  return x < low ? low : x > high ? high : x;
}

#endif /* TFKD_REQUANTISE_H_ */
