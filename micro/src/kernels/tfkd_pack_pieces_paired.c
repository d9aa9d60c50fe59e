#include "tfkd_pack.h"

void tfkd_pack_pieces_paired(const tfkd_window *window, const int8_t *in, int first, int16_t *columns) {
  for (int p = 0; p < TFKD_POSITIONS; ++p) {
    const int start = tfkd_piece_start(window, first + p);
#ifdef TFKD_DSP
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
    tfkd_pack_piece(window, in, start, p, columns, tfkd_paired_place);
  }
}
