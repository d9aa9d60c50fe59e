/* Samples in, activities out: the firmware itself, for any board with a port.
 *
 * Ends when the sample source does: with 0, or with 2 after an error that it has told of.
 */
#include "count_markers.h"
#include "port.h"
#include "report.h"
#include "student.h"

#if TFKD_WINDOWING_STREAM
#include "tfkd_stream.h"
#else
#include "tfkd_trial.h"
#endif

static _Alignas(TFKD_STUDENT_ALIGNMENT) unsigned char memory[TFKD_STUDENT_MEMORY_BYTES];
static tfkd_student student;

static void send(void *context, const tfkd_event *event) {
  (void)context;
  tfkd_port_event(event);
}

#if TFKD_WINDOWING_STREAM

static tfkd_stream stream;

static tfkd_status begin(const tfkd_settings *settings, tfkd_sink sink) {
  return tfkd_stream_init(&stream, &student, settings, sink);
}

static tfkd_status take(uint32_t time_us, const float *sample) {
  tfkd_status status;
  tfkd_outer_begin();
  status = tfkd_stream_push(&stream, time_us, sample);
  if (status == TFKD_OK) status = tfkd_stream_run(&stream);
  tfkd_outer_end();
  return status;
}

static tfkd_status finish(void) { return TFKD_OK; }

#else

static tfkd_trial trial;

static tfkd_status begin(const tfkd_settings *settings, tfkd_sink sink) {
  const tfkd_status status = tfkd_trial_init(&trial, &student, settings, sink);
  return status == TFKD_OK ? tfkd_trial_begin(&trial) : status;
}

static tfkd_status take(uint32_t time_us, const float *sample) {
  tfkd_status status;
  tfkd_outer_begin();
  status = tfkd_trial_push(&trial, time_us, sample);
  tfkd_outer_end();
  return status;
}

static tfkd_status finish(void) {
  tfkd_status status;
  tfkd_outer_begin();
  status = tfkd_trial_finish(&trial);
  tfkd_outer_end();
  return status;
}

#endif

int main(int argc, char **argv) {
  const tfkd_sink sink = {send, 0};
  tfkd_settings settings = tfkd_default_settings();
  float sample[TFKD_CHANNELS];
  uint32_t time_us;
  int got = -1;
  tfkd_status status;

  if (tfkd_port_begin(argc, argv) != 0) return 2;
  tfkd_port_settings(&settings);
  status = tfkd_student_init(&student, memory, sizeof memory);
  if (status == TFKD_OK) status = begin(&settings, sink);
  while (status == TFKD_OK && (got = tfkd_port_sample(&time_us, sample)) == 1) status = take(time_us, sample);
  if (status == TFKD_OK && got == 0) status = finish();
  tfkd_report_number("status", status);
  tfkd_report_number("stack", (int32_t)tfkd_port_stack_bytes());
  return status == TFKD_OK && got == 0 ? 0 : 2;
}
