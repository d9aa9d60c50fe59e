/* What can go wrong, in one list for the core and for both engines. */
#ifndef TFKD_STATUS_H_
#define TFKD_STATUS_H_

typedef enum tfkd_status {
  TFKD_OK = 0,
  TFKD_TOO_LITTLE_MEMORY = -1, /* the memory handed over is smaller than the engine needs */
  TFKD_MISALIGNED = -2,        /* the memory handed over is not aligned to TFKD_STUDENT_ALIGNMENT */
  TFKD_WRONG_MODEL = -3,       /* the model does not fit the contract: shapes, types or schema */
  TFKD_ENGINE_FAILED = -4,     /* the engine refused to run */
  TFKD_BAD_ARGUMENT = -5       /* a null pointer, or a setting that makes no sense */
} tfkd_status;

#endif /* TFKD_STATUS_H_ */
