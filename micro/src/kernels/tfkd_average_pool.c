#include "tfkd_kernels.h"
#include "tfkd_requantise.h"

void tfkd_average_pool(const tfkd_pooling *layer, const int8_t *in, int8_t *out) {
  const tfkd_window *window = &layer->window;
  for (int c = 0; c < window->in_channels; ++c, in += window->channel_step) {
    for (int oy = 0; oy < window->out_height; ++oy) {
      for (int ox = 0; ox < window->out_width; ++ox) {
        int32_t sum = 0;
        int32_t count = 0;
        for (int ky = 0; ky < window->kernel_height; ++ky) {
          const int y = oy * window->stride_height - window->pad_top + ky;
          if (y < 0 || y >= window->in_height) continue;
          for (int kx = 0; kx < window->kernel_width; ++kx) {
            const int x = ox * window->stride_width - window->pad_left + kx;
            if (x < 0 || x >= window->in_width) continue;
            sum += in[y * window->row_step + x * window->column_step];
            ++count;
          }
        }
        /* Half away from zero; every window has at least one value inside. */
        const int32_t mean = (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
        *out++ = (int8_t)tfkd_clamp(mean, layer->low, layer->high);
      }
    }
  }
}
