#include "tfkd_gaf.h"

#if TFKD_ENCODING_KIND != TFKD_ENCODING_NONE

#include <math.h>

#include "tfkd_quantise.h"

enum { SIZE = TFKD_GAF_SIZE, UNIT = 1 << 15 };

#define FLAT 2.220446e-15f /* a channel whose points differ by less has no range: tfkd.encodings.gaf.FLAT */

/* With arcsin for the angles every value is the negative. */
#ifdef TFKD_GAF_ARCSIN
#define ORIENTED(product) (-(product))
#else
#define ORIENTED(product) (product)
#endif

/* A product of two values in 1/UNIT, 2^30 for 1.0, becomes steps of the input with FRACTION binary places by a
 * multiplication whose high word is taken: 2^30 * STEPS / 2^32 = 2^FRACTION / TFKD_INPUT_SCALE. With [-1, 1] spread over
 * int8 the ends lie next to a tie, hence as many places as fit; with finer scales fewer fit. */
static const int fraction = TFKD_INPUT_SCALE >= 0.00390625f ? 21 : 12;
#define STEPS_EXACT (4.0 * (TFKD_INPUT_SCALE >= 0.00390625f ? 2097152.0 : 4096.0) / (double)TFKD_INPUT_SCALE)
static const int32_t steps = STEPS_EXACT < 2147483647.0 ? (int32_t)STEPS_EXACT : 2147483647;

static int32_t in_steps(int32_t product) { return (int32_t)(((int64_t)product * steps) >> 32); }

static int8_t quantise(int32_t fine) {
  int32_t step = ((fine + (1 << (fraction - 1))) >> fraction) + TFKD_INPUT_ZERO_POINT;
  if (step > 127) step = 127;
  if (step < -128) step = -128;
  return (int8_t)step;
}

/* Means of SIZE stretches of one channel; point i is the mean of samples i * WINDOW / SIZE and on, up to the next's.
 * Counted from the first sample, within the range: a small range keeps its digits beside a large offset. */
static float aggregate(const float *samples, uint32_t capacity, uint32_t at, int channel, float points[SIZE]) {
  float origin = samples[at * TFKD_CHANNELS + (uint32_t)channel];
#ifdef TFKD_GAF_LOW
  if (origin < TFKD_GAF_LOW) origin = TFKD_GAF_LOW;
  if (origin > TFKD_GAF_HIGH) origin = TFKD_GAF_HIGH;
#endif
  int sample = 0;
  for (int i = 0; i < SIZE; ++i) {
    const int end = (i + 1) * TFKD_WINDOW / SIZE;
    const int count = end - sample;
    float sum = 0.0f;
    for (; sample < end; ++sample) {
      sum += samples[at * TFKD_CHANNELS + (uint32_t)channel] - origin;
      if (++at == capacity) at = 0;
    }
    points[i] = sum / (float)count;
  }
  return origin;
}

/* cosine[i] = x_i and sine[i] = sqrt(1 - x_i^2), in 1/UNIT. */
static void project(const float points[SIZE], float origin, int32_t cosine[SIZE], int32_t sine[SIZE]) {
#ifdef TFKD_GAF_LOW
  const float low = TFKD_GAF_LOW - origin, high = TFKD_GAF_HIGH - origin;
#else
  (void)origin;
  float low = points[0], high = points[0];
  for (int i = 1; i < SIZE; ++i) {
    if (points[i] < low) low = points[i];
    if (points[i] > high) high = points[i];
  }
#endif
  if (!(high - low >= FLAT)) { /* no range: all at the lower end */
    for (int i = 0; i < SIZE; ++i) {
      cosine[i] = -UNIT;
      sine[i] = 0;
    }
    return;
  }
  const float unit = 1.0f / (high - low);
  for (int i = 0; i < SIZE; ++i) {
    float point = points[i];
    if (point < low) point = low;
    if (point > high) point = high;
    /* above + below = 1, x = above - below and s = 2 sqrt(above below): 1 - x^2 would lose its digits near 1. */
    const float above = (point - low) * unit, below = (high - point) * unit;
    cosine[i] = (int32_t)((above - below) * UNIT + (UNIT + 0.5f)) - UNIT; /* + UNIT: the cast rounds towards zero */
    sine[i] = (int32_t)(sqrtf(above * below) * (2 * UNIT) + 0.5f);
  }
}

void tfkd_gaf(const float *samples, uint32_t capacity, uint32_t start, int8_t *image) {
  for (int channel = 0; channel < TFKD_CHANNELS; ++channel) {
    float points[SIZE];
    int32_t x[SIZE], s[SIZE];
    const float origin = aggregate(samples, capacity, start, channel, points);
    project(points, origin, x, s);
    for (int i = 0; i < SIZE; ++i) {
      const int32_t xi = x[i], si = s[i];
      int8_t *row = image + (i * SIZE + i) * TFKD_CHANNELS + channel, *column = row;
      for (int j = i; j < SIZE; ++j) {
#if TFKD_ENCODING_KIND == TFKD_ENCODING_GASF
        *row = *column = quantise(in_steps(ORIENTED(xi * x[j] - si * s[j]))); /* symmetric */
#else
        const int32_t fine = in_steps(ORIENTED(si * x[j] - xi * s[j])); /* its own negative across the diagonal */
        *row = quantise(fine);
        *column = quantise(-fine);
#endif
        row += TFKD_CHANNELS;
        column += SIZE * TFKD_CHANNELS;
      }
    }
  }
}

#else

typedef int tfkd_gaf_not_in_this_firmware; /* ISO C wants a declaration in every file */

#endif
