#include "tfkd_dsp.h"
#include "tfkd_kernels.h"

void tfkd_pack_pieces(const tfkd_window *window, const int8_t *in, int first, int16_t *columns) {
  const int last = window->out_height - 1;
  const int size = window->kernel_height * window->in_channels;
  const int end = window->in_height * window->in_channels;
  for (int p = 0; p < TFKD_POSITIONS; ++p) {
    const int position = first + p < last ? first + p : last;
    const int start = (position * window->stride_height - window->pad_top) * window->in_channels;
    int k = 0;
#ifdef TFKD_DSP
    /* What lies behind the window has zero weights. */
    if (start >= 0 && start + window->inner <= end) {
      uint32_t *pairs = (uint32_t *)(void *)columns + p;
      for (; k < window->inner; k += 4, pairs += 2 * TFKD_POSITIONS) {
        const uint32_t bytes = tfkd_load(in + start + k);
        pairs[0] = tfkd_low_halves(tfkd_even(bytes), tfkd_odd(bytes));
        pairs[TFKD_POSITIONS] = tfkd_high_halves(tfkd_even(bytes), tfkd_odd(bytes));
      }
    }
#endif
    for (; k < size; ++k) {
      const int inside = start + k >= 0 && start + k < end;
      const int16_t value = inside ? in[start + k] : window->pad_value;
      columns[k / 2 * (2 * TFKD_POSITIONS) + 2 * p + k % 2] = value;
    }
    for (; k < window->inner; ++k) columns[k / 2 * (2 * TFKD_POSITIONS) + 2 * p + k % 2] = 0;
  }
}
