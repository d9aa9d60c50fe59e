/* Samples in, activities out: a student trained on sliding windows, fed by a sensor as it runs.
 *
 * This header is all that a port needs. A whole firmware, for a sensor with an interrupt and a main loop:
 *
 *   static _Alignas(TFKD_STUDENT_ALIGNMENT) unsigned char memory[TFKD_STUDENT_MEMORY_BYTES];
 *   static tfkd_student student;
 *   static tfkd_stream stream;
 *
 *   static void show(void *context, const tfkd_event *event) {
 *     (void)context;
 *     if (event->kind == TFKD_EVENT_STARTED) print(tfkd_labels[event->label]);
 *   }
 *
 *   int main(void) {
 *     const tfkd_settings settings = tfkd_default_settings();
 *     const tfkd_sink sink = {show, NULL};
 *     if (tfkd_student_init(&student, memory, sizeof memory) != TFKD_OK) fail();
 *     if (tfkd_stream_init(&stream, &student, &settings, sink) != TFKD_OK) fail();
 *     for (;;) {
 *       uint32_t time_us;
 *       float sample[TFKD_CHANNELS];
 *       while (next_sample(&time_us, sample)) {     // yours: from the sensor's FIFO or a queue its interrupt fills
 *         tfkd_stream_push(&stream, time_us, sample);
 *         tfkd_stream_run(&stream);                 // one inference if a window is due, else nothing
 *       }
 *       if (silence) tfkd_stream_tick(&stream, now_us);   // optional: lets a dead sensor be noticed
 *     }
 *   }
 *
 * What the port must deliver
 * - A sample is TFKD_CHANNELS floats, in the order of tfkd_channels and in the units of tfkd_units (g and deg/s, say),
 *   from a sensor worn the way it was worn for the training recordings.
 * - A time is when the sample was taken, in microseconds on any clock, which may wrap at 2^32 (after 71 minutes). A
 *   data-ready interrupt's time is best. Without any clock, count samples and multiply by their period.
 * - The sensor's rate should be near TFKD_SAMPLE_RATE_HZ. Other rates and jitter are resampled linearly onto the
 *   contract's grid, without a filter: from a much faster sensor take its own low-pass filter below half of
 *   TFKD_SAMPLE_RATE_HZ. A student is only as good as the signal resembles what it learned from.
 * - Nothing here locks. Call push, run and tick from one place; or, if an interrupt pushes, hold it off while run
 *   copies the window: easier is a queue between them, deep enough for the samples of one inference.
 *
 * What happens to bad input (each reported through the sink, see tfkd_event.h)
 * - NaN or infinity in any channel: the sample is dropped, as if it had not come.
 * - Pause of at most max_gap_us: bridged by a straight line. Longer: the window starts anew with the next sample, an
 *   activity that had started ends, at the time of the last sample before the pause.
 * - Time that stands still, or runs back by at most max_gap_us: the sample is dropped. Back by more: taken for a clock
 *   that was set anew; like a long pause. Forward jumps of 2^31 microseconds and more look like that, too.
 * - All channels exactly the same for stuck_us: nothing more is collected until a channel changes; like a long pause.
 * - Saturation (where `range` is set): reported, the sample is used. So is a dead channel: one that is exactly the same
 *   for stuck_us while others change.
 * - A window is due before tfkd_stream_run took the last one: the older is lost. Its samples stay until then, so run
 *   may come up to TFKD_HOP samples late. (A pause that is bridged over more than TFKD_HOP points does the same.)
 * - The student refuses to run: reported, also by run's status; the next window is another try.
 * Every push does a bounded amount of work: at most max_gap_us times the rate grid samples.
 *
 * A student with a memory (TFKD_MEMORY above 0)
 * - Each window joins on the last, and each sample is seen once. Where one does not join, the next run begins with
 *   tfkd_student_reset: at the start, after a long pause, a clock set anew, a stuck sensor and tfkd_stream_reset, and
 *   when a window was lost or the student refused one. The TFKD_UNSURE_RUNS runs from there fill the memory: their
 *   outputs are not used.
 * - So a lost or refused window costs more than itself: memory and window together pass before the next decision.
 *   That can be longer than a pause that ends an activity, and for a processor that never keeps up it is for ever.
 *   An activity that had started therefore ends there, too, at the time of that window.
 * - A pause of more than TFKD_HOP samples may be such a loss even where it is bridged: it can complete two windows.
 */
