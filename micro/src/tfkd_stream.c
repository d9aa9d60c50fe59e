#include "tfkd_check.h"

#if TFKD_WINDOWING_STREAM

#include <stddef.h>
#include <string.h>

#include "tfkd_gaf.h"
#include "tfkd_sample.h"
#include "tfkd_stream.h"

#define MICROSECONDS_TIMES_MILLIHERTZ 1000000000u /* in a second times one Hertz */

static uint32_t greatest_common_divisor(uint32_t a, uint32_t b) {
  while (b > 0) {
    const uint32_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

tfkd_status tfkd_stream_init(tfkd_stream *stream, tfkd_student *student, const tfkd_settings *settings,
                             tfkd_sink sink) {
  if (stream == NULL || student == NULL || student->input == NULL || student->output == NULL) {
    return TFKD_BAD_ARGUMENT;
  }
  memset(stream, 0, sizeof *stream);
  const uint32_t divisor = greatest_common_divisor(MICROSECONDS_TIMES_MILLIHERTZ, TFKD_SAMPLE_RATE_MILLIHERTZ);
  stream->student = student;
  stream->rate = TFKD_SAMPLE_RATE_MILLIHERTZ / divisor;
  stream->period = MICROSECONDS_TIMES_MILLIHERTZ / divisor;
  stream->last = stream->recent[0];
  stream->spare = stream->recent[1];
#if TFKD_MEMORY > 0
  stream->broken = true; /* another stream may have used the student */
#endif
  tfkd_decision_init(&stream->decision);
  return tfkd_monitor_init(&stream->monitor, settings, sink);
}

/* What comes does not join on what was: ends the activity, if there is one. */
static void interrupt(tfkd_stream *stream, uint32_t time_us) {
#if TFKD_MEMORY > 0
  stream->broken = true;
#endif
  tfkd_decision_interrupt(&stream->decision, &stream->monitor.sink, time_us);
}

/* Empties the window. What was collected for it is lost, and so is a window that still waits. */
static void clear(tfkd_stream *stream) {
  tfkd_monitor *monitor = &stream->monitor;
  if (stream->due) tfkd_monitor_report(monitor, TFKD_FAULT_OVERRUN, stream->due_us, 1);
  stream->due = false;
  stream->running = false;
  interrupt(stream, monitor->last_us);
}

/* Where the grid's next point goes. */
static tfkd_kept *place(tfkd_stream *stream) { return stream->ring + stream->head * TFKD_CHANNELS; }

/* The grid's next point is in its place. */
static void kept(tfkd_stream *stream, uint32_t time_us) {
  if (++stream->head == TFKD_RING_SAMPLES) stream->head = 0;
  if (--stream->missing > 0) return;
  if (stream->due) {
    tfkd_monitor_report(&stream->monitor, TFKD_FAULT_OVERRUN, stream->due_us, 1);
    if (TFKD_MEMORY > 0) interrupt(stream, stream->due_us);
  }
  stream->due = true;
  stream->due_us = time_us;
  stream->due_start = (stream->head + TFKD_HOP) % TFKD_RING_SAMPLES; /* head - TFKD_WINDOW */
  stream->missing = TFKD_HOP;
}

static void keep(tfkd_stream *stream, uint32_t time_us, const float sample[TFKD_CHANNELS]) {
#if TFKD_ENCODING_KIND == TFKD_ENCODING_NONE
  tfkd_quantise_sample(sample, place(stream));
#else
  for (int channel = 0; channel < TFKD_CHANNELS; ++channel) {
    place(stream)[channel] = tfkd_standardised(sample[channel], channel);
  }
#endif
  kept(stream, time_us);
}

/* Keeps the point at `weight` of the straight line from `last` to `spare`. */
static void keep_between(tfkd_stream *stream, uint32_t time_us, float weight) {
#if TFKD_ENCODING_KIND == TFKD_ENCODING_NONE
  tfkd_quantise_between(stream->last, stream->spare, weight, place(stream));
#else
  for (int channel = 0; channel < TFKD_CHANNELS; ++channel) {
    const float value = tfkd_between(stream->last[channel], stream->spare[channel], weight);
    place(stream)[channel] = tfkd_standardised(value, channel);
  }
#endif
  kept(stream, time_us);
}

/* The first sample: it sets the grid. */
static void start(tfkd_stream *stream, uint32_t time_us, const float sample[TFKD_CHANNELS]) {
  tfkd_monitor *monitor = &stream->monitor;
  stream->running = true;
  stream->missing = TFKD_WINDOW;
  stream->to_grid = stream->period;
  monitor->same = monitor->stuck = false;
  tfkd_monitor_watch(monitor, time_us, sample);
  keep(stream, time_us, sample);
}

/* Keeps the grid's points between `last` and `spare`, the sample of this time. */
static void resample(tfkd_stream *stream, uint32_t time_us) {
  const uint64_t span = (uint64_t)(time_us - stream->monitor.last_us) * stream->rate;
  for (; stream->to_grid <= span; stream->to_grid += stream->period) {
    if (stream->to_grid == span) { /* a sensor in step with the grid */
      keep(stream, time_us, stream->spare);
      continue;
    }
    uint64_t part = stream->to_grid, whole = span;
    while (whole > UINT32_MAX) { /* to what the core converts at once, and rounds the same everywhere */
      part >>= 1;
      whole >>= 1;
    }
    keep_between(stream, time_us, (float)(uint32_t)part / (float)(uint32_t)whole);
  }
  stream->to_grid -= span;
}

/* Whether time has moved on, so that a sample of this time can be used. After a break nothing is running. */
static bool advance(tfkd_stream *stream, uint32_t time_us) {
  tfkd_monitor *monitor = &stream->monitor;
  const uint32_t step = time_us - monitor->last_us;
  if (step == 0) {
    tfkd_monitor_report(monitor, TFKD_FAULT_TIME_STILL, time_us, 0);
    return false;
  }
  if (step > INT32_MAX) {
    const uint32_t back = 0u - step;
    tfkd_monitor_report(monitor, TFKD_FAULT_TIME_BACK, time_us, back);
    if (back <= monitor->settings.max_gap_us) return false;
    clear(stream);
  } else if (step > monitor->settings.max_gap_us) {
    tfkd_monitor_report(monitor, TFKD_FAULT_GAP, time_us, step);
    clear(stream);
  }
  return true;
}

/* Remembers the sample that is in `spare`, to which the next will be compared. */
static void remember(tfkd_stream *stream, uint32_t time_us) {
  float *const sample = stream->spare;
  stream->spare = stream->last;
  stream->last = sample;
  stream->monitor.last_us = time_us;
}

/* Looks at any sample. Whether it is to be used, as one that follows on the last. */
TFKD_RARE static bool look_with_care(tfkd_stream *stream, uint32_t time_us, const float sample[TFKD_CHANNELS]) {
  tfkd_monitor *monitor = &stream->monitor;
  ++monitor->pushes;
  const bool good = tfkd_monitor_judge(monitor, time_us, sample);
  if ((stream->running && !advance(stream, time_us)) || !good) return false;
  memcpy(stream->spare, sample, sizeof stream->recent[0]);
  const bool first = !stream->running, was_stuck = monitor->stuck && !first;
  const bool stuck = !first && tfkd_monitor_stuck(monitor, time_us, stream->last, sample);
  if (first || (was_stuck && !stuck)) {
    start(stream, time_us, sample);
  } else if (!stuck) {
    return true;
  } else if (!was_stuck) {
    clear(stream);
    stream->running = true; /* time goes on: a pause of a stuck sensor is still a pause */
  }
  remember(stream, time_us);
  return false;
}

tfkd_status tfkd_stream_push(tfkd_stream *stream, uint32_t time_us, const float sample[TFKD_CHANNELS]) {
  if (stream == NULL || sample == NULL) return TFKD_BAD_ARGUMENT;
  tfkd_monitor *monitor = &stream->monitor;
  float *to = stream->spare;
  const float *from = sample;
  /* An ordinary sample comes in time, moves and is within all limits. */
  if (stream->running && !monitor->stuck && tfkd_monitor_on_time(monitor, time_us) &&
      tfkd_bits(sample[0]) != tfkd_bits(stream->last[0]) && tfkd_copy_below(&to, &from, monitor->limits)) {
    ++monitor->pushes;
    monitor->same = false;
  } else if (!look_with_care(stream, time_us, sample)) {
    return TFKD_OK;
  }
  resample(stream, time_us);
  /* Whether all channels live is looked for in stretches of at least stuck_us. */
  if (monitor->still > 0) tfkd_monitor_look(monitor, stream->spare);
  if (time_us - monitor->watched_us >= monitor->settings.stuck_us) {
    tfkd_monitor_dead(monitor, time_us);
    tfkd_monitor_watch(monitor, time_us, stream->spare);
  }
  remember(stream, time_us);
  return TFKD_OK;
}

bool tfkd_stream_due(const tfkd_stream *stream) { return stream != NULL && stream->due; }

#if TFKD_ENCODING_KIND == TFKD_ENCODING_NONE
/* memcpy, but in the small C libraries of microcontrollers that goes byte by byte. */
static void copy(int8_t *to, const int8_t *from, uint32_t bytes) {
  enum { BLOCK = 64, WORD = 4 };
  for (; bytes >= BLOCK; bytes -= BLOCK, to += BLOCK, from += BLOCK) memcpy(to, from, BLOCK);
  for (; bytes >= WORD; bytes -= WORD, to += WORD, from += WORD) memcpy(to, from, WORD);
  memcpy(to, from, bytes);
}
#endif

static void take(tfkd_stream *stream) {
  const uint32_t start_at = stream->due_start;
  int8_t *input = stream->student->input;
#if TFKD_ENCODING_KIND == TFKD_ENCODING_NONE
  const uint32_t to_end = TFKD_RING_SAMPLES - start_at;
  const uint32_t first = to_end < TFKD_WINDOW ? to_end : TFKD_WINDOW;
  copy(input, stream->ring + start_at * TFKD_CHANNELS, first * TFKD_CHANNELS);
  copy(input + first * TFKD_CHANNELS, stream->ring, (TFKD_WINDOW - first) * TFKD_CHANNELS);
#else
  tfkd_gaf(stream->ring, TFKD_RING_SAMPLES, start_at, input);
#endif
  stream->due = false;
}

/* Makes the student forget what the window that is due does not join on. */
static tfkd_status forget(tfkd_stream *stream) {
#if TFKD_MEMORY > 0
  if (stream->broken) {
    const tfkd_status status = tfkd_student_reset(stream->student);
    if (status != TFKD_OK) return status;
    stream->broken = false;
    stream->unsure = TFKD_UNSURE_RUNS;
  }
#else
  (void)stream;
#endif
  return TFKD_OK;
}

/* Whether the output of the student's last run counts. */
static bool sure(tfkd_stream *stream) {
#if TFKD_MEMORY > 0
  if (stream->unsure > 0) {
    --stream->unsure;
    return false;
  }
#else
  (void)stream;
#endif
  return true;
}

tfkd_status tfkd_stream_run(tfkd_stream *stream) {
  if (stream == NULL) return TFKD_BAD_ARGUMENT;
  if (!stream->due) return TFKD_OK;
  tfkd_status status = forget(stream);
  take(stream);
  if (status == TFKD_OK) status = tfkd_student_run(stream->student);
  tfkd_monitor *monitor = &stream->monitor;
  if (status != TFKD_OK) {
    tfkd_monitor_report(monitor, TFKD_FAULT_ENGINE, stream->due_us, (uint32_t)-status);
    if (TFKD_MEMORY > 0) interrupt(stream, stream->due_us);
  } else if (sure(stream)) {
    tfkd_decision_update(&stream->decision, &monitor->settings, &monitor->sink, stream->due_us,
                         stream->student->output);
  }
  return status;
}

tfkd_status tfkd_stream_tick(tfkd_stream *stream, uint32_t time_us) {
  if (stream == NULL) return TFKD_BAD_ARGUMENT;
  const uint32_t step = time_us - stream->monitor.last_us;
  /* Only a pause is looked for: an unwilling clock is reported when samples come with it. */
  if (stream->running && step <= INT32_MAX && step > stream->monitor.settings.max_gap_us) advance(stream, time_us);
  return TFKD_OK;
}

tfkd_status tfkd_stream_reset(tfkd_stream *stream) {
  if (stream == NULL) return TFKD_BAD_ARGUMENT;
  if (stream->running) clear(stream);
  return TFKD_OK;
}

#else

typedef int tfkd_stream_not_in_this_firmware; /* ISO C wants a declaration in every file */

#endif
