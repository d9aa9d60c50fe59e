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
#elif defined(TFKD_MVE)
/* Eight channels of one position at a time. */
static void pack_four(const tfkd_window *window, const int8_t *in, int8_t *columns) {
  const int8_t order[8] = {0, 2, 1, 3, 4, 6, 5, 7};
  const uint16x8_t channels = vreinterpretq_u16_s16(vldrbq_s16(order));
  const uint16x8_t offsets = vmulq_n_u16(channels, (uint16_t)window->channel_step);
  for (int k = 0; k < window->inner; k += 8, in += 8 * window->channel_step) {
    const mve_pred16_t real = vcmpltq_n_s16(vreinterpretq_s16_u16(channels), (int16_t)(window->in_channels - k));
    for (int p = 0; p < TFKD_POSITIONS; ++p) {
      vstrbq_s16(columns + k / 16 * 64 + p * 16 + k % 16, vldrbq_gather_offset_z_s16(in + p, offsets, real));
    }
  }
}
#endif

void tfkd_pack_pointwise_paired(const tfkd_window *window, const int8_t *in, int first, int16_t *columns) {
#if defined(TFKD_MVE)
  /* Offsets of 16 bits; channel counts fit their signed lanes. */
  if (first + TFKD_POSITIONS <= window->out_height * window->out_width && window->channel_step <= 9000 &&
      window->in_channels < 32768) {
    pack_four(window, in + first, (int8_t *)columns);
    return;
  }
#elif defined(TFKD_DSP)
  if (first + TFKD_POSITIONS <= window->out_height * window->out_width) {
    pack_four(window, in + first, (uint32_t *)(void *)columns);
    return;
  }
#endif
  tfkd_pack_columns(window, in, first, columns, tfkd_place_paired);
}
