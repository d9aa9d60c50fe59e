#include "tfkd_kernels.h"
#include "tfkd_requantise.h"

void tfkd_add(const tfkd_addition *layer, const int8_t *a, const int8_t *b, int8_t *out) {
  for (uint32_t i = 0; i < layer->size; ++i) {
    /* 20 bits of headroom: a difference has 9 bits and the scales in it at most 1. */
    const int32_t from_a = tfkd_rescale((a[i] - layer->zero_a) * (1 << 20), layer->multiplier_a, layer->shift_a);
    const int32_t from_b = tfkd_rescale((b[i] - layer->zero_b) * (1 << 20), layer->multiplier_b, layer->shift_b);
    const int32_t sum = tfkd_rescale(from_a + from_b, layer->multiplier_out, layer->shift_out);
    out[i] = (int8_t)tfkd_clamp(sum + layer->zero_out, layer->low, layer->high);
  }
}
