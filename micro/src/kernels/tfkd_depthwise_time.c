#include "tfkd_kernels.h"
#include "tfkd_requantise.h"

void tfkd_depthwise_time(const tfkd_depthwise *layer, const int8_t *in, int8_t *out, int16_t *row) {
  const tfkd_window *window = &layer->window;
  const tfkd_scaling *scaling = &layer->scaling;
  const int8_t *weights = layer->weights;
  const int length = (window->out_height - 1) * window->stride_height + window->inner;
  const int end = window->pad_top + window->in_height;
  for (int i = 0; i < window->pad_top; ++i) row[i] = window->pad_value;
  for (int i = end; i < length; ++i) row[i] = window->pad_value;
  for (int c = 0; c < window->in_channels; ++c, weights += window->inner) {
    for (int i = window->pad_top; i < end; ++i) row[i] = *in++;
    const int16_t *values = row;
    for (int p = 0; p < window->out_height; ++p, values += window->stride_height) {
      int32_t sum = scaling->bias[c];
      for (int k = 0; k < window->inner; k += 4) {
        sum += weights[k] * values[k] + weights[k + 2] * values[k + 1] + weights[k + 1] * values[k + 2] +
               weights[k + 3] * values[k + 3];
      }
      const int32_t value = tfkd_rescale(sum, (int32_t)(scaling->multiplier[c] >> 1), scaling->shift[c]);
      *out++ = (int8_t)tfkd_clamp(value + scaling->zero_point, scaling->low, scaling->high);
    }
  }
}
