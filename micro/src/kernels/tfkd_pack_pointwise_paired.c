#include "tfkd_pack.h"

#ifdef TFKD_MVE
/* Eight channels of one position at a time. */
static void pack_four(const tfkd_window *window, const int8_t *in, int8_t *columns) {
  const uint16x8_t channels = tfkd_eight();
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
  /* Channel counts fit signed 16-bit lanes. */
  if (first + TFKD_POSITIONS <= window->out_height * window->out_width && window->channel_step <= TFKD_NEAR &&
      window->in_channels < 32768) {
    pack_four(window, in + first, (int8_t *)columns);
    return;
  }
#elif defined(TFKD_DSP)
  if (first + TFKD_POSITIONS <= window->out_height * window->out_width) {
    uint32_t *words = (uint32_t *)(void *)columns;
    tfkd_pack_channels_paired(in + first, window->channel_step, window->in_channels, words);
    for (int k = window->in_channels / 2 * 2; k < window->inner; k += 2) {
      const int8_t *left_over = in + first + k * window->channel_step;
      for (int p = 0; p < TFKD_POSITIONS; ++p) words[2 * k + p] = k < window->in_channels ? (uint16_t)left_over[p] : 0;
    }
    return;
  }
#endif
  tfkd_pack_columns(window, in, first, columns, 1);
}
