/* The core on a Cortex-M between the count markers, with a student that costs next to nothing: from sample to event
 * with TFKD_WINDOW and then HOPS times TFKD_HOP samples, a trial of TRIAL samples, or HOPS images. JITTER_US makes the
 * sensor's clock uneven. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "count_markers.h"
#include "tfkd_check.h"

#ifndef JITTER_US
#define JITTER_US 0
#endif
#define HOPS 8
#define TRIAL 192

static uint32_t state = 1;

static uint32_t random_below(uint32_t limit) {
  state = state * 1664525u + 1013904223u;
  return (state >> 8) % limit;
}

static float random_value(void) { return (float)random_below(4000) * 0.001f - 2.0f; }

#ifdef IMAGES

#include "tfkd_gaf.h"

int main(void) {
  static float samples[TFKD_WINDOW * TFKD_CHANNELS];
  static int8_t image[TFKD_INPUT_SIZE];
  for (int hop = 0; hop < HOPS; ++hop) {
    for (int i = 0; i < TFKD_WINDOW * TFKD_CHANNELS; ++i) samples[i] = random_value();
    tfkd_count_begin();
    tfkd_gaf(samples, TFKD_WINDOW, random_below(TFKD_WINDOW), image);
    tfkd_count_end();
  }
  return 0;
}

#else

#if TFKD_WINDOWING_STREAM
#include "tfkd_stream.h"
#else
#include "tfkd_trial.h"
#endif

static int8_t input[TFKD_INPUT_SIZE], output[TFKD_CLASSES];
static uint32_t runs, events;

tfkd_status tfkd_student_run(tfkd_student *student) {
  (void)student;
  ++runs;
  memset(output, -40, sizeof output);
  output[runs / 2 % TFKD_CLASSES] = 60;
  return TFKD_OK;
}

static void send(void *context, const tfkd_event *event) {
  (void)context;
  (void)event;
  ++events;
}

static void random_sample(float sample[TFKD_CHANNELS]) {
  for (int channel = 0; channel < TFKD_CHANNELS; ++channel) sample[channel] = random_value();
}

int main(void) {
  tfkd_student student = {input, output, NULL};
  const tfkd_sink sink = {send, NULL};
  tfkd_settings settings = tfkd_default_settings();
  float sample[TFKD_CHANNELS];
  for (int i = 0; i < TFKD_CHANNELS; ++i) settings.range[i] = 1000.0f; /* looked at, never reached */
#if TFKD_WINDOWING_STREAM
  static tfkd_stream stream;
  if (tfkd_stream_init(&stream, &student, &settings, sink) != TFKD_OK) return 1;
  for (uint32_t i = 0; i < TFKD_WINDOW + HOPS * TFKD_HOP; ++i) {
    random_sample(sample);
    /* volatile: computed here, before it counts */
    const volatile uint32_t time_us =
        (uint32_t)((uint64_t)i * 1000000000u / TFKD_SAMPLE_RATE_MILLIHERTZ) + random_below(JITTER_US + 1);
    tfkd_count_begin();
    tfkd_stream_push(&stream, time_us, sample);
    tfkd_stream_run(&stream);
    tfkd_count_end();
  }
  return runs >= HOPS && events >= HOPS / 2 ? 0 : 1;
#else
  static tfkd_trial trial;
  if (tfkd_trial_init(&trial, &student, &settings, sink) != TFKD_OK || tfkd_trial_begin(&trial) != TFKD_OK) return 1;
  for (uint32_t i = 0; i < TRIAL; ++i) {
    random_sample(sample);
    tfkd_count_begin();
    tfkd_trial_push(&trial, 20000 * i, sample);
    tfkd_count_end();
  }
  tfkd_count_begin();
  tfkd_trial_finish(&trial);
  tfkd_count_end();
  return runs == 1 && events == 1 ? 0 : 1;
#endif
}

#endif
