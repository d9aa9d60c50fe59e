#include "tfkd_check.h"

#if !TFKD_WINDOWING_STREAM

#include <stddef.h>
#include <string.h>

#include "tfkd_decision.h"
#include "tfkd_gaf.h"
#include "tfkd_quantise.h"
#include "tfkd_trial.h"

tfkd_status tfkd_trial_init(tfkd_trial *trial, tfkd_student *student, const tfkd_settings *settings, tfkd_sink sink) {
  if (trial == NULL || student == NULL || student->input == NULL || student->output == NULL) {
    return TFKD_BAD_ARGUMENT;
  }
  memset(trial, 0, sizeof *trial);
  trial->student = student;
  return tfkd_monitor_init(&trial->monitor, settings, sink);
}

tfkd_status tfkd_trial_begin(tfkd_trial *trial) {
  if (trial == NULL || trial->student == NULL) return TFKD_BAD_ARGUMENT;
  trial->count = 0;
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

tfkd_status tfkd_trial_push(tfkd_trial *trial, uint32_t time_us, const float sample[TFKD_CHANNELS]) {
  if (trial == NULL || sample == NULL || !trial->open) return TFKD_BAD_ARGUMENT;
  tfkd_monitor *monitor = &trial->monitor;
  if (!tfkd_monitor_check(monitor, time_us, sample)) return TFKD_OK;
  const bool first = trial->count == 0;
  if (!first) report_time(monitor, time_us);
  tfkd_monitor_stuck(monitor, time_us, sample, first);
  tfkd_monitor_keep(monitor, time_us, sample);
  if (trial->count < TFKD_TRIAL_CAPACITY) {
    memcpy(trial->samples + trial->count * TFKD_CHANNELS, sample, sizeof(float) * TFKD_CHANNELS);
    ++trial->count;
  } else if (!trial->too_long) {
    trial->too_long = true;
    tfkd_monitor_report(monitor, TFKD_FAULT_TRIAL_TOO_LONG, time_us, TFKD_TRIAL_CAPACITY);
  }
  return TFKD_OK;
}

/* Point i of the window lies at i * (count - 1) / (TFKD_WINDOW - 1) on the index of the samples. */
static void fill_input(tfkd_trial *trial) {
  int8_t *input = trial->student->input;
  for (uint32_t i = 0; i < TFKD_WINDOW; ++i) {
    const uint32_t position = i * (trial->count - 1);
    uint32_t low = position / (TFKD_WINDOW - 1);
    float weight = (float)(position % (TFKD_WINDOW - 1)) / (float)(TFKD_WINDOW - 1);
    if (low > trial->count - 2) { /* the last point is the last sample */
      low = trial->count - 2;
      weight = 1.0f;
    }
    const float *a = trial->samples + low * TFKD_CHANNELS, *b = a + TFKD_CHANNELS;
    for (int channel = 0; channel < TFKD_CHANNELS; ++channel) {
      const float value = tfkd_standardise(tfkd_between(a[channel], b[channel], weight), channel);
#if TFKD_ENCODING_KIND == TFKD_ENCODING_NONE
      *input++ = tfkd_quantise(value);
#else
      trial->window[i * TFKD_CHANNELS + (uint32_t)channel] = tfkd_limited(value);
#endif
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
  if (trial->too_long) return TFKD_OK;
  if (trial->count < 2) {
    tfkd_monitor_report(monitor, TFKD_FAULT_TRIAL_TOO_SHORT, monitor->last_us, trial->count);
    return TFKD_OK;
  }
  fill_input(trial);
  const tfkd_status status = tfkd_student_run(trial->student);
  if (status != TFKD_OK) {
    tfkd_monitor_report(monitor, TFKD_FAULT_ENGINE, monitor->last_us, (uint32_t)-status);
    return status;
  }
  uint16_t probabilities[TFKD_CLASSES];
  const int label = tfkd_probabilities(trial->student->output, probabilities);
  const tfkd_event event = {TFKD_EVENT_DECISION, monitor->last_us, (int16_t)label, probabilities[label], 0};
  monitor->sink.send(monitor->sink.context, &event);
  return TFKD_OK;
}

#else

typedef int tfkd_trial_not_in_this_firmware; /* ISO C wants a declaration in every file */

#endif
