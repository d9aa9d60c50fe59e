/* One inference of the student on invented input, for counting its instructions (inference.py). */
#include "count_markers.h"
#include "student.h"

static _Alignas(TFKD_STUDENT_ALIGNMENT) unsigned char memory[TFKD_STUDENT_MEMORY_BYTES];

int main(void) {
  tfkd_student student;
  uint32_t noise = 1;
  if (tfkd_student_init(&student, memory, sizeof memory) != TFKD_OK) return 2;
  for (int i = 0; i < TFKD_INPUT_SIZE; ++i) {
    noise = noise * 1664525u + 1013904223u;
    student.input[i] = (int8_t)(noise >> 24);
  }
  tfkd_count_begin();
  const tfkd_status status = tfkd_student_run(&student);
  tfkd_count_end();
  return status != TFKD_OK;
}
