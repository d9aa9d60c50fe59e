#include "tfkd_pack.h"

#ifdef TFKD_DSP
/* Four values of four windows at a time. */
static void pack_four(const tfkd_window *window, const int8_t *in, const int *starts, uint32_t *columns) {
  for (int k = 0; k < window->inner; k += 4, in += 4, columns += 8) {
    const uint32_t a = tfkd_load(in + starts[0]), b = tfkd_load(in + starts[1]);
    const uint32_t c = tfkd_load(in + starts[2]), d = tfkd_load(in + starts[3]);
    columns[0] = tfkd_low_halves(tfkd_even(a), tfkd_even(c));
    columns[1] = tfkd_low_halves(tfkd_even(b), tfkd_even(d));
    columns[2] = tfkd_low_halves(tfkd_odd(a), tfkd_odd(c));
    columns[3] = tfkd_low_halves(tfkd_odd(b), tfkd_odd(d));
    columns[4] = tfkd_high_halves(tfkd_even(a), tfkd_even(c));
    columns[5] = tfkd_high_halves(tfkd_even(b), tfkd_even(d));
    columns[6] = tfkd_high_halves(tfkd_odd(a), tfkd_odd(c));
    columns[7] = tfkd_high_halves(tfkd_odd(b), tfkd_odd(d));
  }
}
#endif

void tfkd_pack_pieces_single(const tfkd_window *window, const int8_t *in, int first, int16_t *columns) {
  int starts[TFKD_POSITIONS];
  for (int p = 0; p < TFKD_POSITIONS; ++p) starts[p] = tfkd_piece_start(window, first + p);
#ifdef TFKD_DSP
  /* What lies behind a window has no weights. */
  if (starts[0] >= 0 && starts[TFKD_POSITIONS - 1] + window->inner <= window->in_height * window->in_channels) {
    pack_four(window, in, starts, (uint32_t *)(void *)columns);
    return;
  }
#endif
  for (int p = 0; p < TFKD_POSITIONS; ++p) {
    tfkd_pack_piece(window, in, starts[p], p, columns, 0);
  }
}
