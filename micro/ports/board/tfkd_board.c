#include "tfkd_board.h"

#if TFKD_WINDOWING_STREAM

tfkd_status tfkd_board_init(tfkd_board *board, const tfkd_settings *settings, tfkd_sink sink) {
  const tfkd_status status = tfkd_student_init(&board->student, board->memory, sizeof board->memory);
  return status == TFKD_OK ? tfkd_stream_init(&board->stream, &board->student, settings, sink) : status;
}

tfkd_status tfkd_board_take(tfkd_board *board, uint32_t time_us, const float sample[TFKD_CHANNELS], bool pressed) {
  (void)pressed;
  const tfkd_status status = tfkd_stream_push(&board->stream, time_us, sample);
  return status == TFKD_OK ? tfkd_stream_run(&board->stream) : status;
}

tfkd_status tfkd_board_wait(tfkd_board *board, uint32_t time_us, bool pressed) {
  (void)pressed;
  return tfkd_stream_tick(&board->stream, time_us);
}

#else

tfkd_status tfkd_board_init(tfkd_board *board, const tfkd_settings *settings, tfkd_sink sink) {
  board->open = false;
  const tfkd_status status = tfkd_student_init(&board->student, board->memory, sizeof board->memory);
  return status == TFKD_OK ? tfkd_trial_init(&board->trial, &board->student, settings, sink) : status;
}

/* Begins and ends trials as the button says. */
static tfkd_status follow(tfkd_board *board, bool pressed) {
  if (pressed == board->open) return TFKD_OK;
  board->open = pressed;
  board->any = false;
  return pressed ? tfkd_trial_begin(&board->trial) : tfkd_trial_finish(&board->trial);
}

tfkd_status tfkd_board_take(tfkd_board *board, uint32_t time_us, const float sample[TFKD_CHANNELS], bool pressed) {
  const tfkd_status status = follow(board, pressed);
  if (status != TFKD_OK || !board->open) return status;
  if (board->any && time_us - board->last_us < TFKD_TRIAL_PERIOD_US) return TFKD_OK;
  board->any = true;
  board->last_us = time_us;
  return tfkd_trial_push(&board->trial, time_us, sample);
}

tfkd_status tfkd_board_wait(tfkd_board *board, uint32_t time_us, bool pressed) {
  (void)time_us;
  return follow(board, pressed);
}

#endif
