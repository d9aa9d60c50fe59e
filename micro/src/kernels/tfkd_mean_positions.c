#include "tfkd_kernels.h"
#include "tfkd_requantise.h"

void tfkd_mean_positions(const tfkd_mean_layer *layer, const int8_t *in, int8_t *out) {
  for (int c = 0; c < layer->channels; ++c) {
    int32_t sum = 0;
    for (uint32_t i = 0; i < layer->positions; ++i) sum += *in++ - layer->zero_in;
    const int32_t value = tfkd_rescale(sum, layer->multiplier, layer->shift);
    out[c] = (int8_t)tfkd_clamp(value + layer->zero_out, -128, 127);
  }
}
