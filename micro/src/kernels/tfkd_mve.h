/* The vector instructions of Cortex-M55 (Helium), integers only. */
#ifndef TFKD_MVE_H_
#define TFKD_MVE_H_

#include "tfkd_kernels.h"

#if TFKD_VECTORS
#define TFKD_MVE 1

#include <arm_mve.h>
#include <stdint.h>

/* How far apart eight channels may be so that 16-bit offsets reach them all. */
#define TFKD_NEAR 9000

/* Four sums of channel `row` to int8, in 32-bit lanes: as tfkd_scale. */
static inline int32x4_t tfkd_scale_vector(const tfkd_scaling *scaling, int row, int32x4_t sums) {
  const int32_t shift = scaling->shift[row];
  if (shift > 0) sums = vshlq_r_s32(sums, shift);
  sums = vqrdmulhq_n_s32(sums, (int32_t)(scaling->multiplier[row] >> 1));
  if (shift < 0) sums = vrshlq_n_s32(vaddq_s32(sums, vshrq_n_s32(sums, 31)), shift);
  sums = vaddq_n_s32(sums, scaling->zero_point);
  return vminq_s32(vmaxq_s32(sums, vdupq_n_s32(scaling->low)), vdupq_n_s32(scaling->high));
}

/* The products of `count` int8 values, summed up. */
static inline int32_t tfkd_dot(const int8_t *a, const int8_t *b, int count, int32_t sum) {
  for (; count > 0; count -= 16, a += 16, b += 16) {
    const mve_pred16_t inside = vctp8q((uint32_t)count);
    sum = vmladavaq_s8(sum, vldrbq_z_s8(a, inside), vldrbq_z_s8(b, inside));
  }
  return sum;
}

/* 0 2 1 3 4 6 5 7: eight channels in the order of weights. */
static inline uint16x8_t tfkd_eight(void) {
  const int8_t order[8] = {0, 2, 1, 3, 4, 6, 5, 7};
  return vreinterpretq_u16_s16(vldrbq_s16(order));
}

/* Bytes 0 2 1 3, 4 6 5 7, ...: the order of weights. */
static inline uint8x16_t tfkd_fours(void) {
  return vreinterpretq_u8_u32(vaddq_n_u32(vmulq_n_u32(vidupq_n_u32(0, 4), 0x01010101), 0x03010200));
}

#endif

#endif /* TFKD_MVE_H_ */
