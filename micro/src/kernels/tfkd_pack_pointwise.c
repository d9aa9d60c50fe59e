#include "tfkd_kernels.h"

void tfkd_pack_pointwise(const tfkd_window *window, const int8_t *in, int first, int16_t *columns) {
  const int last = window->out_height * window->out_width - 1;
  for (int p = 0; p < TFKD_POSITIONS; ++p) {
    const int8_t *source = in + (first + p < last ? first + p : last);
    int k = 0;
    for (; k < window->in_channels; ++k, source += window->channel_step) {
      columns[k / 2 * (2 * TFKD_POSITIONS) + 2 * p + k % 2] = *source;
    }
    for (; k < window->inner; ++k) columns[k / 2 * (2 * TFKD_POSITIONS) + 2 * p + k % 2] = 0;
  }
}
