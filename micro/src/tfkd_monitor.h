/* Looks at every sample before it is used, and reports what is wrong once. Used by streams and trials. */
#ifndef TFKD_MONITOR_H_
#define TFKD_MONITOR_H_

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "tfkd_event.h"
#include "tfkd_quantise.h"
#include "tfkd_settings.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Faults that last: reported at their beginning. Each channel's saturation follows the first five. */
enum { TFKD_LASTING_FAULTS = 5 + TFKD_CHANNELS };

typedef struct tfkd_monitor {
  tfkd_settings settings;
  tfkd_sink sink;
  uint32_t limit[TFKD_CHANNELS];       /* the bits of |x| from which on x is not just used: saturated or not finite */
  uint32_t pushes;                     /* samples seen, good or bad */
  uint32_t seen[TFKD_LASTING_FAULTS];  /* `pushes` when each fault was last there */
  float last[TFKD_CHANNELS];           /* the sample before */
  uint32_t last_us;                    /* and its time */
  uint32_t same_since_us;              /* when the run of identical samples began */
  bool stuck;                          /* and whether it was reported */
} tfkd_monitor;

/* TFKD_BAD_ARGUMENT for a null pointer or a setting out of bounds. */
tfkd_status tfkd_monitor_init(tfkd_monitor *monitor, const tfkd_settings *settings, tfkd_sink sink);

/* Sends a fault, a lasting one only at its beginning. */
void tfkd_monitor_report(tfkd_monitor *monitor, tfkd_event_kind kind, uint32_t time_us, uint32_t value);

/* The rare cases of the two below. */
bool tfkd_monitor_judge(tfkd_monitor *monitor, uint32_t time_us, const float sample[TFKD_CHANNELS]);
bool tfkd_monitor_repeated(tfkd_monitor *monitor, uint32_t time_us);

/* Counts a sample, reports NaN, infinities and saturation. False: the sample cannot be used. */
static inline bool tfkd_monitor_check(tfkd_monitor *monitor, uint32_t time_us, const float sample[TFKD_CHANNELS]) {
  ++monitor->pushes;
  for (int channel = 0; channel < TFKD_CHANNELS; ++channel) {
    if (tfkd_magnitude(sample[channel]) >= monitor->limit[channel]) return tfkd_monitor_judge(monitor, time_us, sample);
  }
  return true;
}

/* Whether the sensor is stuck, which is reported when it becomes so. `first`: there is nothing to compare. */
static inline bool tfkd_monitor_stuck(tfkd_monitor *monitor, uint32_t time_us, const float sample[TFKD_CHANNELS],
                                      bool first) {
  int same = 0;
  while (!first && same < TFKD_CHANNELS && tfkd_bits(sample[same]) == tfkd_bits(monitor->last[same])) ++same;
  if (same == TFKD_CHANNELS) return tfkd_monitor_repeated(monitor, time_us);
  monitor->same_since_us = time_us;
  monitor->stuck = false;
  return false;
}

/* Call last: remembers the sample, to which the next will be compared. */
static inline void tfkd_monitor_keep(tfkd_monitor *monitor, uint32_t time_us, const float sample[TFKD_CHANNELS]) {
  memcpy(monitor->last, sample, sizeof monitor->last);
  monitor->last_us = time_us;
}

#ifdef __cplusplus
}
#endif

#endif /* TFKD_MONITOR_H_ */
