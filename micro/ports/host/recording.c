#include "recording.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_LINE = 8192 };

/* Reads a line that is not empty, without its end: 1; 0 at the end of the file; -1 after having told of an error. */
static int next_line(recording *rec, char line[LONGEST_LINE]) {
  do {
    if (fgets(line, LONGEST_LINE, rec->file) == NULL) {
      if (!ferror(rec->file)) return 0;
      fprintf(stderr, "%s could not be read: %s\n", rec->path, strerror(errno));
      return -1;
    }
    ++rec->line;
    if (strchr(line, '\n') == NULL && !feof(rec->file)) {
      fprintf(stderr, "%s, line %lu is longer than %d characters.\n", rec->path, rec->line, LONGEST_LINE - 2);
      return -1;
    }
    line[strcspn(line, "\r\n")] = '\0';
  } while (line[0] == '\0');
  return 1;
}

/* Cuts the next field out of a line; NULL behind the last. */
static char *next_field(char **rest) {
  char *field = *rest;
  if (field == NULL) return NULL;
  char *comma = strchr(field, ',');
  if (comma != NULL) *comma = '\0';
  *rest = comma == NULL ? NULL : comma + 1;
  return field;
}

static int read_names(recording *rec, char *line) {
  const char *field;
  if (strncmp(line, "\xef\xbb\xbf", 3) == 0) line += 3; /* the mark of UTF-8, which spreadsheets write */
  rec->time_column = -1;
  for (int c = 0; c < TFKD_CHANNELS; ++c) rec->channel_columns[c] = -1;
  for (rec->columns = 0; (field = next_field(&line)) != NULL; ++rec->columns) {
    if (strcmp(field, "time_s") == 0) rec->time_column = rec->columns;
    for (int c = 0; c < TFKD_CHANNELS; ++c) {
      if (strcmp(field, tfkd_channels[c]) == 0) rec->channel_columns[c] = rec->columns;
    }
  }
  const char *missing = rec->time_column < 0 ? "time_s" : NULL;
  for (int c = 0; c < TFKD_CHANNELS && missing == NULL; ++c) {
    if (rec->channel_columns[c] < 0) missing = tfkd_channels[c];
  }
  if (missing == NULL) return 0;
  fprintf(stderr, "%s has no column %s. Its first line must name the columns: time_s", rec->path, missing);
  for (int c = 0; c < TFKD_CHANNELS; ++c) fprintf(stderr, ",%s", tfkd_channels[c]);
  fprintf(stderr, "\n");
  return 1;
}

int recording_open(recording *rec, const char *path) {
  char line[LONGEST_LINE];
  memset(rec, 0, sizeof *rec);
  rec->path = path;
  rec->file = fopen(path, "r");
  if (rec->file == NULL) {
    fprintf(stderr, "%s could not be opened: %s\n", path, strerror(errno));
    return 1;
  }
  const int got = next_line(rec, line);
  if (got == 0) fprintf(stderr, "%s is empty.\n", path);
  if (got == 1 && read_names(rec, line) == 0) return 0;
  fclose(rec->file);
  return 1;
}

int recording_next(recording *rec, double *seconds, float sample[TFKD_CHANNELS]) {
  char line[LONGEST_LINE];
  const int got = next_line(rec, line);
  if (got != 1) {
    fclose(rec->file);
    return got;
  }
  char *rest = line;
  for (int column = 0; column < rec->columns; ++column) {
    const char *field = next_field(&rest);
    int wanted = column == rec->time_column;
    for (int c = 0; c < TFKD_CHANNELS; ++c) wanted |= column == rec->channel_columns[c];
    if (field != NULL && !wanted) continue;
    char *end = NULL;
    if (column == rec->time_column && field != NULL) *seconds = strtod(field, &end);
    for (int c = 0; c < TFKD_CHANNELS && field != NULL; ++c) {
      if (column == rec->channel_columns[c]) sample[c] = strtof(field, &end);
    }
    if (field == NULL || end == field || *end != '\0') {
      fprintf(stderr, "%s, line %lu, column %d is not a number: %s\n", rec->path, rec->line, column + 1,
              field == NULL ? "missing" : field);
      fclose(rec->file);
      return -1;
    }
  }
  return 1;
}
