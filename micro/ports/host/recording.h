/* A recording in a CSV file: a line of column names, then a line for each sample. The column time_s and one column
 * for each channel of the contract are looked for by name; others are left alone, and so are empty lines. */
#ifndef TFKD_RECORDING_H_
#define TFKD_RECORDING_H_

#include <stdio.h>

#include "tfkd_contract.h"

typedef struct recording {
  const char *path;
  FILE *file;
  unsigned long line;
  int columns;
  int time_column;
  int channel_columns[TFKD_CHANNELS];
} recording;

/* 0, or 1 after having told on stderr why not. */
int recording_open(recording *rec, const char *path);

/* Seconds and the channels' values of the next line: 1; 0 at the end; -1 after having told of a bad line. */
int recording_next(recording *rec, double *seconds, float sample[TFKD_CHANNELS]);

#endif /* TFKD_RECORDING_H_ */
