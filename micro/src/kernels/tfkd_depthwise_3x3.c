#include "tfkd_kernels.h"
#include "tfkd_requantise.h"

/* Each plane goes into the scratch memory with its border around it, so that no window asks where the image ends.
 * By core: `cell`, a value there; `widen`, a copy of a row into it; `outputs`, a plane of them, four neighbours at a time. */
#if defined(TFKD_MVE)
typedef int8_t cell;

static inline void widen(const int8_t *in, int count, cell *out) {
  do {
    const mve_pred16_t inside = vctp8q((uint32_t)count);
    vstrbq_p_s8(out, vldrbq_z_s8(in, inside), inside);
    in += 16;
    out += 16;
    count -= 16;
  } while (count > 0);
}

static inline int32x4_t four_values(const cell *values, int stride) {
  if (stride == 1) return vldrbq_s32(values);
  return vldrbq_gather_offset_s32(values, vidupq_n_u32(0, 2));
}

static inline int32x4_t add_row(int32x4_t sums, const int32_t *weights, const cell *values, int stride) {
  sums = vmlaq_n_s32(sums, four_values(values, stride), weights[0]);
  sums = vmlaq_n_s32(sums, four_values(values + 1, stride), weights[1]);
  return vmlaq_n_s32(sums, four_values(values + 2, stride), weights[2]);
}

static inline void outputs(const tfkd_depthwise *layer, int c, const cell *plane, int stride, int8_t *out) {
  const int row = layer->row, width = layer->window.out_width;
  const int32_t bias = layer->scaling.bias[c];
  /* Copies, which no output can overwrite. */
  const uint32_t multiplier = layer->scaling.multiplier[c];
  const int8_t shift = layer->scaling.shift[c];
  tfkd_scaling scaling = layer->scaling;
  scaling.multiplier = &multiplier;
  scaling.shift = &shift;
  int32_t weights[9];
  for (int k = 0; k < 9; ++k) weights[k] = layer->weights[9 * c + k];
  for (int y = layer->window.out_height; y > 0; --y, plane += stride * row, out += width) {
    const cell *values = plane;
    int8_t *place = out;
    for (int left = width; left > 0; left -= 4, values += 4 * stride, place += 4) {
      int32x4_t sums = vdupq_n_s32(bias);
      sums = add_row(sums, weights, values, stride);
      sums = add_row(sums, weights + 3, values + row, stride);
      sums = add_row(sums, weights + 6, values + 2 * row, stride);
      vstrbq_p_s32(place, tfkd_scale_vector(&scaling, 0, sums), vctp32q((uint32_t)left));
    }
  }
}
#else
typedef int16_t cell;

#if defined(TFKD_DSP)
/* Of each row of the kernel the first two weights as a pair, and the last two. */
typedef uint32_t taps[6];

static inline void widen_taps(const int8_t *weights, uint32_t *pairs) {
  for (int k = 0; k < 3; ++k, weights += 3) {
    *pairs++ = tfkd_low_halves((uint32_t)weights[0], (uint32_t)weights[1]);
    *pairs++ = tfkd_low_halves((uint32_t)weights[1], (uint32_t)weights[2]);
  }
}

/* Four values a round. */
static inline void widen(const int8_t *in, int count, cell *out) {
  for (int fours = count / 4; fours > 0; --fours, in += 4, out += 4) {
    const uint32_t bytes = tfkd_load(in);
    const uint32_t first = tfkd_low_halves(tfkd_even(bytes), tfkd_odd(bytes));
    const uint32_t second = tfkd_high_halves(tfkd_even(bytes), tfkd_odd(bytes));
    memcpy(out, &first, 4);
    memcpy(out + 2, &second, 4);
  }
  for (count %= 4; count > 0; --count) *out++ = *in++;
}

/* A row of the kernel on four windows one value apart, from three pairs of values. */
#define ROW_AT_STRIDE_1(pairs) \
  "ldrd %[first], %[last], [%[taps], #" pairs "]\n\t" \
  "ldm %[values], {r2, r3, r4}\n\t" \
  "smlad %[s0], %[first], r2, %[s0]\n\t" \
  "smlatb %[s1], r2, %[first], %[s1]\n\t" \
  "smlad %[s2], %[first], r3, %[s2]\n\t" \
  "smlatb %[s3], r3, %[first], %[s3]\n\t" \
  "smlabt %[s0], r3, %[last], %[s0]\n\t" \
  "smlad %[s1], %[last], r3, %[s1]\n\t" \
  "smlabt %[s2], r4, %[last], %[s2]\n\t" \
  "smlad %[s3], %[last], r4, %[s3]\n\t"

