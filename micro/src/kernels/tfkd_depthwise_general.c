#include "tfkd_kernels.h"
#include "tfkd_requantise.h"

void tfkd_depthwise_general(const tfkd_depthwise *layer, const int8_t *in, int8_t *out) {
  const tfkd_window *window = &layer->window;
  const int channels = window->in_channels * layer->multiplier;
  const int positions = window->out_height * window->out_width;
  const int8_t *weights = layer->weights;
  for (int c = 0; c < channels; ++c, weights += window->kernel_height * window->kernel_width) {
    const int8_t *plane = in + c / layer->multiplier * window->channel_step;
    for (int position = 0; position < positions; ++position) {
      const int top = position / window->out_width * window->stride_height - window->pad_top;
      const int left = position % window->out_width * window->stride_width - window->pad_left;
      int32_t sum = layer->scaling.bias[c];
      const int8_t *weight = weights;
      for (int ky = 0; ky < window->kernel_height; ++ky) {
        const int y = top + ky * window->dilation_height;
        for (int kx = 0; kx < window->kernel_width; ++kx) {
          const int x = left + kx * window->dilation_width;
          const int inside = y >= 0 && y < window->in_height && x >= 0 && x < window->in_width;
          sum += *weight++ * (inside ? plane[y * window->row_step + x * window->column_step] : window->pad_value);
        }
      }
      *out++ = tfkd_scale(&layer->scaling, c, sum);
    }
  }
}
