#include "tfkd_kernels.h"
#include "tfkd_requantise.h"

static int32_t plane_sum(const int8_t *in, uint32_t count) {
  int32_t sum = 0;
  uint32_t i = 0;
#if defined(TFKD_MVE)
  for (; i + 16 <= count; i += 16) sum = vaddvaq_s8(sum, vldrbq_s8(in + i));
#elif defined(TFKD_DSP)
  const uint32_t ones = 0x00010001;
  for (; i + 4 <= count; i += 4) {
    const uint32_t bytes = tfkd_load(in + i);
    sum = tfkd_dot2(tfkd_even(bytes), ones, tfkd_dot2(tfkd_odd(bytes), ones, sum));
  }
#endif
  for (; i < count; ++i) sum += in[i];
  return sum;
}

void tfkd_mean_positions(const tfkd_mean_layer *layer, const int8_t *in, int8_t *out) {
  for (int c = 0; c < layer->channels; ++c) {
    const int32_t sum = plane_sum(in, layer->positions) - (int32_t)layer->positions * layer->zero_in;
    in += layer->positions;
    const int32_t value = tfkd_rescale(sum, layer->multiplier, layer->shift);
    out[c] = (int8_t)tfkd_clamp(value + layer->zero_out, -128, 127);
  }
}
