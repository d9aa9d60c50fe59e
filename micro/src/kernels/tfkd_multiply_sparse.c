#include "tfkd_kernels.h"
#include "tfkd_requantise.h"

/* Adds the products of `pairs` pairs of entries, each {step, weight, step, weight}, to four sums. */
#if defined(TFKD_MVE)
static inline void multiply_row(const int8_t *entries, int pairs, const int16_t *values, int32_t sums[TFKD_POSITIONS]) {
  int32x4_t lanes = vdupq_n_s32(sums[0]); /* all four are the bias */
  for (int i = 0; i < 2 * pairs; ++i, entries += 2) {
    values += (uint8_t)entries[0] / sizeof *values;
    lanes = vmlaq_n_s32(lanes, vldrhq_s32(values), entries[1]);
  }
  sums[0] = vgetq_lane_s32(lanes, 0);
  sums[1] = vgetq_lane_s32(lanes, 2);
  sums[2] = vgetq_lane_s32(lanes, 1);
  sums[3] = vgetq_lane_s32(lanes, 3);
}
#elif defined(TFKD_DSP)
static inline void multiply_row(const int8_t *entries, int pairs, const int16_t *values, int32_t sums[TFKD_POSITIONS]) {
  int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
  uint32_t word, weights, even, odd;
  if (pairs == 0) return;
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
      : [s0] "+r"(s0), [s1] "+r"(s1), [s2] "+r"(s2), [s3] "+r"(s3), [entries] "+r"(entries), [values] "+r"(values),
        [pairs] "+r"(pairs), [word] "=&r"(word), [weights] "=&r"(weights), [even] "=&r"(even), [odd] "=&r"(odd)
      :
      : "cc", "memory");
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}
#else
static inline void multiply_row(const int8_t *entries, int pairs, const int16_t *values, int32_t sums[TFKD_POSITIONS]) {
  for (int i = 0; i < 2 * pairs; ++i, entries += 2) {
    values += (uint8_t)entries[0] / sizeof *values;
    for (int p = 0; p < TFKD_POSITIONS; ++p) sums[p] += entries[1] * values[p / 2 + p % 2 * 2];
  }
}
#endif

void tfkd_multiply_sparse(const tfkd_matrix *matrix, const int16_t *columns, int count, int8_t *out) {
  const int8_t *entries = matrix->weights;
  for (int row = 0; row < matrix->rows; ++row, out += matrix->out_step) {
    const int32_t bias = matrix->scaling.bias[row];
    const int pairs = matrix->pairs[row];
    int32_t sums[TFKD_POSITIONS] = {bias, bias, bias, bias};
    multiply_row(entries, pairs, columns, sums);
    entries += 4 * pairs;
    tfkd_scale_positions(&matrix->scaling, row, sums, count, out);
  }
}
