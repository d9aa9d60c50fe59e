#include <string.h>

#include "tfkd_kernels.h"
#include "tfkd_requantise.h"

/* Adds the products of `pairs` pairs of entries, each {step, weight, step, weight}, to four sums. */
#if defined(TFKD_MVE)
static inline tfkd_sums multiply_row(const int8_t *entries, int pairs, const int16_t *values, tfkd_sums sums) {
  int32x4_t lanes = vdupq_n_s32(sums.p0); /* all four are the bias */
  const uint8_t *bytes = (const uint8_t *)values;
  for (; pairs > 0; --pairs, entries += 4) {
    uint32_t word;
    memcpy(&word, entries, 4);
    bytes += word & 0xFF;
    lanes = vmlaq_n_s32(lanes, vldrhq_s32((const int16_t *)(const void *)bytes), (int8_t)(word >> 8));
    bytes += word >> 16 & 0xFF;
    lanes = vmlaq_n_s32(lanes, vldrhq_s32((const int16_t *)(const void *)bytes), (int32_t)word >> 24);
  }
  sums.p0 = vgetq_lane_s32(lanes, 0);
  sums.p1 = vgetq_lane_s32(lanes, 2);
  sums.p2 = vgetq_lane_s32(lanes, 1);
  sums.p3 = vgetq_lane_s32(lanes, 3);
  return sums;
}
#elif defined(TFKD_DSP)
static inline tfkd_sums multiply_row(const int8_t *entries, int pairs, const int16_t *values, tfkd_sums sums) {
  uint32_t word, weights, even, odd;
  if (pairs == 0) return sums;
  __asm__ volatile(
      "1:\n\t"
      "ldr %[word], [%[entries]], #4\n\t"
      "uxtab %[values], %[values], %[word]\n\t"
      "ldrd %[even], %[odd], [%[values]]\n\t"
      "sxtb16 %[weights], %[word], ror #8\n\t"
      "uxtab %[values], %[values], %[word], ror #16\n\t"
      "smlabb %[s0], %[even], %[weights], %[s0]\n\t"
      "smlatb %[s2], %[even], %[weights], %[s2]\n\t"
      "smlabb %[s1], %[odd], %[weights], %[s1]\n\t"
      "smlatb %[s3], %[odd], %[weights], %[s3]\n\t"
      "ldrd %[even], %[odd], [%[values]]\n\t"
      "subs %[pairs], %[pairs], #1\n\t"
      "smlabt %[s0], %[even], %[weights], %[s0]\n\t"
      "smlatt %[s2], %[even], %[weights], %[s2]\n\t"
      "smlabt %[s1], %[odd], %[weights], %[s1]\n\t"
      "smlatt %[s3], %[odd], %[weights], %[s3]\n\t"
      "bne 1b\n\t"
      : [s0] "+r"(sums.p0), [s1] "+r"(sums.p1), [s2] "+r"(sums.p2), [s3] "+r"(sums.p3), [entries] "+r"(entries), [values] "+r"(values),
        [pairs] "+r"(pairs), [word] "=&r"(word), [weights] "=&r"(weights), [even] "=&r"(even), [odd] "=&r"(odd)
      :
      : "cc", "memory");
  return sums;
}
#else
static inline tfkd_sums multiply_row(const int8_t *entries, int pairs, const int16_t *values, tfkd_sums sums) {
  for (int i = 0; i < 2 * pairs; ++i, entries += 2) {
    values += (uint8_t)entries[0] / sizeof *values;
    sums.p0 += entries[1] * values[0];
    sums.p1 += entries[1] * values[2];
    sums.p2 += entries[1] * values[1];
    sums.p3 += entries[1] * values[3];
  }
  return sums;
}
#endif

void tfkd_multiply_sparse(const tfkd_matrix *matrix, const int16_t *columns, int count, int8_t *out) {
  const int8_t *entries = matrix->weights;
  for (int row = 0; row < matrix->rows; ++row, out += matrix->out_step) {
    const int32_t bias = matrix->scaling.bias[row];
    const int pairs = matrix->pairs[row];
    const tfkd_sums sums = multiply_row(entries, pairs, columns, tfkd_four(bias));
    entries += 4 * pairs;
    tfkd_scale_positions(&matrix->scaling, row, sums, count, out);
  }
}
