#include "tfkd_kernels.h"
#include "tfkd_requantise.h"

/* Adds the products of one row of weights and four packed windows to four sums. */
#if defined(TFKD_MVE)
static inline void multiply_row(const int8_t *weights, const int16_t *values, int inner, int32_t sums[TFKD_POSITIONS]) {
  const int8_t *bytes = (const int8_t *)values;
  int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
  for (; inner > 8; inner -= 16, weights += 16, bytes += 64) {
    const int8x16_t w = vldrbq_s8(weights);
    s0 = vmladavaq_s8(s0, w, vldrbq_s8(bytes));
    s1 = vmladavaq_s8(s1, w, vldrbq_s8(bytes + 16));
    s2 = vmladavaq_s8(s2, w, vldrbq_s8(bytes + 32));
    s3 = vmladavaq_s8(s3, w, vldrbq_s8(bytes + 48));
  }
  if (inner > 0) {
    const int8x16_t w = vldrbq_z_s8(weights, vctp8q(8));
    s0 = vmladavaq_s8(s0, w, vldrbq_s8(bytes));
    s1 = vmladavaq_s8(s1, w, vldrbq_s8(bytes + 16));
    s2 = vmladavaq_s8(s2, w, vldrbq_s8(bytes + 32));
    s3 = vmladavaq_s8(s3, w, vldrbq_s8(bytes + 48));
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
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

static inline void multiply_row(const int8_t *weights, const int16_t *values, int inner, int32_t sums[TFKD_POSITIONS]) {
  int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
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
      : [s0] "+r"(s0), [s1] "+r"(s1), [s2] "+r"(s2), [s3] "+r"(s3), [weights] "+r"(weights), [values] "+r"(values),
        [rounds] "+r"(rounds), [w0] "=&r"(w0), [w1] "=&r"(w1), [pair] "=&r"(pair)
      :
      : "r4", "r5", "r6", "r8", "cc", "memory");
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}
#else
static inline void multiply_row(const int8_t *weights, const int16_t *values, int inner, int32_t sums[TFKD_POSITIONS]) {
  for (int k = 0; k < inner; k += 4, weights += 4, values += 4 * TFKD_POSITIONS) {
    const int16_t *behind = values + 2 * TFKD_POSITIONS;
    for (int p = 0; p < TFKD_POSITIONS; ++p) {
      sums[p] += weights[0] * values[2 * p] + weights[2] * values[2 * p + 1] + weights[1] * behind[2 * p] +
                 weights[3] * behind[2 * p + 1];
    }
  }
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
    int32_t sums[TFKD_POSITIONS] = {bias, bias, bias, bias};
    multiply_row(weights, columns, inner, sums);
    tfkd_scale_positions(&scaling, row, sums, count, out);
  }
}
