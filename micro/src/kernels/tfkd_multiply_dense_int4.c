#include "tfkd_int4.h"
#include "tfkd_kernels.h"
#include "tfkd_requantise.h"

/* multiply_row sums up a bias and the products of one row of weights and four packed windows, and goes on to the next
 * row. Its sums and bias are 2^SUM_BITS times as large as they are. */
#if defined(TFKD_MVE)
#define SUM_BITS 0

/* Sixteen weights, of which each word comes twice: the low halves of the first move up, then all high halves are widened. */
static inline int8x16_t widened(int32x4_t words) {
  const int8x16_t up = {4, 4, 4, 4, 0, 0, 0, 0, 4, 4, 4, 4, 0, 0, 0, 0};
  return vshrq_n_s8(vshlq_s8(vreinterpretq_s8_s32(words), up), 4);
}

static inline tfkd_sums multiply_row(const int8_t **row, const int16_t *values, int inner, int32_t bias) {
  const int8_t *weights = *row;
  tfkd_sums sums = tfkd_four(bias);
  *row += inner / 2;
  const int32_t *words = (const int32_t *)(const void *)weights;
  const int8_t *bytes = (const int8_t *)values;
  const uint32x4_t twice = vandq_u32(vidupq_n_u32(0, 2), vdupq_n_u32(4));
  for (; inner > 8; inner -= 16, words += 2, bytes += 64) {
    const int8x16_t w = widened(vldrwq_gather_offset_s32(words, twice));
    sums.p0 = vmladavaq_s8(sums.p0, w, vldrbq_s8(bytes));
    sums.p1 = vmladavaq_s8(sums.p1, w, vldrbq_s8(bytes + 16));
    sums.p2 = vmladavaq_s8(sums.p2, w, vldrbq_s8(bytes + 32));
    sums.p3 = vmladavaq_s8(sums.p3, w, vldrbq_s8(bytes + 48));
  }
  if (inner > 0) {
    const int8x16_t w = widened(vldrwq_gather_offset_z_s32(words, twice, vctp32q(2)));
    sums.p0 = vmladavaq_s8(sums.p0, w, vldrbq_s8(bytes));
    sums.p1 = vmladavaq_s8(sums.p1, w, vldrbq_s8(bytes + 16));
    sums.p2 = vmladavaq_s8(sums.p2, w, vldrbq_s8(bytes + 32));
    sums.p3 = vmladavaq_s8(sums.p3, w, vldrbq_s8(bytes + 48));
  }
  return sums;
}
#elif defined(TFKD_DSP)
/* Weights stay in the four highest bits of 16. The generator has made sure that no sum is too large for that; what a
 * sum on the way loses at the top it gets back. */
#define SUM_BITS 12

/* Two weights times one pair of each position. */
#define PAIR(moved)                                 \
  "and %[pair], %[mask], %[word]" moved "\n\t"      \
  "ldmia %[values]!, {r4, r5, r6, r8}\n\t"          \
  "smlad %[s0], %[pair], r4, %[s0]\n\t"             \
  "smlad %[s1], %[pair], r5, %[s1]\n\t"             \
  "smlad %[s2], %[pair], r6, %[s2]\n\t"             \
  "smlad %[s3], %[pair], r8, %[s3]\n\t"

#define EIGHT "ldr %[word], [%[weights]], #4\n\t" PAIR(", lsl #12") PAIR(", lsl #4") PAIR(", lsl #8") PAIR("")

static inline tfkd_sums multiply_row(const int8_t **row, const int16_t *values, int inner, int32_t bias) {
  const int8_t *weights = *row;
  int32_t s0 = bias, s1 = bias, s2 = bias, s3 = bias, word, pair, rounds = inner / 8;
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
        [rounds] "+r"(rounds), [word] "=&r"(word), [pair] "=&r"(pair)
      : [mask] "r"(0xF000F000)
      : "r4", "r5", "r6", "r8", "cc", "memory");
  *row = weights;
  const tfkd_sums sums = {s0, s1, s2, s3};
  return sums;
}
#else
#define SUM_BITS 0

static inline tfkd_sums multiply_row(const int8_t **row, const int16_t *values, int inner, int32_t bias) {
  const int8_t *weights = *row;
  tfkd_sums sums = tfkd_four(bias);
  *row += inner / 2;
  for (int k = 0; k < inner; k += 8, weights += 4, values += 8 * TFKD_POSITIONS) {
    for (int half = 0; half < 2; ++half) {
      const int w0 = tfkd_half(weights[0], half), w1 = tfkd_half(weights[2], half);
      const int w2 = tfkd_half(weights[1], half), w3 = tfkd_half(weights[3], half);
      const int16_t *x = values + half * 4 * TFKD_POSITIONS, *behind = x + 2 * TFKD_POSITIONS;
      sums.p0 += w0 * x[0] + w1 * x[1] + w2 * behind[0] + w3 * behind[1];
      sums.p1 += w0 * x[2] + w1 * x[3] + w2 * behind[2] + w3 * behind[3];
      sums.p2 += w0 * x[4] + w1 * x[5] + w2 * behind[4] + w3 * behind[5];
      sums.p3 += w0 * x[6] + w1 * x[7] + w2 * behind[6] + w3 * behind[7];
    }
  }
  return sums;
}
#endif

void tfkd_multiply_dense_int4(const tfkd_matrix *matrix, const int16_t *columns, int count, int8_t *out) {
  /* Copies, which no store to `out` can change. */
  const tfkd_scaling scaling = matrix->scaling;
  const int inner = matrix->inner, rows = matrix->rows;
  const uint32_t out_step = matrix->out_step;
  const int8_t *weights = matrix->weights;
#ifdef TFKD_DSP
  const int may_be_fast = count == TFKD_POSITIONS && scaling.low == -128 && scaling.high == 127;
#endif
  for (int row = 0; row < rows; ++row, out += out_step) {
    const int32_t bias = (int32_t)((uint32_t)scaling.bias[row] << SUM_BITS);
    const tfkd_sums large = multiply_row(&weights, columns, inner, bias);
    const tfkd_sums sums = {large.p0 >> SUM_BITS, large.p1 >> SUM_BITS, large.p2 >> SUM_BITS, large.p3 >> SUM_BITS};
#ifdef TFKD_DSP
    /* Steps of weights of four bits are large, so that a channel's shift may be small: that takes its own row alone. */
    if (may_be_fast && scaling.shift[row] <= -2) {
      const tfkd_factors factors = tfkd_factors_of(&scaling, row);
      const int32_t zero_point = scaling.zero_point;
      tfkd_store(out, tfkd_scale_fast(sums.p0, factors, zero_point));
      tfkd_store(out + 1, tfkd_scale_fast(sums.p1, factors, zero_point));
      tfkd_store(out + 2, tfkd_scale_fast(sums.p2, factors, zero_point));
      tfkd_store(out + 3, tfkd_scale_fast(sums.p3, factors, zero_point));
      continue;
    }
    tfkd_scale_some(&scaling, row, sums, count, out);
#else
    tfkd_scale_positions(&scaling, row, sums, count, out);
#endif
  }
}
