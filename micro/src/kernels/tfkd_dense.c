#include "tfkd_kernels.h"
#include "tfkd_requantise.h"

void tfkd_dense(const tfkd_dense_layer *layer, const int8_t *in, int8_t *out) {
  const tfkd_scaling *scaling = &layer->scaling;
  const int8_t *weights = layer->weights;
  for (int row = 0; row < layer->rows; ++row) {
    int32_t sum = scaling->bias[row];
    for (int k = 0; k < layer->inner; ++k) sum += *weights++ * in[k];
    const int32_t value = tfkd_rescale(sum, (int32_t)(scaling->multiplier[row] >> 1), scaling->shift[row]);
    *out++ = (int8_t)tfkd_clamp(value + scaling->zero_point, scaling->low, scaling->high);
  }
}
