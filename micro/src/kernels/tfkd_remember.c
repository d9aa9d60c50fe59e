#include <string.h>

#include "tfkd_kernels.h"

void tfkd_remember(const int8_t *in, int8_t *out, uint32_t blocks, uint32_t kept, uint32_t size) {
  for (uint32_t block = 0; block < blocks; ++block, in += size, out += kept + size) {
    memmove(out, out + size, kept);
    memcpy(out + kept, in, size);
  }
}