#ifndef TFKD_STREAM_H_
#define TFKD_STREAM_H_

#include <stdbool.h>
#include <stdint.h>

#include "student.h"
#include "tfkd_decision.h"
#include "tfkd_event.h"
#include "tfkd_monitor.h"
#include "tfkd_settings.h"

#if !TFKD_WINDOWING_STREAM
#error "tfkd_contract.h: this student was trained on whole trials, which tfkd_trial.h serves. Include that instead."
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What the window is kept as: the model's input itself, or, for an image of it, standardised values. */
#if TFKD_ENCODING_KIND == TFKD_ENCODING_NONE
typedef int8_t tfkd_kept;
#else
typedef float tfkd_kept;
#endif

/* One window and, while it waits to be taken, the samples up to the next. */
enum { TFKD_RING_SAMPLES = TFKD_WINDOW + TFKD_HOP };

/* Runs from a cleared memory whose outputs do not count yet; 0 for a student without one. */
enum { TFKD_UNSURE_RUNS = (TFKD_MEMORY + TFKD_HOP - 1) / TFKD_HOP };

/* All state; the caller owns it, leaves it where it is and looks at nothing in it. */
typedef struct tfkd_stream {
  tfkd_student *student;
  tfkd_monitor monitor;
  tfkd_decision decision;
  /* Time is counted in 1/rate microseconds, in which the grid's period is a whole number. */
  uint32_t rate, period;
  uint64_t to_grid; /* from the last sample to the next point of the grid */
  float *last, *spare; /* the sample before, and room for the next, in `recent` */
  float recent[2][TFKD_CHANNELS];
  bool running;       /* there is a last sample */
  bool due;           /* a window waits to be taken */
  uint32_t due_us;    /* the time of the sample that completed it */
  uint32_t due_start; /* where in the ring it begins */
  uint32_t missing;   /* grid samples until the next window is complete */
  uint32_t head;      /* where in the ring the next one goes */
#if TFKD_MEMORY > 0
  bool broken;     /* the next window does not join on what the student remembers */
  uint32_t unsure; /* runs until its outputs count */
#endif
  tfkd_kept ring[TFKD_RING_SAMPLES * TFKD_CHANNELS];
} tfkd_stream;

/* Prepares `stream`. `student` is initialised and stays; settings and sink are copied.
 * TFKD_BAD_ARGUMENT: a null pointer, or a setting out of its bounds. */
tfkd_status tfkd_stream_init(tfkd_stream *stream, tfkd_student *student, const tfkd_settings *settings,
                             tfkd_sink sink);

/* Takes one sample. TFKD_OK whatever the sample holds: faults go to the sink. TFKD_BAD_ARGUMENT: a null pointer. */
tfkd_status tfkd_stream_push(tfkd_stream *stream, uint32_t time_us, const float sample[TFKD_CHANNELS]);

/* Whether a window waits for tfkd_stream_run. */
bool tfkd_stream_due(const tfkd_stream *stream);

/* If a window is due: takes it, runs the student, decides. TFKD_OK if none is; otherwise the student's status, of
 * tfkd_student_reset where that failed. */
tfkd_status tfkd_stream_run(tfkd_stream *stream);

/* Tells the time where no sample came, so that a pause is noticed before it is over. */
tfkd_status tfkd_stream_tick(tfkd_stream *stream, uint32_t time_us);

/* Forgets window, smoothing and clock, after sleep for example: ends an activity that had started. What the student
 * remembers is cleared by the next run. */
tfkd_status tfkd_stream_reset(tfkd_stream *stream);

#ifdef __cplusplus
}
#endif

#endif /* TFKD_STREAM_H_ */
