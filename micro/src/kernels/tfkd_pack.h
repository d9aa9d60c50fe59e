/* What the packing kernels share: one body for both layouts of packed windows. */
#ifndef TFKD_PACK_H_
#define TFKD_PACK_H_

#include "tfkd_dsp.h"
#include "tfkd_kernels.h"
#include "tfkd_mve.h"

/* Puts value k of position p where it goes: see tfkd_kernels.h. */
typedef void (*tfkd_place)(int16_t *columns, int k, int p, int value);

static inline void tfkd_place_paired(int16_t *columns, int k, int p, int value) {
#ifdef TFKD_MVE
  /* Bytes in fours as the weights, 16 of each position in turn. */
  const int order = k % 4 == 1 || k % 4 == 2 ? k ^ 3 : k;
  ((int8_t *)columns)[order / 16 * 64 + p * 16 + order % 16] = (int8_t)value;
#else
  columns[k / 2 * (2 * TFKD_POSITIONS) + 2 * p + k % 2] = (int16_t)value;
#endif
}

static inline void tfkd_place_single(int16_t *columns, int k, int p, int value) {
  columns[k * TFKD_POSITIONS + p / 2 + p % 2 * 2] = (int16_t)value;
}

static inline void tfkd_pack_general(const tfkd_window *window, const int8_t *in, int first, int16_t *columns,
                                     tfkd_place place) {
  const int last = window->out_height * window->out_width - 1;
  for (int p = 0; p < TFKD_POSITIONS; ++p) {
    const int position = first + p < last ? first + p : last;
    const int top = position / window->out_width * window->stride_height - window->pad_top;
    const int left = position % window->out_width * window->stride_width - window->pad_left;
    int k = 0;
    for (int ky = 0; ky < window->kernel_height; ++ky) {
      const int y = top + ky * window->dilation_height;
      for (int kx = 0; kx < window->kernel_width; ++kx) {
        const int x = left + kx * window->dilation_width;
        const int inside = y >= 0 && y < window->in_height && x >= 0 && x < window->in_width;
        const int32_t start = inside ? y * window->row_step + x * window->column_step : 0;
        for (int c = 0; c < window->in_channels; ++c, ++k) {
          place(columns, k, p, inside ? in[start + c * window->channel_step] : window->pad_value);
        }
      }
    }
    for (; k < window->inner; ++k) place(columns, k, p, 0);
  }
}

/* Value by value, for the last positions of a plane. */
static inline void tfkd_pack_columns(const tfkd_window *window, const int8_t *in, int first, int16_t *columns,
                                     tfkd_place place) {
  const int last = window->out_height * window->out_width - 1;
  for (int p = 0; p < TFKD_POSITIONS; ++p) {
    const int8_t *source = in + (first + p < last ? first + p : last);
    int k = 0;
    for (; k < window->in_channels; ++k, source += window->channel_step) place(columns, k, p, *source);
    for (; k < window->inner; ++k) place(columns, k, p, 0);
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
                                   tfkd_place place) {
  const int size = window->kernel_height * window->in_channels;
  const int end = window->in_height * window->in_channels;
  int k = 0;
  for (; k < size; ++k) {
    const int inside = start + k >= 0 && start + k < end;
    place(columns, k, p, inside ? in[start + k] : window->pad_value);
  }
  for (; k < window->inner; ++k) place(columns, k, p, 0);
}

#endif /* TFKD_PACK_H_ */
