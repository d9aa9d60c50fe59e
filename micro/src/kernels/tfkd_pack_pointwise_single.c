#include "tfkd_pack.h"

#ifdef TFKD_DSP
static void pack_four(const tfkd_window *window, const int8_t *in, uint32_t *columns) {
  for (int k = 0; k < window->in_channels; ++k, in += window->channel_step, columns += 2) {
    const uint32_t bytes = tfkd_load(in);
    columns[0] = tfkd_even(bytes);
    columns[1] = tfkd_odd(bytes);
  }
}
#endif

void tfkd_pack_pointwise_single(const tfkd_window *window, const int8_t *in, int first, int16_t *columns) {
#ifdef TFKD_DSP
  if (first + TFKD_POSITIONS <= window->out_height * window->out_width) {
    pack_four(window, in + first, (uint32_t *)(void *)columns);
    return;
  }
#endif
  tfkd_pack_columns(window, in, first, columns, tfkd_place_single);
}
