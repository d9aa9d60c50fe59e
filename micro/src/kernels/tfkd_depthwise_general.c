#include "tfkd_kernels.h"
#include "tfkd_requantise.h"

/* The first value of the kernel that lies inside, counted from an output's origin, and the one behind the last. */
static inline void inside(int origin, int size, int kernel, int dilation, int *first, int *end) {
  *first = origin < 0 ? (-origin + dilation - 1) / dilation : 0;
  *end = origin < size ? (size - origin + dilation - 1) / dilation : 0;
  if (*end > kernel) *end = kernel;
}

void tfkd_depthwise_general(const tfkd_depthwise *layer, const int8_t *in, int8_t *out) {
  const tfkd_window *window = &layer->window;
  const int channels = window->in_channels * layer->multiplier;
  const int32_t column_step = window->dilation_width * window->column_step;
  const int32_t row_step = window->dilation_height * window->row_step;
  const int zero_point = window->pad_value;
  const int8_t *weights = layer->weights;
  for (int c = 0; c < channels; ++c, weights += window->kernel_height * window->kernel_width) {
    const int8_t *plane = in + c / layer->multiplier * window->channel_step;
    for (int oy = 0; oy < window->out_height; ++oy) {
      const int top = oy * window->stride_height - window->pad_top;
      int first_y, end_y;
      inside(top, window->in_height, window->kernel_height, window->dilation_height, &first_y, &end_y);
      for (int ox = 0; ox < window->out_width; ++ox) {
        const int left = ox * window->stride_width - window->pad_left;
        int first_x, end_x;
        inside(left, window->in_width, window->kernel_width, window->dilation_width, &first_x, &end_x);
        int32_t sum = layer->scaling.bias[c];
        for (int ky = first_y; ky < end_y; ++ky) {
          const int8_t *weight = weights + ky * window->kernel_width;
          const int32_t start = top * window->row_step + left * window->column_step + ky * row_step;
          for (int kx = first_x; kx < end_x; ++kx) sum += weight[kx] * (plane[start + kx * column_step] - zero_point);
        }
        *out++ = tfkd_scale(&layer->scaling, c, sum);
      }
    }
  }
}
