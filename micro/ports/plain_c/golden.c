/* Runs the golden windows and tells how many outputs are the recorded ones, byte for byte. Ends with 0 if all are. */
#include <stdio.h>
#include <string.h>

#include "golden_windows.h"
#include "student.h"

static _Alignas(TFKD_STUDENT_ALIGNMENT) unsigned char memory[TFKD_STUDENT_MEMORY_BYTES];

int main(void) {
  tfkd_student student;
  int identical = 0;
  if (tfkd_student_init(&student, memory, sizeof memory) != TFKD_OK) return 2;
  for (int i = 0; i < GOLDEN_WINDOWS; ++i) {
    memcpy(student.input, golden_inputs[i], TFKD_INPUT_SIZE);
    if (tfkd_student_run(&student) != TFKD_OK) return 2;
    if (memcmp(student.output, golden_outputs[i], TFKD_CLASSES) == 0) ++identical;
  }
  printf("%s: %d of %d golden windows identical\n", tfkd_student_engine(), identical, GOLDEN_WINDOWS);
  return identical != GOLDEN_WINDOWS;
}