/* The same with windows one pair apart, from five. */
#define ROW_AT_STRIDE_2(pairs) \
  "ldrd %[first], %[last], [%[taps], #" pairs "]\n\t" \
  "ldm %[values], {r2, r3, r4}\n\t" \
  "smlad %[s0], %[first], r2, %[s0]\n\t" \
  "smlad %[s1], %[first], r3, %[s1]\n\t" \
  "smlad %[s2], %[first], r4, %[s2]\n\t" \
  "smlabt %[s0], r3, %[last], %[s0]\n\t" \
  "ldrd r2, r3, [%[values], #12]\n\t" \
  "smlabt %[s1], r4, %[last], %[s1]\n\t" \
  "smlabt %[s2], r2, %[last], %[s2]\n\t" \
  "smlad %[s3], %[first], r2, %[s3]\n\t" \
  "smlabt %[s3], r3, %[last], %[s3]\n\t"

#define NEXT "add %[values], %[values], %[row]\n\t"
#define ALL_ROWS(ROW) \
  __asm__ volatile(ROW("0") NEXT ROW("8") NEXT ROW("16") \
                   : [s0] "+r"(sums.p0), [s1] "+r"(sums.p1), [s2] "+r"(sums.p2), [s3] "+r"(sums.p3), \
                     [values] "+r"(values), [first] "=&r"(first), [last] "=&r"(last) \
                   : [taps] "r"(taps), [row] "r"(row * (int)sizeof(cell)) \
                   : "r2", "r3", "r4", "memory")

/* `values` lies at a whole word, and so do the rows below. */
static inline tfkd_sums four_outputs(const uint32_t *taps, const cell *values, int row, int stride, tfkd_sums sums) {
  uint32_t first, last;
  if (stride == 1) {
    ALL_ROWS(ROW_AT_STRIDE_1);
  } else {
    ALL_ROWS(ROW_AT_STRIDE_2);
  }
  return sums;
}
#else
typedef int16_t taps[9];

static inline void widen_taps(const int8_t *weights, int16_t *wide) {
  for (int k = 0; k < 9; ++k) wide[k] = weights[k];
}

static inline void widen(const int8_t *in, int count, cell *out) {
  for (int i = 0; i < count; ++i) out[i] = in[i];
}

static inline tfkd_sums four_outputs(const int16_t *tap, const cell *values, int row, int stride, tfkd_sums sums) {
  for (int ky = 0; ky < 3; ++ky, values += row) {
    for (int kx = 0; kx < 3; ++kx, ++tap) {
      sums.p0 += *tap * values[kx];
      sums.p1 += *tap * values[kx + stride];
      sums.p2 += *tap * values[kx + 2 * stride];
      sums.p3 += *tap * values[kx + 3 * stride];
    }
  }
  return sums;
}
#endif

static inline void outputs(const tfkd_depthwise *layer, int c, const cell *plane, int stride, int8_t *out) {
  const tfkd_scaling *scaling = &layer->scaling;
  const int row = layer->row, width = layer->window.out_width;
  const tfkd_sums bias = tfkd_four(scaling->bias[c]);
#ifdef TFKD_DSP
  /* As tfkd_scale_positions, but nothing is looked up twice. */
  const int fast = scaling->fast;
  const int32_t zero_point = scaling->zero_point;
  const tfkd_factors none = {0, 0}, factors = fast ? tfkd_factors_of(scaling, c) : none;
#endif
  taps w;
  widen_taps(layer->weights + 9 * c, w);
  for (int y = layer->window.out_height; y > 0; --y, plane += stride * row, out += width) {
    const cell *values = plane;
    int8_t *place = out;
    for (int left = width; left > 0; left -= 4, values += 4 * stride, place += 4) {
      const tfkd_sums sums = four_outputs(w, values, row, stride, bias);
#ifdef TFKD_DSP
      if (fast && left >= 4) {
        tfkd_store(place, tfkd_scale_fast(sums.p0, factors, zero_point));
        tfkd_store(place + 1, tfkd_scale_fast(sums.p1, factors, zero_point));
        tfkd_store(place + 2, tfkd_scale_fast(sums.p2, factors, zero_point));
        tfkd_store(place + 3, tfkd_scale_fast(sums.p3, factors, zero_point));
        continue;
      }
#endif
      tfkd_scale_some(scaling, c, sums, left < 4 ? left : 4, place);
    }
  }
}
#endif

void tfkd_depthwise_3x3(const tfkd_depthwise *layer, const int8_t *in, int8_t *out, int16_t *scratch) {
  const tfkd_window *window = &layer->window;
  const int row = layer->row, height = window->in_height, width = window->in_width;
  const int read = (window->out_height - 1) * window->stride_height + 3;
  cell *const plane = (cell *)scratch;
  for (int i = 0; i < read * row; ++i) plane[i] = (cell)window->pad_value;
  for (int c = 0; c < window->in_channels; ++c, out += window->out_height * window->out_width) {
    cell *inside = plane + window->pad_top * row + window->pad_left;
    for (int y = 0; y < height; ++y, in += width, inside += row) widen(in, width, inside);
    if (window->stride_width == 1) {
      outputs(layer, c, plane, 1, out);
    } else {
      outputs(layer, c, plane, 2, out);
    }
  }
}
