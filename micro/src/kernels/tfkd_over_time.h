/* Depthwise convolution over time, for weights of eight bits or four: which, and the kernel's name, says the file that
 * includes this, as WEIGHT_BITS and KERNEL. */
#ifndef TFKD_OVER_TIME_H_
#define TFKD_OVER_TIME_H_

#include "tfkd_int4.h"
#include "tfkd_kernels.h"
#include "tfkd_requantise.h"

/* Four neighbouring outputs from the padded row, with the weights as `taps` in the order of time. */
#if defined(TFKD_MVE)
typedef int8_t cell;

static void widen(const int8_t *in, int count, cell *out) {
  for (; count > 0; count -= 16, in += 16, out += 16) {
    const mve_pred16_t inside = vctp8q((uint32_t)count);
    vstrbq_p_s8(out, vldrbq_z_s8(in, inside), inside);
  }
}

static void widen_taps(const int8_t *weights, int inner, int stride, cell *taps) {
  (void)stride;
  for (int k = 0; k < inner; k += 16) {
    const mve_pred16_t inside = vctp8q((uint32_t)(inner - k));
    if (WEIGHT_BITS == 4) {
      /* Each byte twice, side by side, the first time moved up; then the high halves are widened. */
      const uint16x8_t bytes = vldrbq_z_u16((const uint8_t *)weights + k / 2, vctp16q((uint32_t)(inner - k) / 2));
      const uint16x8_t twice = vsliq_n_u16(vshlq_n_u16(bytes, 4), bytes, 8);
      vstrbq_p_s8(taps + k, vshrq_n_s8(vreinterpretq_s8_u16(twice), 4), inside);
      continue;
    }
    vstrbq_p_s8(taps + k, vldrbq_gather_offset_z_s8(weights + k, tfkd_fours(), inside), inside);
  }
}

static inline tfkd_sums four_outputs(const cell *taps, const cell *values, int inner, int stride, tfkd_sums sums) {
  const cell *x1 = values + stride, *x2 = x1 + stride, *x3 = x2 + stride;
  for (;;) {
    /* Zero taps need no predicate on the values, which stay within the scratch memory. */
    const int8x16_t w = vldrbq_z_s8(taps, vctp8q((uint32_t)inner));
    sums.p0 = vmladavaq_s8(sums.p0, w, vldrbq_s8(values));
    sums.p1 = vmladavaq_s8(sums.p1, w, vldrbq_s8(x1));
    sums.p2 = vmladavaq_s8(sums.p2, w, vldrbq_s8(x2));
    sums.p3 = vmladavaq_s8(sums.p3, w, vldrbq_s8(x3));
    inner -= 16;
    if (inner <= 0) break;
    taps += 16;
    values += 16;
    x1 += 16;
    x2 += 16;
    x3 += 16;
  }
  return sums;
}
#elif defined(TFKD_DSP)
typedef int16_t cell;

/* Two pairs of taps on four windows that lie one pair (stride 2) apart. */
static inline tfkd_sums four_at_stride_2(const int16_t *taps, const int16_t *values, int inner, tfkd_sums sums) {
  int32_t rounds = inner / 4, w0, w1;
  __asm__ volatile(
      "1:\n\t"
      "ldrd %[w0], %[w1], [%[taps]], #8\n\t"
      "ldm %[values], {r2, r3, r4, r5, r6}\n\t"
      "smlad %[s0], %[w0], r2, %[s0]\n\t"
      "smlad %[s1], %[w0], r3, %[s1]\n\t"
      "smlad %[s2], %[w0], r4, %[s2]\n\t"
      "smlad %[s3], %[w0], r5, %[s3]\n\t"
      "add %[values], %[values], #8\n\t"
      "smlad %[s0], %[w1], r3, %[s0]\n\t"
      "smlad %[s1], %[w1], r4, %[s1]\n\t"
      "smlad %[s2], %[w1], r5, %[s2]\n\t"
      "smlad %[s3], %[w1], r6, %[s3]\n\t"
      "subs %[rounds], %[rounds], #1\n\t"
      "bne 1b\n\t"
      : [s0] "+r"(sums.p0), [s1] "+r"(sums.p1), [s2] "+r"(sums.p2), [s3] "+r"(sums.p3), [taps] "+r"(taps), [values] "+r"(values),
        [rounds] "+r"(rounds), [w0] "=&r"(w0), [w1] "=&r"(w1)
      :
      : "r2", "r3", "r4", "r5", "r6", "cc", "memory");
  return sums;
}

/* The same with windows one value apart: every other one needs the taps shifted by one. Two pairs of taps and two
 * pairs of shifted taps alternate. */
