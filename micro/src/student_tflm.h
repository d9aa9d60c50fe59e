/* The student on TensorFlow Lite Micro: how much memory it takes. Included by student.h. */
#ifndef TFKD_STUDENT_TFLM_H_
#define TFKD_STUDENT_TFLM_H_

#include <stddef.h>
#include <stdint.h>

#include "student_model.h"

/* The arena was measured on x86-64 with reference kernels. A 32-bit core needs less, but scratch buffers of
 * CMSIS-NN come on top: 3 % more than measured were seen on a Cortex-M4 and M7; with the vector extension of
 * M55 and M85 40 %, of which depthwise kernels of 15 samples took most. Print tfkd_tflm_arena_used() on the
 * board, and set what fits. */
#ifndef TFKD_TFLM_MARGIN_BYTES
#ifdef __ARM_FEATURE_MVE
#define TFKD_TFLM_MARGIN_BYTES (STUDENT_MODEL_ARENA_BYTES / 2)
#else
#define TFKD_TFLM_MARGIN_BYTES (STUDENT_MODEL_ARENA_BYTES / 16)
#endif
#endif

/* A little too little is refused; in a fifth of what it needs, TFLM was seen to hang. */
#if TFKD_TFLM_MARGIN_BYTES < -(STUDENT_MODEL_ARENA_BYTES / 4)
#error "TFKD_TFLM_MARGIN_BYTES takes more than a quarter of the arena away: set what tfkd_tflm_arena_used() tells"
#endif

/* Room for TFLM's interpreter and resolver; student_tflm.cc does not compile if it is too little. */
#if UINTPTR_MAX > 0xffffffffu
#define TFKD_TFLM_OBJECT_BYTES (640 + 96 * STUDENT_MODEL_OPERATORS)
#else
#define TFKD_TFLM_OBJECT_BYTES (320 + 48 * STUDENT_MODEL_OPERATORS)
#endif

#define TFKD_STUDENT_MEMORY_BYTES \
  ((TFKD_TFLM_OBJECT_BYTES + STUDENT_MODEL_ARENA_BYTES + TFKD_TFLM_MARGIN_BYTES + 15) / 16 * 16)

#ifdef __cplusplus
extern "C" {
#endif

struct tfkd_student;

/* Bytes of the arena that the interpreter has in use; 0 before tfkd_student_init(). */
size_t tfkd_tflm_arena_used(const struct tfkd_student *student);

#ifdef __cplusplus
}
#endif

#endif /* TFKD_STUDENT_TFLM_H_ */
