#include "tfkd_kernels.h"
#include "tfkd_requantise.h"

void tfkd_dense(const tfkd_dense_layer *layer, const int8_t *in, int8_t *out) {
  const int8_t *weights = layer->weights;
  for (int row = 0; row < layer->rows; ++row) {
    int32_t sum = layer->scaling.bias[row];
#ifdef TFKD_MVE
    sum = tfkd_dot(in, weights, layer->inner, sum);
    weights += layer->inner;
#else
    int k = 0;
#ifdef TFKD_DSP
    for (; k + 4 <= layer->inner; k += 4, weights += 4) {
      const uint32_t values = tfkd_load(in + k), factors = tfkd_load(weights);
      sum = tfkd_dot2(tfkd_even(values), tfkd_even(factors), sum);
      sum = tfkd_dot2(tfkd_odd(values), tfkd_odd(factors), sum);
    }
#endif
    for (; k < layer->inner; ++k) sum += *weights++ * in[k];
#endif
    *out++ = tfkd_scale(&layer->scaling, row, sum);
  }
}
