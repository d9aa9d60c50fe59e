/* What the stand-in sensors feel: a table that the tests compile in, and one place in it. */
#ifndef SAMPLES_H_
#define SAMPLES_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sample_row {
  uint32_t time_us;
  float values[6]; /* acceleration and rotation along x, y and z, in the sensor's own units */
  int pressed;     /* the button */
  int readable;    /* 0: the reading fails */
} sample_row;

extern const sample_row sample_rows[];
extern const int sample_count;

/* The row that the sensor is at; -1 before the first. */
extern int sample_at;

/* Ends the program after the last row. */
void next_sample(void);

#ifdef __cplusplus
}
#endif

#endif /* SAMPLES_H_ */
