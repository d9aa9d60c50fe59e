/* What the packing kernels share: one body for both layouts of packed windows. */
#ifndef TFKD_PACK_H_
#define TFKD_PACK_H_

#include "tfkd_dsp.h"
#include "tfkd_kernels.h"
#include "tfkd_mve.h"

/* Puts value k of position p where it goes: see tfkd_kernels.h. */
static inline void tfkd_place(int16_t *columns, int k, int p, int value, int paired) {
  if (!paired) {
    columns[k * TFKD_POSITIONS + p / 2 + p % 2 * 2] = (int16_t)value;
    return;
  }
#ifdef TFKD_MVE
  /* Bytes in fours as the weights, 16 of each position in turn. */
  const int order = k % 4 == 1 || k % 4 == 2 ? k ^ 3 : k;
  ((int8_t *)columns)[order / 16 * 64 + p * 16 + order % 16] = (int8_t)value;
#else
  columns[k / 2 * (2 * TFKD_POSITIONS) + 2 * p + k % 2] = (int16_t)value;
#endif
}

#ifdef TFKD_DSP
/* Values k, k + 1, ... of four positions that lie side by side in each plane: one word of each channel. */
static inline void tfkd_pack_channels_paired(const int8_t *in, int32_t channel_step, int channels, uint32_t *columns) {
  for (; channels > 1; channels -= 2, columns += TFKD_POSITIONS) {
    const uint32_t a = tfkd_load(in);
    in += channel_step;
    const uint32_t b = tfkd_load(in);
    in += channel_step;
    columns[0] = tfkd_low_halves(tfkd_even(a), tfkd_even(b));
    columns[1] = tfkd_low_halves(tfkd_odd(a), tfkd_odd(b));
    columns[2] = tfkd_high_halves(tfkd_even(a), tfkd_even(b));
    columns[3] = tfkd_high_halves(tfkd_odd(a), tfkd_odd(b));
  }
}

static inline void tfkd_pack_channels_single(const int8_t *in, int32_t channel_step, int channels, uint32_t *columns) {
  for (; channels > 0; --channels, in += channel_step, columns += TFKD_POSITIONS / 2) {
    const uint32_t bytes = tfkd_load(in);
    columns[0] = tfkd_even(bytes);
    columns[1] = tfkd_odd(bytes);
  }
}
#endif

static inline void tfkd_pack_general(const tfkd_window *window, const int8_t *in, int first, int16_t *columns,
                                     int paired) {
  const int last = window->out_height * window->out_width - 1;
  const int channels = window->in_channels;
  int tops[TFKD_POSITIONS], lefts[TFKD_POSITIONS];
  for (int p = 0; p < TFKD_POSITIONS; ++p) {
    const int position = first + p < last ? first + p : last;
    tops[p] = position / window->out_width * window->stride_height - window->pad_top;
    lefts[p] = position % window->out_width * window->stride_width - window->pad_left;
  }
#ifdef TFKD_DSP
  const int together = window->column_step == 1 && tops[0] == tops[3] && lefts[0] + 3 == lefts[3] &&
                       (!paired || channels % 2 == 0);
#endif
  int k = 0;
  for (int ky = 0; ky < window->kernel_height; ++ky) {
    for (int kx = 0; kx < window->kernel_width; ++kx, k += channels) {
      const int down = ky * window->dilation_height, right = kx * window->dilation_width;
#ifdef TFKD_DSP
      if (together && tops[0] + down >= 0 && tops[0] + down < window->in_height && lefts[0] + right >= 0 &&
          lefts[3] + right < window->in_width) {
        const int8_t *source = in + (tops[0] + down) * window->row_step + lefts[0] + right;
        uint32_t *words = (uint32_t *)(void *)columns;
        if (paired) {
          tfkd_pack_channels_paired(source, window->channel_step, channels, words + k / 2 * TFKD_POSITIONS);
        } else {
          tfkd_pack_channels_single(source, window->channel_step, channels, words + k * (TFKD_POSITIONS / 2));
        }
        continue;
      }
#endif
      for (int p = 0; p < TFKD_POSITIONS; ++p) {
        const int y = tops[p] + down, x = lefts[p] + right;
        const int inside = y >= 0 && y < window->in_height && x >= 0 && x < window->in_width;
        const int8_t *source = inside ? in + y * window->row_step + x * window->column_step : in;
#ifdef TFKD_MVE
        if (paired && inside && channels % 8 == 0 && window->channel_step <= TFKD_NEAR) {
          const uint16x8_t offsets = vmulq_n_u16(tfkd_eight(), (uint16_t)window->channel_step);
          int8_t *bytes = (int8_t *)columns + p * 16;
          for (int c = 0; c < channels; c += 8, source += 8 * window->channel_step) {
            vstrbq_s16(bytes + (k + c) / 16 * 64 + (k + c) % 16, vldrbq_gather_offset_s16(source, offsets));
          }
          continue;
        }
#endif
        for (int c = 0; c < channels; ++c, source += inside ? window->channel_step : 0) {
          tfkd_place(columns, k + c, p, inside ? *source : window->pad_value, paired);
        }
      }
    }
  }
  for (; k < window->inner; ++k) {
    for (int p = 0; p < TFKD_POSITIONS; ++p) tfkd_place(columns, k, p, 0, paired);
  }
}

/* Value by value, for the last positions of a plane. */
static inline void tfkd_pack_columns(const tfkd_window *window, const int8_t *in, int first, int16_t *columns,
                                     int paired) {
  const int last = window->out_height * window->out_width - 1;
  for (int p = 0; p < TFKD_POSITIONS; ++p) {
    const int8_t *source = in + (first + p < last ? first + p : last);
    int k = 0;
    for (; k < window->in_channels; ++k, source += window->channel_step) tfkd_place(columns, k, p, *source, paired);
    for (; k < window->inner; ++k) tfkd_place(columns, k, p, 0, paired);
  }
}

/* Where the window of a position begins, in values from the start of the input. */
static inline int tfkd_piece_start(const tfkd_window *window, int position) {
  const int last = window->out_height - 1;
  if (position > last) position = last;
  return (position * window->stride_height - window->pad_top) * window->in_channels;
}

/* Value by value, where a window reaches over an end of the input. */
static inline void tfkd_pack_piece(const tfkd_window *window, const int8_t *in, int start, int p, int16_t *columns,
                                   int paired) {
  const int size = window->kernel_height * window->in_channels;
  const int end = window->in_height * window->in_channels;
  int k = 0;
  for (; k < size; ++k) {
    const int inside = start + k >= 0 && start + k < end;
    tfkd_place(columns, k, p, inside ? in[start + k] : window->pad_value, paired);
  }
  for (; k < window->inner; ++k) tfkd_place(columns, k, p, 0, paired);
}

#endif /* TFKD_PACK_H_ */
