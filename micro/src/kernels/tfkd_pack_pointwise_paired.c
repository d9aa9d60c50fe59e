#include "tfkd_pack.h"

#ifdef TFKD_DSP
/* Two channels at a time, four positions in one word of each. */
static void pack_four(const tfkd_window *window, const int8_t *in, uint32_t *columns) {
  int k = 0;
  for (; k + 1 < window->in_channels; k += 2, columns += 4) {
    const uint32_t a = tfkd_load(in);
    in += window->channel_step;
    const uint32_t b = tfkd_load(in);
    in += window->channel_step;
    columns[0] = tfkd_low_halves(tfkd_even(a), tfkd_even(b));
    columns[1] = tfkd_low_halves(tfkd_odd(a), tfkd_odd(b));
    columns[2] = tfkd_high_halves(tfkd_even(a), tfkd_even(b));
    columns[3] = tfkd_high_halves(tfkd_odd(a), tfkd_odd(b));
  }
  for (; k < window->inner; k += 2) {
    for (int p = 0; p < TFKD_POSITIONS; ++p) *columns++ = k < window->in_channels ? (uint16_t)in[p] : 0;
  }
}
#endif

void tfkd_pack_pointwise_paired(const tfkd_window *window, const int8_t *in, int first, int16_t *columns) {
#ifdef TFKD_DSP
  if (first + TFKD_POSITIONS <= window->out_height * window->out_width) {
    pack_four(window, in + first, (uint32_t *)(void *)columns);
    return;
  }
#endif
  tfkd_pack_columns(window, in, first, columns, tfkd_paired_place);
}
