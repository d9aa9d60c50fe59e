/* Runs the golden windows and tells how many outputs are the recorded ones, byte for byte. For a student of images it
 * makes these images as well, and tells how many of their values are not the recorded ones.
 *
 * Ends with 0 if all outputs are and no value of an image is off by more than a step, 1 if not, 2 if the student does
 * not start or run.
 */
#include <stdlib.h>
#include <string.h>

#include "golden_windows.h"
#include "port.h"
#include "report.h"
#include "student.h"

#if TFKD_ENCODING_KIND != TFKD_ENCODING_NONE
#include "tfkd_gaf.h"
#endif

static _Alignas(TFKD_STUDENT_ALIGNMENT) unsigned char memory[TFKD_STUDENT_MEMORY_BYTES];

/* The largest difference, in steps, between the images made here and the recorded ones. */
static int encode(int8_t *image) {
  int most = 0;
#if TFKD_ENCODING_KIND != TFKD_ENCODING_NONE
  int32_t off = 0;
  for (int i = 0; i < GOLDEN_WINDOWS; ++i) {
    tfkd_gaf(golden_signals[i], TFKD_WINDOW, 0, image);
    for (int j = 0; j < TFKD_INPUT_SIZE; ++j) {
      const int steps = abs(image[j] - golden_inputs[i][j]);
      off += steps != 0;
      if (steps > most) most = steps;
    }
  }
  tfkd_report_number("encoded", GOLDEN_WINDOWS * TFKD_INPUT_SIZE);
  tfkd_report_number("encoded_off", off);
  tfkd_report_number("encoded_most", most);
#else
  (void)image;
#endif
  return most;
}

int main(int argc, char **argv) {
  tfkd_student student;
  tfkd_status status;
  int32_t identical = 0;
  int most = 0;

  if (tfkd_port_begin(argc, argv) != 0) return 2;
  tfkd_report_text("engine", tfkd_student_engine());
  tfkd_report_number("memory", (int32_t)sizeof memory);
  status = tfkd_student_init(&student, memory, sizeof memory);
  if (status == TFKD_OK) most = encode(student.input);
  /* For a student with a memory they are chunks of one signal, which begins with the empty memory that init leaves. */
  for (int i = 0; i < GOLDEN_WINDOWS && status == TFKD_OK; ++i) {
    memcpy(student.input, golden_inputs[i], TFKD_INPUT_SIZE);
    status = tfkd_student_run(&student);
    if (status == TFKD_OK && memcmp(student.output, golden_outputs[i], TFKD_CLASSES) == 0) ++identical;
  }
  tfkd_report_number("status", status);
  tfkd_report_number("windows", GOLDEN_WINDOWS);
  tfkd_report_number("identical", identical);
  tfkd_report_number("stack", (int32_t)tfkd_port_stack_bytes());
  if (status != TFKD_OK) return 2;
  return identical == GOLDEN_WINDOWS && most <= 1 ? 0 : 1;
}
