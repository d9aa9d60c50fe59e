/* The student behind one interface, whichever engine runs it.
 *
 *   static _Alignas(TFKD_STUDENT_ALIGNMENT) unsigned char memory[TFKD_STUDENT_MEMORY_BYTES];
 *   tfkd_student student;
 *   if (tfkd_student_init(&student, memory, sizeof memory) != TFKD_OK) ...
 *   fill student.input with TFKD_INPUT_SIZE quantised values
 *   if (tfkd_student_run(&student) != TFKD_OK) ...
 *   read TFKD_CLASSES values from student.output
 *
 * A student with a memory (TFKD_MEMORY above 0) answers from its earlier runs, too: their inputs must join, and after a
 * break between them it must forget, tfkd_student_reset(&student). After tfkd_student_init it remembers nothing.
 *
 * Exactly one engine is linked: the generated plain C (the default), or TensorFlow Lite Micro where
 * TFKD_ENGINE_TFLM is defined. Both give the same bytes. No engine takes memory from anywhere else.
 */
#ifndef TFKD_STUDENT_H_
#define TFKD_STUDENT_H_

#include <stddef.h>
#include <stdint.h>

#include "tfkd_contract.h"
#include "tfkd_status.h"

#define TFKD_STUDENT_ALIGNMENT 16

#ifdef TFKD_ENGINE_TFLM
#include "student_tflm.h"
#else
#include "student_plain.h"
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tfkd_student {
  int8_t *input;        /* TFKD_INPUT_SIZE values; overwritten by each run: fill it before each */
  const int8_t *output; /* TFKD_CLASSES values; valid until input is filled again */
  void *engine;         /* the engine's own */
} tfkd_student;

/* Prepares the engine in `memory`, which must stay untouched as long as the student is used. */
tfkd_status tfkd_student_init(tfkd_student *student, void *memory, size_t bytes);

/* One inference. */
tfkd_status tfkd_student_run(tfkd_student *student);

/* Clears what the student remembers of earlier runs; nothing where TFKD_MEMORY is 0. TFKD_BAD_ARGUMENT: there is no
 * student, or it was not prepared. */
tfkd_status tfkd_student_reset(tfkd_student *student);

/* The engine's name, for reports: "plain C" or "TensorFlow Lite Micro". */
const char *tfkd_student_engine(void);

#ifdef __cplusplus
}
#endif

#endif /* TFKD_STUDENT_H_ */
