/* This machine: reads a recording, prints events.
 *
 *   activity recording.csv [windows]     "windows": every window's decision too, not the activities alone
 */
#include "port.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "recording.h"
#include "report.h"

static const char *path;
static int report_windows;
static recording source;

int tfkd_port_begin(int argc, char **argv) {
  if (argc > 1) path = argv[1];
  report_windows = argc > 2 && strcmp(argv[2], "windows") == 0;
  if (argc > 3 || (argc == 3 && !report_windows)) {
    fprintf(stderr, "usage: %s [recording.csv [windows]]\n", argv[0]);
    return 1;
  }
  return path == NULL ? 0 : recording_open(&source, path);
}

void tfkd_port_settings(tfkd_settings *settings) { settings->report_windows = (uint8_t)report_windows; }

int tfkd_port_sample(uint32_t *time_us, float *sample) {
  double seconds;
  if (path == NULL) {
    fprintf(stderr, "Name a recording: activity recording.csv\n");
    return -1;
  }
  const int got = recording_next(&source, &seconds, sample);
  if (got == 1 && !(fabs(seconds) < 1e12)) {
    fprintf(stderr, "%s, line %lu: %f is not a time.\n", path, source.line, seconds);
    return -1;
  }
  /* Microseconds wrap at 2^32, as a board's clock does. */
  if (got == 1) *time_us = (uint32_t)(uint64_t)llround(seconds * 1e6);
  return got;
}

void tfkd_port_event(const tfkd_event *event) { tfkd_report_event(event); }

void tfkd_port_text(const char *text) { fputs(text, stdout); }

uint32_t tfkd_port_stack_bytes(void) { return 0; }
