/* Plays commands from a file into the core and prints the events. Without an ENGINE the student's answers are played
 * back, too: each inference must ask exactly what was recorded, and the student be cleared where it was.
 *
 *   replay COMMANDS ANSWERS MAX_GAP_US STUCK_US QUIET_SAMPLES SMOOTHING ENTER LEAVE REPORT_WINDOWS RANGE...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "student.h"
#if TFKD_WINDOWING_STREAM
#include "tfkd_stream.h"
#else
#include "tfkd_trial.h"
#endif

enum { PUSH, RUN, TICK, RESET, BEGIN, FINISH };

typedef struct command {
  uint32_t what, time_us;
  float sample[TFKD_CHANNELS];
} command;

static FILE *answers;
static unsigned long inferences;

#ifndef ENGINE
static int8_t input[TFKD_INPUT_SIZE], expected[TFKD_INPUT_SIZE], output[TFKD_CLASSES];

tfkd_status tfkd_student_init(tfkd_student *student, void *memory, size_t bytes) {
  (void)memory;
  (void)bytes;
  student->input = input;
  student->output = output;
  return TFKD_OK;
}

tfkd_status tfkd_student_reset(tfkd_student *student) {
  (void)student;
  if (fgetc(answers) == 'r') return TFKD_OK;
  printf("before inference %lu the student was not cleared\n", inferences);
  exit(1);
}

tfkd_status tfkd_student_run(tfkd_student *student) {
  (void)student;
  if (fgetc(answers) != 'i' || fread(expected, sizeof expected, 1, answers) != 1 ||
      fread(output, sizeof output, 1, answers) != 1) {
    printf("inference %lu was not recorded\n", inferences);
    exit(1);
  }
  for (int i = 0; i < TFKD_INPUT_SIZE; ++i) {
    if (input[i] != expected[i]) {
      printf("inference %lu: input %d is %d, not %d\n", inferences, i, input[i], expected[i]);
      exit(1);
    }
  }
  ++inferences;
  memset(input, 85, sizeof input); /* an engine may overwrite its input */
  return TFKD_OK;
}
#endif

static void print(void *context, const tfkd_event *event) {
  (void)context;
  printf("%s %lu %d %u %lu\n", tfkd_event_name(event->kind), (unsigned long)event->time_us, event->label,
         event->confidence, (unsigned long)event->value);
}

int main(int argc, char **argv) {
  if (argc != 10 + TFKD_CHANNELS) return 2;
  FILE *commands = fopen(argv[1], "rb");
  answers = fopen(argv[2], "rb");
  if (commands == NULL || answers == NULL) return 2;
  tfkd_settings settings = tfkd_default_settings();
  settings.max_gap_us = (uint32_t)strtoul(argv[3], NULL, 10);
  settings.stuck_us = (uint32_t)strtoul(argv[4], NULL, 10);
  settings.quiet_samples = (uint16_t)atoi(argv[5]);
  settings.smoothing = (uint16_t)atoi(argv[6]);
  settings.enter = (uint16_t)atoi(argv[7]);
  settings.leave = (uint16_t)atoi(argv[8]);
  settings.report_windows = (uint8_t)atoi(argv[9]);
  for (int i = 0; i < TFKD_CHANNELS; ++i) settings.range[i] = strtof(argv[10 + i], NULL);

  static _Alignas(TFKD_STUDENT_ALIGNMENT) unsigned char memory[TFKD_STUDENT_MEMORY_BYTES];
  tfkd_student student;
  if (tfkd_student_init(&student, memory, sizeof memory) != TFKD_OK) return 3;
  const tfkd_sink sink = {print, NULL};
#if TFKD_WINDOWING_STREAM
  static tfkd_stream core;
  if (tfkd_stream_init(&core, &student, &settings, sink) != TFKD_OK) return 3;
#else
  static tfkd_trial core;
  if (tfkd_trial_init(&core, &student, &settings, sink) != TFKD_OK) return 3;
#endif
  command next;
  while (fread(&next, sizeof next, 1, commands) == 1) {
    tfkd_status status = TFKD_BAD_ARGUMENT;
    switch (next.what) {
#if TFKD_WINDOWING_STREAM
      case PUSH: status = tfkd_stream_push(&core, next.time_us, next.sample); break;
      case RUN: status = tfkd_stream_run(&core); break;
      case TICK: status = tfkd_stream_tick(&core, next.time_us); break;
      case RESET: status = tfkd_stream_reset(&core); break;
#else
      case PUSH: status = tfkd_trial_push(&core, next.time_us, next.sample); break;
      case BEGIN: status = tfkd_trial_begin(&core); break;
      case FINISH: status = tfkd_trial_finish(&core); break;
#endif
    }
    if (status != TFKD_OK) return 4;
  }
  if (fgetc(answers) != EOF) printf("an inference was left out after %lu\n", inferences);
  fprintf(stderr, "%lu", inferences);
  fclose(commands);
  fclose(answers);
  return 0;
}
