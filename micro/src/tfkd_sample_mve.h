/* tfkd_sample.h in the vector instructions of Cortex-M55 (Helium). */
#ifndef TFKD_SAMPLE_MVE_H_
#define TFKD_SAMPLE_MVE_H_

#include <stdint.h>

#include "tfkd_quantise.h"

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 2) && TFKD_ENCODING_KIND == TFKD_ENCODING_NONE
#define TFKD_MVE_FLOAT 1

#include <arm_mve.h>

/* As tfkd_between. */
static inline float32x4_t tfkd_mve_between(float32x4_t a, float32x4_t b, float weight) {
  return vaddq_f32(vmulq_n_f32(a, 1.0f - weight), vmulq_n_f32(b, weight));
}

/* As tfkd_quantised. */
static inline int32x4_t tfkd_mve_quantised(float32x4_t x, float32x4_t origin, float32x4_t factor) {
  x = vaddq_n_f32(vmulq_f32(vsubq_f32(x, origin), factor), 12582912.0f);
  const int32x4_t nearest = vqsubq_n_s32(vreinterpretq_s32_f32(x), 0x4b400000);
  return vminq_s32(vmaxq_s32(nearest, vdupq_n_s32(-128)), vdupq_n_s32(127));
}

/* Four channels at a time: `x(i)` gives those from i on. The last four may be some of them twice. */
#if TFKD_CHANNELS < 4
#define TFKD_EACH_FOUR(x)                                                                                          \
  const mve_pred16_t real = vctp32q(TFKD_CHANNELS);                                                                \
  vstrbq_p_s32(out, tfkd_mve_quantised(x(0), TFKD_FOUR(tfkd_origin), TFKD_FOUR(tfkd_factor)), real)
#define TFKD_FOUR(from) vldrwq_z_f32(from, real)
#else
#define TFKD_EACH_FOUR(x)                                                             \
  for (int i = 0; i + 4 <= TFKD_CHANNELS; i += 4) TFKD_STORE_FOUR(x, i);              \
  if (TFKD_CHANNELS % 4 > 0) TFKD_STORE_FOUR(x, TFKD_CHANNELS - 4)
#define TFKD_STORE_FOUR(x, i) \
  vstrbq_s32(out + (i), tfkd_mve_quantised(x(i), TFKD_FOUR(tfkd_origin + (i)), TFKD_FOUR(tfkd_factor + (i))))
#define TFKD_FOUR(from) vldrwq_f32(from)
#endif

/* GCC 12 takes a load or store of four values for one of the first alone, and moves those of the others past it. */
#define TFKD_MEMORY_BARRIER __asm__ volatile("" ::: "memory")

static inline int8_t *tfkd_mve_quantise_sample(const float *sample, int8_t *out) {
#define TFKD_X(i) TFKD_FOUR(sample + (i))
  TFKD_MEMORY_BARRIER;
  TFKD_EACH_FOUR(TFKD_X);
  TFKD_MEMORY_BARRIER;
#undef TFKD_X
  return out + TFKD_CHANNELS;
}

static inline int8_t *tfkd_mve_quantise_between(const float *a, const float *b, float weight, int8_t *out) {
#define TFKD_X(i) tfkd_mve_between(TFKD_FOUR(a + (i)), TFKD_FOUR(b + (i)), weight)
  TFKD_MEMORY_BARRIER;
  TFKD_EACH_FOUR(TFKD_X);
  TFKD_MEMORY_BARRIER;
#undef TFKD_X
  return out + TFKD_CHANNELS;
}

#endif

#endif /* TFKD_SAMPLE_MVE_H_ */
