/* Throws anything at the sample path and looks at what comes out. The sanitizers look at the rest.
 *
 *   fuzz SEED SECONDS        prints what was done; ends with 1 at the first event that cannot be
 *
 * The same seed makes the same run, however far it gets. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "student.h"
#if TFKD_WINDOWING_STREAM
#include "tfkd_stream.h"
typedef tfkd_stream tfkd_core;
#else
#include "tfkd_trial.h"
typedef tfkd_trial tfkd_core;
#endif

static uint64_t state;

static uint32_t bits(void) { /* xorshift64* */
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (uint32_t)((state * 2685821657736338717u) >> 32);
}

static uint32_t below(uint32_t limit) { return (uint32_t)(((uint64_t)bits() * limit) >> 32); }
static bool one_in(uint32_t many) { return below(many) == 0; }

static unsigned long rounds, pushes, inferences, events[32];
static int active, events_of_a_call;
static bool refusing;
static unsigned long joined; /* runs of the student since it was cleared */
static bool must_reset;      /* it has not been cleared yet, or a run failed */

static void check(bool good, const char *what) {
  if (good) return;
  printf("round %lu, push %lu: %s\n", rounds, pushes, what);
  exit(1);
}

static void look(void *context, const tfkd_event *event) {
  (void)context;
  check(strcmp(tfkd_event_name(event->kind), "unknown") != 0, "an event of no kind");
  ++events[event->kind];
  check(++events_of_a_call <= TFKD_CHANNELS + 6, "a flood of events");
  if (event->kind >= TFKD_FAULT_BAD_SAMPLE) {
    check(event->label == -1 && event->confidence == 0, "a fault with a class");
    return;
  }
  check(event->label >= 0 && event->label < TFKD_CLASSES, "a class that does not exist");
  check(event->confidence <= TFKD_ONE, "a confidence above one");
#if TFKD_MEMORY > 0
  check(event->kind == TFKD_EVENT_ENDED || joined > TFKD_UNSURE_RUNS, "a decision before the memory was full");
#endif
  if (event->kind == TFKD_EVENT_STARTED) {
    check(active == -1, "a start within an activity");
    active = event->label;
  } else if (event->kind == TFKD_EVENT_ENDED) {
    check(active == event->label, "an end of another activity");
    active = -1;
  }
}

static int8_t input[TFKD_INPUT_SIZE], output[TFKD_CLASSES];

tfkd_status tfkd_student_reset(tfkd_student *student) {
  (void)student;
  check(TFKD_MEMORY > 0, "a student without a memory is cleared");
  must_reset = refusing && one_in(5);
  joined = 0;
  return must_reset ? TFKD_ENGINE_FAILED : TFKD_OK;
}

tfkd_status tfkd_student_run(tfkd_student *student) {
  ++inferences;
  ++joined;
  check(!must_reset || TFKD_MEMORY == 0, "a run after a break without a reset");
  const int mood = (int)below(4);
  for (int i = 0; i < TFKD_CLASSES; ++i) student->input[i % TFKD_INPUT_SIZE] = (int8_t)bits();
  for (int i = 0; i < TFKD_CLASSES && mood > 0; ++i) output[i] = (int8_t)(mood == 1 ? (int)bits() : -128);
  if (mood == 3) output[below(TFKD_CLASSES)] = 127;
  must_reset = refusing && one_in(3);
  return must_reset ? TFKD_ENGINE_FAILED : TFKD_OK;
}

static float any_float(void) {
  uint32_t pattern = bits();
  float value;
  if (one_in(3)) pattern = (pattern & 0x80000000u) | (below(2) ? 0x7f7fffffu : 0x7f800000u) | (pattern & 1u);
  memcpy(&value, &pattern, sizeof value);
  return value;
}

