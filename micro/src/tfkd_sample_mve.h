/* tfkd_sample.h in the vector instructions of Cortex-M55 (Helium). */
#ifndef TFKD_SAMPLE_MVE_H_
#define TFKD_SAMPLE_MVE_H_

#include <stdint.h>

#include "tfkd_quantise.h"

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 2) && TFKD_ENCODING_KIND == TFKD_ENCODING_NONE
#define TFKD_MVE_FLOAT 1

#include <arm_mve.h>

static inline int8_t *tfkd_mve_quantise(const float *a, const float *b, float weight, int8_t *out) {
  for (int channel = 0; channel < TFKD_CHANNELS; channel += 4) {
    const mve_pred16_t real = vctp32q((uint32_t)(TFKD_CHANNELS - channel));
    const float32x4_t from = vmulq_n_f32(vldrwq_z_f32(a + channel, real), 1.0f - weight);
    float32x4_t x = vaddq_f32(from, vmulq_n_f32(vldrwq_z_f32(b + channel, real), weight));
    x = vsubq_f32(x, vldrwq_z_f32(tfkd_origin + channel, real));
    x = vmulq_f32(x, vldrwq_z_f32(tfkd_factor + channel, real));
    /* As tfkd_nearest. */
    int32x4_t nearest = vqsubq_n_s32(vreinterpretq_s32_f32(vaddq_n_f32(x, 12582912.0f)), 0x4b400000);
    nearest = vminq_s32(vmaxq_s32(nearest, vdupq_n_s32(-128)), vdupq_n_s32(127));
    vstrbq_p_s32(out + channel, nearest, real);
  }
  return out + TFKD_CHANNELS;
}

#endif

#endif /* TFKD_SAMPLE_MVE_H_ */
