/* Runs the golden windows and tells how many outputs are the recorded ones, byte for byte.
 *
 * Ends with 0 if all are, 1 if one is not, 2 if the student does not start or run.
 */
#include <string.h>

#include "golden_windows.h"
#include "port.h"
#include "report.h"
#include "student.h"

static _Alignas(TFKD_STUDENT_ALIGNMENT) unsigned char memory[TFKD_STUDENT_MEMORY_BYTES];

int main(int argc, char **argv) {
  tfkd_student student;
  tfkd_status status;
  int32_t identical = 0;

  if (tfkd_port_begin(argc, argv) != 0) return 2;
  tfkd_report_text("engine", tfkd_student_engine());
  tfkd_report_number("memory", (int32_t)sizeof memory);
  status = tfkd_student_init(&student, memory, sizeof memory);
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
  return identical == GOLDEN_WINDOWS ? 0 : 1;
}
