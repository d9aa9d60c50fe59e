/* A student on a board, whichever way it was trained: engine, memory, and either a stream or trials.
 *
 *   static tfkd_board board;
 *   tfkd_settings settings = tfkd_default_settings();
 *   tfkd_sink sink = {show, NULL};
 *   if (tfkd_board_init(&board, &settings, sink) != TFKD_OK) fail();
 *   for (;;) {
 *     if (sensor has a sample) tfkd_board_take(&board, time_us, sample, button is pressed);
 *     else tfkd_board_wait(&board, time_us, button is pressed);
 *   }
 *
 * The contract says which it is:
 * - TFKD_WINDOWING_STREAM 1: the student watches all the time; the button is not looked at.
 * - TFKD_WINDOWING_STREAM 0: it was trained on whole trials. A trial lasts as long as the button is pressed, and is
 *   decided when it is released.
 */
#ifndef TFKD_BOARD_H_
#define TFKD_BOARD_H_

#include <stdbool.h>
#include <stdint.h>

#include "student.h"
#include "tfkd_event.h"
#include "tfkd_settings.h"

#if TFKD_WINDOWING_STREAM
#include "tfkd_stream.h"
#else
#include "tfkd_trial.h"

/* Samples of a trial that come sooner than this after the last one are left out: a trial is resampled to TFKD_WINDOW
 * points in any case, and fewer samples let longer trials fit in memory. The default keeps at least
 * TFKD_TRIAL_CAPACITY * 15 ms: 7.7 s for windows of 128. */
#ifndef TFKD_TRIAL_PERIOD_US
#define TFKD_TRIAL_PERIOD_US 15000u
#endif
#endif

#ifdef __cplusplus
#define TFKD_BOARD_ALIGNED alignas(TFKD_STUDENT_ALIGNMENT)
extern "C" {
#else
#define TFKD_BOARD_ALIGNED _Alignas(TFKD_STUDENT_ALIGNMENT)
#endif

/* All state; the caller owns it and looks at nothing in it. */
typedef struct tfkd_board {
  tfkd_student student;
#if TFKD_WINDOWING_STREAM
  tfkd_stream stream;
#else
  tfkd_trial trial;
  bool open;        /* a trial has begun */
  bool any;         /* and has a sample */
  uint32_t last_us; /* whose time this is */
#endif
  TFKD_BOARD_ALIGNED unsigned char memory[TFKD_STUDENT_MEMORY_BYTES];
} tfkd_board;

/* Prepares everything. TFKD_OK, or the status of the part that refused. `board` must not move afterwards. */
tfkd_status tfkd_board_init(tfkd_board *board, const tfkd_settings *settings, tfkd_sink sink);

/* Takes a sample, in the contract's order and units, and runs the student if it is time to. The status is the
 * student's; what is wrong with a sample goes to the sink. */
tfkd_status tfkd_board_take(tfkd_board *board, uint32_t time_us, const float sample[TFKD_CHANNELS], bool pressed);

/* Tells the time while there is no sample, so that a dead sensor is noticed and a released button is seen. */
tfkd_status tfkd_board_wait(tfkd_board *board, uint32_t time_us, bool pressed);

#ifdef __cplusplus
}
#endif

#endif /* TFKD_BOARD_H_ */
