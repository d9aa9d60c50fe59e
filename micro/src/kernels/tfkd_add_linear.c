#include "tfkd_kernels.h"
#include "tfkd_requantise.h"

void tfkd_add_linear(const tfkd_linear_addition *layer, const int8_t *a, const int8_t *b, int8_t *out) {
  const int32_t factor_a = layer->factor_a, factor_b = layer->factor_b, offset = layer->offset;
  const int shift = layer->shift, low = layer->low, high = layer->high;
  uint32_t i = 0;
#ifdef TFKD_MVE
  for (; i < layer->size; i += 4, a += 4, b += 4, out += 4) {
    const mve_pred16_t inside = vctp32q(layer->size - i);
    int32x4_t sums = vmlaq_n_s32(vdupq_n_s32(offset), vldrbq_z_s32(b, inside), factor_b);
    sums = vshlq_r_s32(vmlaq_n_s32(sums, vldrbq_z_s32(a, inside), factor_a), -shift);
    vstrbq_p_s32(out, vminq_s32(vmaxq_s32(sums, vdupq_n_s32(low)), vdupq_n_s32(high)), inside);
  }
#endif
#ifdef TFKD_DSP
  if (low == -128 && high == 127) {
    for (; i + 4 <= layer->size; i += 4, a += 4, b += 4, out += 4) {
      /* Each place is read before it is written: `out` may be an input. */
      out[0] = (int8_t)tfkd_saturate((a[0] * factor_a + (b[0] * factor_b + offset)) >> shift);
      out[1] = (int8_t)tfkd_saturate((a[1] * factor_a + (b[1] * factor_b + offset)) >> shift);
      out[2] = (int8_t)tfkd_saturate((a[2] * factor_a + (b[2] * factor_b + offset)) >> shift);
      out[3] = (int8_t)tfkd_saturate((a[3] * factor_a + (b[3] * factor_b + offset)) >> shift);
    }
  }
#endif
  for (; i < layer->size; ++i) {
    *out++ = (int8_t)tfkd_clamp((*a++ * factor_a + (*b++ * factor_b + offset)) >> shift, low, high);
  }
}
