#include "tfkd_check.h"

#if !TFKD_WINDOWING_STREAM

#include <stddef.h>
#include <string.h>

#include "tfkd_decision.h"
#include "tfkd_gaf.h"
#include "tfkd_sample.h"
#include "tfkd_trial.h"

tfkd_status tfkd_trial_init(tfkd_trial *trial, tfkd_student *student, const tfkd_settings *settings, tfkd_sink sink) {
  if (trial == NULL || student == NULL || student->input == NULL || student->output == NULL) {
    return TFKD_BAD_ARGUMENT;
  }
  memset(trial, 0, sizeof *trial);
  trial->student = student;
  return tfkd_monitor_init(&trial->monitor, settings, sink);
}

/* Tells the monitor of the ordinary samples, which it has not seen. */
static void catch_up(tfkd_trial *trial) {
  if (trial->next == trial->looked_at) return;
  tfkd_monitor *monitor = &trial->monitor;
  monitor->pushes += (uint32_t)(trial->next - trial->looked_at) / TFKD_CHANNELS;
  monitor->same = monitor->stuck = false;
  trial->looked_at = trial->next;
}

tfkd_status tfkd_trial_begin(tfkd_trial *trial) {
  if (trial == NULL || trial->student == NULL) return TFKD_BAD_ARGUMENT;
  catch_up(trial);
  trial->next = trial->samples;
  trial->careful = trial->looked_at = trial->samples;
  trial->too_long = false;
  trial->open = true;
  return TFKD_OK;
}

static void report_time(tfkd_monitor *monitor, uint32_t time_us) {
  const uint32_t step = time_us - monitor->last_us;
  if (step == 0) {
    tfkd_monitor_report(monitor, TFKD_FAULT_TIME_STILL, time_us, 0);
  } else if (step > INT32_MAX) {
    tfkd_monitor_report(monitor, TFKD_FAULT_TIME_BACK, time_us, 0u - step);
  } else if (step > monitor->settings.max_gap_us) {
    tfkd_monitor_report(monitor, TFKD_FAULT_GAP, time_us, step);
  }
}

/* Any sample. */
TFKD_RARE static tfkd_status push_with_care(tfkd_trial *trial, uint32_t time_us, const float sample[TFKD_CHANNELS]) {
  if (trial == NULL || sample == NULL || !trial->open) return TFKD_BAD_ARGUMENT;
  tfkd_monitor *monitor = &trial->monitor;
  float *const end = trial->samples + TFKD_TRIAL_CAPACITY * TFKD_CHANNELS;
  catch_up(trial);
  ++monitor->pushes;
  if (!tfkd_monitor_judge(monitor, time_us, sample)) return TFKD_OK;
  if (trial->next == trial->samples) {
    monitor->same = monitor->stuck = false;
    tfkd_monitor_watch(monitor, time_us, sample);
    trial->careful = end;
  } else {
    report_time(monitor, time_us);
    tfkd_monitor_stuck(monitor, time_us, trial->too_long ? end : trial->next - TFKD_CHANNELS, sample);
  }
  monitor->last_us = time_us;
  memcpy(trial->next, sample, sizeof(float) * TFKD_CHANNELS);
  if (trial->next != end) {
    trial->looked_at = trial->next += TFKD_CHANNELS;
  } else if (!trial->too_long) {
    trial->too_long = true;
    tfkd_monitor_report(monitor, TFKD_FAULT_TRIAL_TOO_LONG, time_us, TFKD_TRIAL_CAPACITY);
  }
  return TFKD_OK;
}

tfkd_status tfkd_trial_push(tfkd_trial *trial, uint32_t time_us, const float sample[TFKD_CHANNELS]) {
  /* An ordinary sample comes in time, moves and is within all limits. The rest can wait until one is not. */
  if (trial != NULL && sample != NULL && trial->next != trial->careful &&
      tfkd_monitor_on_time(&trial->monitor, time_us) &&
      tfkd_bits(sample[0]) != tfkd_bits(trial->next[-TFKD_CHANNELS])) {
    float *next = trial->next;
    if (tfkd_copy_below(&next, &sample, trial->monitor.limits)) {
      trial->next = next;
      trial->monitor.last_us = time_us;
      return TFKD_OK;
    }
    sample -= TFKD_CHANNELS;
  }
  return push_with_care(trial, time_us, sample);
}

/* Point i of the window lies at i * (count - 1) / (TFKD_WINDOW - 1) on the index of the samples. */
static void fill_input(tfkd_trial *trial, uint32_t count) {
  enum { INTERVALS = TFKD_WINDOW - 1 };
  const uint32_t whole = (count - 1) / INTERVALS * TFKD_CHANNELS, part = (count - 1) % INTERVALS;
  const float *sample = trial->samples;
  uint32_t rest = 0;
  int8_t *input = trial->student->input;
  /* The last point is the last sample, between which and itself it lies. */
  memcpy(trial->next, trial->next - TFKD_CHANNELS, sizeof(float) * TFKD_CHANNELS);
  for (int i = 0; i < TFKD_WINDOW; ++i) {
    const float weight = (float)(int32_t)rest / (float)INTERVALS;
#if TFKD_ENCODING_KIND == TFKD_ENCODING_NONE
    input = tfkd_quantise_between(sample, sample + TFKD_CHANNELS, weight, input);
#else
    for (int channel = 0; channel < TFKD_CHANNELS; ++channel) {
      const float value = tfkd_between(sample[channel], sample[TFKD_CHANNELS + channel], weight);
      trial->window[i * TFKD_CHANNELS + channel] = tfkd_standardised(value, channel);
    }
#endif
    sample += whole;
    rest += part;
    if (rest >= INTERVALS) {
      rest -= INTERVALS;
      sample += TFKD_CHANNELS;
    }
  }
#if TFKD_ENCODING_KIND != TFKD_ENCODING_NONE
  tfkd_gaf(trial->window, TFKD_WINDOW, 0, input);
#endif
}

tfkd_status tfkd_trial_finish(tfkd_trial *trial) {
  if (trial == NULL || !trial->open) return TFKD_BAD_ARGUMENT;
  tfkd_monitor *monitor = &trial->monitor;
  trial->open = false;
  trial->careful = trial->next;
  catch_up(trial);
  if (trial->too_long) return TFKD_OK;
  const uint32_t count = (uint32_t)(trial->next - trial->samples) / TFKD_CHANNELS;
  if (count < 2) {
    tfkd_monitor_report(monitor, TFKD_FAULT_TRIAL_TOO_SHORT, monitor->last_us, count);
    return TFKD_OK;
  }
  for (const float *sample = trial->samples; sample < trial->next && monitor->still > 0; sample += TFKD_CHANNELS) {
    tfkd_monitor_look(monitor, sample);
  }
  tfkd_monitor_dead(monitor, monitor->last_us);
  fill_input(trial, count);
  const tfkd_status status = tfkd_student_run(trial->student);
  if (status != TFKD_OK) {
    tfkd_monitor_report(monitor, TFKD_FAULT_ENGINE, monitor->last_us, (uint32_t)-status);
    return status;
  }
  uint16_t confidence;
  const int label = tfkd_best(trial->student->output, &confidence);
  const tfkd_event event = {TFKD_EVENT_DECISION, monitor->last_us, (int16_t)label, confidence, 0};
  monitor->sink.send(monitor->sink.context, &event);
  return TFKD_OK;
}

#else

typedef int tfkd_trial_not_in_this_firmware; /* ISO C wants a declaration in every file */

#endif