static tfkd_settings any_settings(void) {
  tfkd_settings settings = tfkd_default_settings();
  if (one_in(2)) settings.max_gap_us = one_in(2) ? below(2 * TFKD_LONGEST_GAP_US) : below(1000000);
  if (one_in(2)) settings.stuck_us = one_in(2) ? bits() : below(1000000);
  if (one_in(2)) settings.range[below(TFKD_CHANNELS)] = one_in(2) ? any_float() : 3.0f;
  if (one_in(2)) settings.quiet_samples = (uint16_t)(one_in(2) ? bits() : below(3));
  if (one_in(2)) settings.smoothing = (uint16_t)below(TFKD_ONE + 2);
  if (one_in(2)) settings.enter = (uint16_t)below(TFKD_ONE + 2);
  if (one_in(2)) settings.leave = (uint16_t)below(settings.enter + 2u);
  if (one_in(2)) settings.report_windows = (uint8_t)below(3);
  return settings;
}

/* A moment's weather: how times and samples are drawn for a while. */
typedef struct weather {
  uint32_t step_us, jitter_us, wild, same, dead;
} weather;

static weather any_weather(void) {
  static const uint32_t steps[] = {0, 1, 999, 5000, 19531, 20000, 20001, 33333, 700000, 4000000000u};
  const weather found = {one_in(4) ? bits() >> below(32) : steps[below(10)], one_in(2) ? 0 : below(40000),
                         one_in(3) ? 1 + below(40) : 0, one_in(4),
                         one_in(4) ? below(TFKD_CHANNELS) : TFKD_CHANNELS};
  return found;
}

static void one_round(tfkd_core *core) {
  tfkd_student student = {input, output, NULL};
  const tfkd_sink sink = {look, NULL};
  const tfkd_settings settings = any_settings();
  active = -1;
  refusing = one_in(4);
  must_reset = true;
  events_of_a_call = 0;
#if TFKD_WINDOWING_STREAM
  const tfkd_status status = tfkd_stream_init(core, &student, &settings, sink);
#else
  const tfkd_status status = tfkd_trial_init(core, &student, &settings, sink);
#endif
  check(status == tfkd_check_settings(&settings), "settings that init and check see differently");
  if (status != TFKD_OK) return;
  float sample[TFKD_CHANNELS] = {0};
  uint32_t time_us = bits();
  weather now = any_weather();
  for (uint32_t left = 1 + below(2000); left > 0; --left) {
    if (one_in(60)) now = any_weather();
    time_us += now.step_us + (now.jitter_us ? below(now.jitter_us) : 0);
    for (int i = 0; i < TFKD_CHANNELS && !now.same; ++i) {
      if ((uint32_t)i == now.dead) continue;
      sample[i] = now.wild && one_in(now.wild) ? any_float() : (float)(int32_t)bits() * 1e-9f;
    }
    events_of_a_call = 0;
    ++pushes;
#if TFKD_WINDOWING_STREAM
    const bool was_due = tfkd_stream_due(core);
    const uint32_t due_us = core->due_us;
    tfkd_stream_push(core, time_us, sample);
    /* A window that was due is gone, or another took its place. */
    if (was_due && (!tfkd_stream_due(core) || core->due_us != due_us)) must_reset = true;
    if (TFKD_MEMORY > 0 && must_reset) check(active == -1, "an activity that outlives what it was told from");
    events_of_a_call = 0;
    if (!one_in(10)) {
      tfkd_stream_run(core);
      check(!tfkd_stream_due(core), "a window that is due after it was taken");
    }
    if (one_in(300)) tfkd_stream_tick(core, one_in(2) ? bits() : time_us + below(2000000));
    if (one_in(1000)) {
      tfkd_stream_reset(core);
      must_reset = true;
    }
#else
    tfkd_trial_push(core, time_us, sample);
    events_of_a_call = 0;
    if (one_in(90)) tfkd_trial_finish(core);
    if (one_in(90)) tfkd_trial_begin(core);
#endif
  }
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  state = strtoull(argv[1], NULL, 10) * 2 + 1;
  const time_t end = time(NULL) + atol(argv[2]);
  static tfkd_core core;
  for (; time(NULL) < end || rounds == 0; ++rounds) one_round(&core);
  printf("rounds %lu\npushes %lu\ninferences %lu\n", rounds, pushes, inferences);
  for (int kind = 0; kind < 32; ++kind) {
    if (events[kind]) printf("%s %lu\n", tfkd_event_name((tfkd_event_kind)kind), events[kind]);
  }
  return 0;
}
