#include "tfkd_pack.h"

void tfkd_pack_general_paired(const tfkd_window *window, const int8_t *in, int first, int16_t *columns) {
  tfkd_pack_general(window, in, first, columns, 1);
}
