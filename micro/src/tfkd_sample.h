/* What is done to all channels of a sample at once: the same bytes in plain C, in vectors (tfkd_sample_mve.h) and, for
 * an accelerometer with or without a gyroscope, in short sequences for Cortex-M4F and its like (tfkd_sample_vfp.h). */
#ifndef TFKD_SAMPLE_H_
#define TFKD_SAMPLE_H_

#include <stdbool.h>
#include <stdint.h>

#include "tfkd_quantise.h"
#include "tfkd_sample_mve.h"
#include "tfkd_sample_vfp.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Copies a sample and moves both pointers behind it; whether the bits of |x|, shifted left by one, are below `limits`
 * in all channels. */
static inline bool tfkd_copy_below(float **to, const float **sample, const uint32_t limits[TFKD_CHANNELS]) {
#ifdef TFKD_VFP_COPY
  return tfkd_vfp_copy_below(to, sample, limits);
#else
  bool below = true;
  for (int channel = 0; channel < TFKD_CHANNELS; ++channel) {
    below &= tfkd_bits(**sample) << 1 < limits[channel];
    *(*to)++ = *(*sample)++;
  }
  return below;
#endif
}

#if TFKD_ENCODING_KIND == TFKD_ENCODING_NONE

/* The student's input for the point at `weight` (0 to 1) of the straight line from `a` to `b`, as tfkd_between; returns
 * the end of `out`. */
static inline int8_t *tfkd_quantise_between(const float *a, const float *b, float weight, int8_t *out) {
#if defined(TFKD_MVE_FLOAT)
  return tfkd_mve_quantise_between(a, b, weight, out);
#elif defined(TFKD_VFP_QUANTISE)
  return tfkd_vfp_quantise(a, b, weight, out);
#else
  for (int i = 0; i < TFKD_CHANNELS; ++i) {
    *out++ = tfkd_quantised(tfkd_between(a[i], b[i], weight), i);
  }
  return out;
#endif
}

/* The student's input for a sample. */
static inline int8_t *tfkd_quantise_sample(const float *sample, int8_t *out) {
#if defined(TFKD_MVE_FLOAT)
  return tfkd_mve_quantise_sample(sample, out);
#elif defined(TFKD_VFP_QUANTISE)
  return tfkd_vfp_quantise(sample, sample, 0.0f, out); /* the point between a value and itself */
#else
  for (int i = 0; i < TFKD_CHANNELS; ++i) *out++ = tfkd_quantised(sample[i], i);
  return out;
#endif
}

#endif

#ifdef __cplusplus
}
#endif

#endif /* TFKD_SAMPLE_H_ */
