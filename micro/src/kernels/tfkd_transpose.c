#include "tfkd_kernels.h"

void tfkd_transpose(const int8_t *in, int8_t *out, uint32_t rows, uint32_t columns) {
  for (uint32_t c = 0; c < columns; ++c) {
    for (uint32_t r = 0; r < rows; ++r) *out++ = in[r * columns + c];
  }
}
