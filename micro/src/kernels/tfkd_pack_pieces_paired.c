#include "tfkd_pack.h"

void tfkd_pack_pieces_paired(const tfkd_window *window, const int8_t *in, int first, int16_t *columns) {
  for (int p = 0; p < TFKD_POSITIONS; ++p) {
    const int start = tfkd_piece_start(window, first + p);
#if defined(TFKD_MVE)
    if (start >= 0 && start + window->inner + 16 <= window->in_height * window->in_channels) {
      int8_t *bytes = (int8_t *)columns + p * 16;
      for (int k = 0; k < window->inner; k += 16) {
        vstrbq_s8(bytes + 4 * k, vldrbq_gather_offset_s8(in + start + k, tfkd_fours()));
      }
      continue;
    }
#elif defined(TFKD_DSP)
    /* What lies behind the window has zero weights. */
    if (start >= 0 && start + window->inner <= window->in_height * window->in_channels) {
      uint32_t *pairs = (uint32_t *)(void *)columns + p;
      for (int k = 0; k < window->inner; k += 4, pairs += 2 * TFKD_POSITIONS) {
        const uint32_t bytes = tfkd_load(in + start + k);
        pairs[0] = tfkd_low_halves(tfkd_even(bytes), tfkd_odd(bytes));
        pairs[TFKD_POSITIONS] = tfkd_high_halves(tfkd_even(bytes), tfkd_odd(bytes));
      }
      continue;
    }
#endif
    tfkd_pack_piece(window, in, start, p, columns, 1);
  }
}
