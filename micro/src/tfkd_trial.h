/* Samples in, one decision a trial out: a student trained on whole trials.
 *
 * Somebody or something says when a trial begins and ends (a button, a detector of movement):
 *
 *   tfkd_trial_init(&trial, &student, &settings, sink);
 *   tfkd_trial_begin(&trial);
 *   while (...) tfkd_trial_push(&trial, time_us, sample);
 *   tfkd_trial_finish(&trial);              sends one TFKD_EVENT_DECISION
 *
 * Student, settings and sink are as in tfkd_stream.h; of the settings, smoothing, enter, leave and report_windows have
 * no meaning here. The trial is collected, and each channel resampled linearly over its samples 0..n-1 to TFKD_WINDOW
 * points, at whatever rate it came. So time only serves the reports, and they are the same as in a stream, but nothing
 * is dropped except samples with a NaN or an infinity, and a pause or a stuck sensor does not end the trial. Dead
 * channels are reported when it is finished: those that were the same throughout.
 * More than TFKD_TRIAL_CAPACITY samples: reported once, and finish makes no decision; nor with fewer than two samples.
 */
#ifndef TFKD_TRIAL_H_
#define TFKD_TRIAL_H_

#include <stdbool.h>
#include <stdint.h>

#include "student.h"
#include "tfkd_event.h"
#include "tfkd_monitor.h"
#include "tfkd_settings.h"

#if TFKD_WINDOWING_STREAM
#error "tfkd_contract.h: this student was trained on sliding windows, which tfkd_stream.h serves. Include that instead."
#endif

/* Samples that a trial may have; 4 * TFKD_CHANNELS bytes each. To be defined for the whole firmware, if at all. */
#ifndef TFKD_TRIAL_CAPACITY
#define TFKD_TRIAL_CAPACITY (4 * TFKD_WINDOW)
#endif

#if TFKD_TRIAL_CAPACITY < 2 || TFKD_TRIAL_CAPACITY > 65536
#error "TFKD_TRIAL_CAPACITY must be 2 to 65536 samples."
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* All state; the caller owns it, leaves it where it is and looks at nothing in it. */
typedef struct tfkd_trial {
  tfkd_student *student;
  float *next;             /* where the next sample goes */
  const float *careful;    /* from here on an ordinary sample needs care: the end, or the very beginning */
  const float *looked_at;  /* up to here the monitor knows of all samples */
  tfkd_monitor monitor;
  bool open; /* between begin and finish */
  bool too_long;
  float samples[(TFKD_TRIAL_CAPACITY + 1) * TFKD_CHANNELS]; /* of a trial that is too long, the newest comes last */
#if TFKD_ENCODING_KIND != TFKD_ENCODING_NONE
  float window[TFKD_WINDOW * TFKD_CHANNELS]; /* what the image is made of */
#endif
} tfkd_trial;

/* Prepares `trial`. TFKD_BAD_ARGUMENT: a null pointer, or a setting out of its bounds. */
tfkd_status tfkd_trial_init(tfkd_trial *trial, tfkd_student *student, const tfkd_settings *settings, tfkd_sink sink);

/* Begins a trial; one that was not finished is forgotten. */
tfkd_status tfkd_trial_begin(tfkd_trial *trial);

/* Takes one sample. TFKD_OK whatever it holds; TFKD_BAD_ARGUMENT: a null pointer, or no trial has begun. */
tfkd_status tfkd_trial_push(tfkd_trial *trial, uint32_t time_us, const float sample[TFKD_CHANNELS]);

/* Ends the trial and decides, at the time of the last sample. TFKD_OK also where the trial gives no decision;
 * TFKD_BAD_ARGUMENT: no trial has begun; otherwise the student's status. */
tfkd_status tfkd_trial_finish(tfkd_trial *trial);

#ifdef __cplusplus
}
#endif

#endif /* TFKD_TRIAL_H_ */
