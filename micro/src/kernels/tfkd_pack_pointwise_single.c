#include "tfkd_pack.h"

void tfkd_pack_pointwise_single(const tfkd_window *window, const int8_t *in, int first, int16_t *columns) {
#ifdef TFKD_DSP
  if (first + TFKD_POSITIONS <= window->out_height * window->out_width) {
    tfkd_pack_channels_single(in + first, window->channel_step, window->in_channels, (uint32_t *)(void *)columns);
    return;
  }
#endif
  tfkd_pack_columns(window, in, first, columns, 0);
}
