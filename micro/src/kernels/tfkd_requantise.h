/* From a 32-bit sum to int8, rounding as TensorFlow Lite Micro does: twice, first a saturating doubling high
 * multiply (half up), then a division by a power of two (half away from zero).
 *
 * The generator has made sure that no sum leaves 31 bits, so nothing here saturates but the result. Shifts to the
 * right of negative values are arithmetic, as in every compiler for these cores.
 */
#ifndef TFKD_REQUANTISE_H_
#define TFKD_REQUANTISE_H_

#include <stdint.h>

#include "tfkd_dsp.h"
#include "tfkd_kernels.h"
#include "tfkd_mve.h"

/* x * multiplier / 2^31, half up; x from -2^30 to 2^30 - 1. */
static inline int32_t tfkd_high_multiply(int32_t x, int32_t multiplier) {
#ifdef TFKD_DSP
  return tfkd_multiply_add_high(x * 2, multiplier, 0);
#else
  return (int32_t)(((int64_t)x * multiplier + (INT64_C(1) << 30)) >> 31);
#endif
}

/* x / 2^exponent, half away from zero; exponent from 0 to 31. */
static inline int32_t tfkd_divide_by_power(int32_t x, int exponent) {
  const int32_t mask = (int32_t)((UINT32_C(1) << exponent) - 1);
  return (x >> exponent) + ((x & mask) > (mask >> 1) + (x < 0));
}

/* shift: to the left if positive. */
static inline int32_t tfkd_rescale(int32_t x, int32_t multiplier, int shift) {
  if (shift > 0) return tfkd_high_multiply((int32_t)((uint32_t)x << shift), multiplier);
  return tfkd_divide_by_power(tfkd_high_multiply(x, multiplier), -shift);
}

static inline int32_t tfkd_clamp(int32_t x, int32_t low, int32_t high) {
  return x < low ? low : x > high ? high : x;
}

/* One sum of channel `row` to int8. */
static inline int8_t tfkd_scale(const tfkd_scaling *scaling, int row, int32_t sum) {
  const int32_t value = tfkd_rescale(sum, (int32_t)(scaling->multiplier[row] >> 1), scaling->shift[row]);
  return (int8_t)tfkd_clamp(value + scaling->zero_point, scaling->low, scaling->high);
}

#ifdef TFKD_DSP
/* The scaling of one channel, for shifts of at least 2 to the right. */
typedef struct tfkd_factors {
  int32_t high;  /* twice the multiplier, minus 2^32 */
  int32_t power; /* 2^(32 - exponent) */
} tfkd_factors;

static inline tfkd_factors tfkd_factors_of(const tfkd_scaling *scaling, int row) {
  const tfkd_factors factors = {(int32_t)scaling->multiplier[row], (int32_t)(UINT32_C(1) << (32 + scaling->shift[row]))};
  return factors;
}

/* As tfkd_scale without the range: x * 2m / 2^32 is x + x * (2m - 2^32) / 2^32; then, minus 1 where negative, a
 * multiplication by the power rounds half up, which makes half away from zero of it. */
static inline int32_t tfkd_scale_fast(int32_t sum, tfkd_factors factors, int32_t zero_point) {
  const int32_t scaled = tfkd_multiply_add_high(sum, factors.high, sum);
  return tfkd_saturate(tfkd_multiply_add_high(scaled + (scaled >> 31), factors.power, zero_point));
}
#endif

/* The sums of four positions. */
typedef struct tfkd_sums {
  int32_t p0, p1, p2, p3;
} tfkd_sums;

static inline tfkd_sums tfkd_four(int32_t value) {
  const tfkd_sums sums = {value, value, value, value};
  return sums;
}

/* The first `count` sums of channel `row` to int8, whatever its shift and range. */
void tfkd_scale_some(const tfkd_scaling *scaling, int row, tfkd_sums sums, int count, int8_t *out);

/* The same, fast where it can be. */
static inline void tfkd_scale_positions(const tfkd_scaling *scaling, int row, tfkd_sums sums, int count, int8_t *out) {
#ifdef TFKD_MVE
  const int32_t lanes[4] = {sums.p0, sums.p1, sums.p2, sums.p3};
  vstrbq_p_s32(out, tfkd_scale_vector(scaling, row, vldrwq_s32(lanes)), vctp32q((uint32_t)count));
#else
#ifdef TFKD_DSP
  if (count == TFKD_POSITIONS && scaling->fast) {
    const tfkd_factors factors = tfkd_factors_of(scaling, row);
    const int32_t zero_point = scaling->zero_point;
    tfkd_store(out, tfkd_scale_fast(sums.p0, factors, zero_point));
    tfkd_store(out + 1, tfkd_scale_fast(sums.p1, factors, zero_point));
    tfkd_store(out + 2, tfkd_scale_fast(sums.p2, factors, zero_point));
    tfkd_store(out + 3, tfkd_scale_fast(sums.p3, factors, zero_point));
    return;
  }
#endif
  tfkd_scale_some(scaling, row, sums, count, out);
#endif
}

#endif /* TFKD_REQUANTISE_H_ */