static inline tfkd_sums four_at_stride_1(const int16_t *taps, const int16_t *values, int inner, tfkd_sums sums) {
  int32_t rounds = inner / 4;
  __asm__ volatile(
      "1:\n\t"
      "ldmia %[taps]!, {r2, r3, r4, r5}\n\t"
      "ldm %[values], {r6, r8, r9}\n\t"
      "smlad %[s0], r2, r6, %[s0]\n\t"
      "smlad %[s1], r4, r6, %[s1]\n\t"
      "smlad %[s2], r2, r8, %[s2]\n\t"
      "smlad %[s3], r4, r8, %[s3]\n\t"
      "add %[values], %[values], #8\n\t"
      "smlad %[s0], r3, r8, %[s0]\n\t"
      "smlad %[s1], r5, r8, %[s1]\n\t"
      "smlad %[s2], r3, r9, %[s2]\n\t"
      "smlad %[s3], r5, r9, %[s3]\n\t"
      "subs %[rounds], %[rounds], #1\n\t"
      "bne 1b\n\t"
      : [s0] "+r"(sums.p0), [s1] "+r"(sums.p1), [s2] "+r"(sums.p2), [s3] "+r"(sums.p3), [taps] "+r"(taps), [values] "+r"(values),
        [rounds] "+r"(rounds)
      :
      : "r2", "r3", "r4", "r5", "r6", "r8", "r9", "cc", "memory");
  return sums;
}

/* Widens a plane: four values a round. */
static void widen(const int8_t *in, int count, int16_t *out) {
  int i = 0;
  for (; i + 4 <= count; i += 4) {
    const uint32_t bytes = tfkd_load(in + i);
    const uint32_t first = tfkd_low_halves(tfkd_even(bytes), tfkd_odd(bytes));
    const uint32_t second = tfkd_high_halves(tfkd_even(bytes), tfkd_odd(bytes));
    memcpy(out + i, &first, 4);
    memcpy(out + i + 2, &second, 4);
  }
  for (; i < count; ++i) out[i] = in[i];
}

/* Pairs of taps; at stride 1, each two pairs followed by the same shifted one value to the left. */
static void widen_taps(const int8_t *weights, int inner, int stride, uint32_t *taps) {
  uint32_t before = 0;
  for (int k = 0; k < inner; k += 4) {
    const uint32_t bytes = WEIGHT_BITS == 4 ? tfkd_load_halves(weights + k / 2) : tfkd_load(weights + k);
    const uint32_t first = tfkd_even(bytes), second = tfkd_odd(bytes);
    *taps++ = first;
    *taps++ = second;
    if (stride == 1) {
      *taps++ = before >> 16 | first << 16;
      *taps++ = first >> 16 | second << 16;
      before = second;
    }
  }
}

static inline tfkd_sums four_outputs(const int16_t *taps, const int16_t *values, int inner, int stride, tfkd_sums sums) {
  if (stride == 1) return four_at_stride_1(taps, values, inner, sums);
  return four_at_stride_2(taps, values, inner, sums);
}
#else
typedef int16_t cell;

static void widen(const int8_t *in, int count, cell *out) {
  for (int i = 0; i < count; ++i) out[i] = in[i];
}

static void widen_taps(const int8_t *weights, int inner, int stride, cell *taps) {
  (void)stride;
  for (int k = 0; WEIGHT_BITS == 4 && k < inner; ++k) taps[k] = (cell)tfkd_half(weights[k / 2], k % 2);
  for (int k = 0; WEIGHT_BITS == 8 && k < inner; k += 4) {
    taps[k] = weights[k];
    taps[k + 1] = weights[k + 2];
    taps[k + 2] = weights[k + 1];
    taps[k + 3] = weights[k + 3];
  }
}

static inline tfkd_sums four_outputs(const int16_t *taps, const int16_t *values, int inner, int stride, tfkd_sums sums) {
  for (int k = 0; k < inner; ++k, ++values) {
    sums.p0 += taps[k] * values[0];
    sums.p1 += taps[k] * values[stride];
    sums.p2 += taps[k] * values[2 * stride];
    sums.p3 += taps[k] * values[3 * stride];
  }
  return sums;
}
#endif

#if defined(TFKD_DSP)
/* With -O3 and -flto GCC makes a copy for one network's numbers, in which the loops above lack a register. */
__attribute__((noclone))
#endif
void KERNEL(const tfkd_depthwise *layer, const int8_t *in, int8_t *out, int16_t *scratch) {
  const tfkd_window *window = &layer->window;
  const int stride = window->stride_height;
  const int inner = window->inner;
  const int outputs = window->out_height;
  const int8_t *weights = layer->weights;
  cell *const row = (cell *)scratch;
  cell *const taps = (cell *)(scratch + layer->row);
  for (int i = 0; i < layer->row; ++i) row[i] = (cell)window->pad_value;
  for (int c = 0; c < window->in_channels; ++c, in += window->in_height, out += outputs, weights += inner * WEIGHT_BITS / 8) {
    widen(in, window->in_height, row + window->pad_top);
    widen_taps(weights, inner, stride, (void *)taps);
    const int32_t bias = layer->scaling.bias[c];
    for (int p = 0; p < outputs; p += TFKD_POSITIONS) {
      const tfkd_sums sums = four_outputs(taps, row + p * stride, inner, stride, tfkd_four(bias));
      const int count = outputs - p < TFKD_POSITIONS ? outputs - p : TFKD_POSITIONS;
      tfkd_scale_positions(&layer->scaling, c, sums, count, out + p);
    }
  }
}

#endif /* TFKD_OVER_TIME_H_ */
