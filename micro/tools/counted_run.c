/* Puts the count markers around the inference, whoever calls it. Link with -Wl,--wrap=tfkd_student_run. */
#include "count_markers.h"
#include "student.h"

tfkd_status __real_tfkd_student_run(tfkd_student *student);
tfkd_status __wrap_tfkd_student_run(tfkd_student *student);

tfkd_status __wrap_tfkd_student_run(tfkd_student *student) {
  tfkd_status status;
  tfkd_count_begin();
  status = __real_tfkd_student_run(student);
  tfkd_count_end();
  return status;
}
