#include "tfkd_kernels.h"

void tfkd_pack_general(const tfkd_window *window, const int8_t *in, int first, int16_t *columns) {
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
          const int16_t value = inside ? in[start + c * window->channel_step] : window->pad_value;
          columns[k / 2 * (2 * TFKD_POSITIONS) + 2 * p + k % 2] = value;
        }
      }
    }
    for (; k < window->inner; ++k) columns[k / 2 * (2 * TFKD_POSITIONS) + 2 * p + k % 2] = 0;
  }
}
