#include "tfkd_kernels.h"
#include "tfkd_requantise.h"

/* Adds the products of one row of weights and four packed windows to four sums. */
#if defined(TFKD_MVE)
static inline tfkd_sums multiply_row(const int8_t *weights, const int16_t *values, int inner, tfkd_sums sums) {
  const int8_t *bytes = (const int8_t *)values;
  for (; inner > 8; inner -= 16, weights += 16, bytes += 64) {
    const int8x16_t w = vldrbq_s8(weights);
    sums.p0 = vmladavaq_s8(sums.p0, w, vldrbq_s8(bytes));
    sums.p1 = vmladavaq_s8(sums.p1, w, vldrbq_s8(bytes + 16));
    sums.p2 = vmladavaq_s8(sums.p2, w, vldrbq_s8(bytes + 32));
    sums.p3 = vmladavaq_s8(sums.p3, w, vldrbq_s8(bytes + 48));
  }
  if (inner > 0) {
    const int8x16_t w = vldrbq_z_s8(weights, vctp8q(8));
    sums.p0 = vmladavaq_s8(sums.p0, w, vldrbq_s8(bytes));
    sums.p1 = vmladavaq_s8(sums.p1, w, vldrbq_s8(bytes + 16));
    sums.p2 = vmladavaq_s8(sums.p2, w, vldrbq_s8(bytes + 32));
    sums.p3 = vmladavaq_s8(sums.p3, w, vldrbq_s8(bytes + 48));
  }
  return sums;
}
#elif defined(TFKD_DSP)
/* Eight weights: two words, each widened to its even and its odd bytes, each times one pair of four positions. */
#define EIGHT                                       \
  "ldrd %[w0], %[w1], [%[weights]], #8\n\t"         \
  "sxtb16 %[pair], %[w0]\n\t"                       \
  "ldmia %[values]!, {r4, r5, r6, r8}\n\t"          \
  "smlad %[s0], %[pair], r4, %[s0]\n\t"             \
  "smlad %[s1], %[pair], r5, %[s1]\n\t"             \
  "smlad %[s2], %[pair], r6, %[s2]\n\t"             \
  "smlad %[s3], %[pair], r8, %[s3]\n\t"             \
  "sxtb16 %[pair], %[w0], ror #8\n\t"               \
  "ldmia %[values]!, {r4, r5, r6, r8}\n\t"          \
  "smlad %[s0], %[pair], r4, %[s0]\n\t"             \
  "smlad %[s1], %[pair], r5, %[s1]\n\t"             \
  "smlad %[s2], %[pair], r6, %[s2]\n\t"             \
  "smlad %[s3], %[pair], r8, %[s3]\n\t"             \
  "sxtb16 %[pair], %[w1]\n\t"                       \
  "ldmia %[values]!, {r4, r5, r6, r8}\n\t"          \
  "smlad %[s0], %[pair], r4, %[s0]\n\t"             \
  "smlad %[s1], %[pair], r5, %[s1]\n\t"             \
  "smlad %[s2], %[pair], r6, %[s2]\n\t"             \
  "smlad %[s3], %[pair], r8, %[s3]\n\t"             \
  "sxtb16 %[pair], %[w1], ror #8\n\t"               \
  "ldmia %[values]!, {r4, r5, r6, r8}\n\t"          \
  "smlad %[s0], %[pair], r4, %[s0]\n\t"             \
  "smlad %[s1], %[pair], r5, %[s1]\n\t"             \
  "smlad %[s2], %[pair], r6, %[s2]\n\t"             \
  "smlad %[s3], %[pair], r8, %[s3]\n\t"

static inline tfkd_sums multiply_row(const int8_t *weights, const int16_t *values, int inner, tfkd_sums sums) {
  int32_t w0, w1, pair, rounds = inner / 8;
  __asm__ volatile(
      "lsrs %[rounds], %[rounds], #1\n\t"
      "bcc 1f\n\t"
      "add %[rounds], %[rounds], #1\n\t"
      "b 2f\n"
      "1:\n\t" EIGHT
      "2:\n\t" EIGHT
      "subs %[rounds], %[rounds], #1\n\t"
      "bne 1b\n\t"
      : [s0] "+r"(sums.p0), [s1] "+r"(sums.p1), [s2] "+r"(sums.p2), [s3] "+r"(sums.p3), [weights] "+r"(weights), [values] "+r"(values),
        [rounds] "+r"(rounds), [w0] "=&r"(w0), [w1] "=&r"(w1), [pair] "=&r"(pair)
      :
      : "r4", "r5", "r6", "r8", "cc", "memory");
  return sums;
}
#else
static inline tfkd_sums multiply_row(const int8_t *weights, const int16_t *values, int inner, tfkd_sums sums) {
  for (int k = 0; k < inner; k += 4, weights += 4, values += 4 * TFKD_POSITIONS) {
    const int16_t *behind = values + 2 * TFKD_POSITIONS;
    sums.p0 += weights[0] * values[0] + weights[2] * values[1] + weights[1] * behind[0] + weights[3] * behind[1];
    sums.p1 += weights[0] * values[2] + weights[2] * values[3] + weights[1] * behind[2] + weights[3] * behind[3];
    sums.p2 += weights[0] * values[4] + weights[2] * values[5] + weights[1] * behind[4] + weights[3] * behind[5];
    sums.p3 += weights[0] * values[6] + weights[2] * values[7] + weights[1] * behind[6] + weights[3] * behind[7];
  }
  return sums;
}
#endif

void tfkd_multiply_dense(const tfkd_matrix *matrix, const int16_t *columns, int count, int8_t *out) {
  /* Copies, which no store to `out` can change. */
  const tfkd_scaling scaling = matrix->scaling;
  const int inner = matrix->inner, rows = matrix->rows;
  const uint32_t out_step = matrix->out_step;
  const int8_t *weights = matrix->weights;
  for (int row = 0; row < rows; ++row, out += out_step, weights += inner) {
    const int32_t bias = scaling.bias[row];
    const tfkd_sums sums = multiply_row(weights, columns, inner, tfkd_four(bias));
    tfkd_scale_positions(&scaling, row, sums, count, out);
  }
}
