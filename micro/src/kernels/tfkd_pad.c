#include <string.h>

#include "tfkd_kernels.h"

static int8_t *fill(int8_t *out, int value, uint32_t size) {
  memset(out, value, size);
  return out + size;
}

void tfkd_pad(const tfkd_padding *layer, const int8_t *in, int8_t *out) {
  const uint32_t out_width = (uint32_t)layer->left + layer->width + layer->right;
  const uint32_t plane = ((uint32_t)layer->top + layer->height + layer->bottom) * out_width;
  out = fill(out, layer->value, layer->planes_before * plane);
  for (int c = 0; c < layer->planes; ++c) {
    out = fill(out, layer->value, layer->top * out_width);
    for (int y = 0; y < layer->height; ++y, in += layer->width) {
      out = fill(out, layer->value, layer->left);
      memcpy(out, in, layer->width);
      out = fill(out + layer->width, layer->value, layer->right);
    }
    out = fill(out, layer->value, layer->bottom * out_width);
  }
  fill(out, layer->value, layer->planes_after * plane);
}
